#!/usr/bin/env python3
"""Plants known bugs in a copy of the tree; the simulator must find each.

A checker that never fails proves nothing. All bugs of mutant_list.py and mutant_list_clients.py,
and those of the checkers themselves, of mutant_list_checks.py, go into one copy, which is built
once; a run asks for one of them by its number. A bug survives where the test, scenario or scope
that is named for it passes, or no seed up to its bound fails, or something else ends the run than
what was found wrong. First the same runs must pass with none of the bugs.

    tests/simulation/mutants.py [--jobs N] [--only TEXT] [--quick] [--seeds N] [--by-seed]
                                [--work FOLDER]
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from mutant_list import MUTANTS as CORE_MUTANTS  # noqa: E402
from mutant_list_checks import CHECK_MUTANTS  # noqa: E402
from mutant_list_clients import CLIENT_MUTANTS  # noqa: E402

MUTANTS = CORE_MUTANTS + CLIENT_MUTANTS + CHECK_MUTANTS
ROOT = pathlib.Path(__file__).resolve().parents[2]
QUICK_SEEDS = 250  # with --quick: bugs that as many seeds find, or something else
SECONDS_MAX = 1800  # for one bug
NO_BUG = 0
# What stands in the output of a run that found something wrong.
EVIDENCE = re.compile(r"^\S+ violated|^FAILED: simulate --seed|^complaint: |CHECK failed|"
                      r": expected |: the transcript differs|^\[  FAILED  \]|, after$", re.M)
DECLARATION = "extern \"C\" int groupcomm_mutant;  // which planted bug this run has; 0: none\n"
SWITCH_FILE = "groupcomm/check.cc"  # which all programs link
SWITCH = """#include <cstdlib>

extern "C" {
int groupcomm_mutant = [] {
  const char* number = std::getenv("GROUPCOMM_MUTANT");
  return number == nullptr ? 0 : std::atoi(number);
}();
}
"""


def copy_tree(tree):
    shutil.rmtree(tree, ignore_errors=True)
    files = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=True)
    for name in files.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


def plant(tree):
    """All bugs at once. Each text is looked for in the original, so that bugs do not meet."""
    wrong = []
    touched = {}
    for number, (name, patches, _) in enumerate(MUTANTS, 1):
        for file, old, new in patches:
            original = (ROOT / file).read_text()
            text = touched.get(file, original)
            if original.count(old) != 1 or text.count(old) != 1:
                wrong.append(f"\"{name}\": its text stands {text.count(old)} times in {file}")
                continue
            condition = f"(groupcomm_mutant == {number})"
            touched[file] = text.replace(old, re.sub(r"\bMUTANT\b", condition, new))
    for file, text in touched.items():
        last = [match.end() for match in re.finditer(r"^#include .*\n", text, re.M)][-1]
        (tree / file).write_text(text[:last] + DECLARATION + text[last:])
    with open(tree / SWITCH_FILE, "a") as file:
        file.write(SWITCH)
    return wrong


def meant(options):
    """Number, name, and killer or number of seeds of those to be hunted."""
    for number, (name, _, killer) in enumerate(MUTANTS, 1):
        by_seeds = isinstance(killer, int)
        if options.only not in name or (options.quick and by_seeds and killer > QUICK_SEEDS):
            continue
        yield number, name, options.seeds or killer if by_seeds or options.by_seed else killer


def build(tree, options):
    """Like the release build, so that ccache has what no bug touches."""
    environment = dict(os.environ, CCACHE_BASEDIR=str(tree), CCACHE_NOHASHDIR="1")
    subprocess.run(["cmake", "--preset", "release"], cwd=tree, env=environment, check=True,
                   capture_output=True)
    programs = {"simulate"} | {killer.split()[0] for _, _, killer in meant(options)
                               if isinstance(killer, str)}
    built = subprocess.run(["cmake", "--build", "--preset", "release", f"-j{options.jobs}",
                            "--target", *sorted(programs)], cwd=tree, env=environment,
                           capture_output=True, text=True)
    if built.returncode != 0:
        sys.exit(f"the planted bugs do not build:\n{built.stdout}{built.stderr}")


def run(work, number, words):
    """Whether something was found wrong, and the output. Nothing is, where it takes too long."""
    environment = dict(os.environ, GROUPCOMM_MUTANT=str(number))
    program = subprocess.Popen([work / "tree/build/release/bin" / words[0], *words[1:]],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env=environment, start_new_session=True)
    try:
        output, _ = program.communicate(timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGKILL)  # and the processes that it began
        output, _ = program.communicate()
        print(f"ended after {SECONDS_MAX} s: {' '.join(map(str, words))}", flush=True)
        return False, output
    crashed = program.returncode < 0
    return program.returncode != 0 and (crashed or bool(EVIDENCE.search(output))), output


def violations(output):
    found = re.findall(r"^(\w+) violated|CHECK (failed)|^complaint: (\w+)|^(\w+): .*, after$",
                       output, re.M)
    words = ["".join(parts).replace("failed", "CHECK") for parts in found]
    # What the simulator says of one node begins with the node's name.
    return " ".join(dict.fromkeys(re.sub(r"^[cd]\d+$", "complaint", word) for word in words))


def words_of(killer):
    """Of the one unit test, scenario, or search of a scope."""
    program, what = killer.split()
    if program.endswith("_test"):
        return [program, "--gtest_filter=" + what]
    if what.endswith(".txt"):
        return [program, "--scenario", ROOT / "tests/scenarios" / what]
    return [program, "--explore", what]


def is_killed_by(work, number, name, killer):
    program, what = killer.split()
    killed, output = run(work, number, words_of(killer))
    if killed:
        found = "unit test" if program.endswith("_test") else violations(output)
        print(f"| {name} | `{what}` | {found} |", flush=True)
    else:
        print(f"SURVIVES {killer}: {name}", flush=True)
    return killed


def words_of_seeds(seeds, jobs):
    return ["simulate", "--count", str(seeds), "--jobs", str(jobs), "--until-failure"]


def fails_without_bugs(work, hunted, jobs):
    """Whether a run that is to find a bug finds something where there is none."""
    seeds = max((killer for _, _, killer in hunted if isinstance(killer, int)), default=0)
    runs = [words_of_seeds(seeds, jobs)] if seeds else []
    runs += [words_of(killer)
             for killer in sorted({killer for _, _, killer in hunted if isinstance(killer, str)})]
    for words in runs:
        program = subprocess.run([work / "tree/build/release/bin" / words[0], *words[1:]],
                                 capture_output=True, text=True, timeout=SECONDS_MAX,
                                 env=dict(os.environ, GROUPCOMM_MUTANT=str(NO_BUG)))
        ran = not words[0].endswith("_test") or "[       OK ]" in program.stdout
        if program.returncode == 0 and ran:
            continue
        print(f"FAILS WITHOUT A BUG: {' '.join(map(str, words))}\n{program.stdout[-2000:]}")
        return True
    return False


def hunt(work, number, name, seeds, jobs):
    """Whether one of so many seeds fails. Prints the first one and what it violates."""
    killed, output = run(work, number, words_of_seeds(seeds, jobs))
    failed = re.findall(r"^FAILED: simulate --seed (\d+)", output, re.M)
    first = min((int(seed) for seed in failed), default="?")
    if killed:
        print(f"| {name} | {first} | {seeds:,} | {violations(output)} |", flush=True)
    else:
        print(f"SURVIVES {seeds:,} seeds: {name}", flush=True)
    return killed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=0, help="look at so many, whatever the bound")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true",
                        help=f"leave out those that take more than {QUICK_SEEDS} seeds")
    parser.add_argument("--by-seed", action="store_true",
                        help="look for seeds only (with --seeds)")
    parser.add_argument("--texts", action="store_true", help="look for the texts and end")
    parser.add_argument("--work", default="")
    options = parser.parse_args()
    if options.by_seed and not options.seeds:
        parser.error("--by-seed needs --seeds")

    work = pathlib.Path(options.work or tempfile.mkdtemp(prefix="groupcomm-mutants-"))
    tree = work / "tree"
    copy_tree(tree)
    wrong = plant(tree)
    if wrong:
        sys.exit("\n".join(wrong))
    survivors = []
    if not options.texts:
        build(tree, options)
        hunted = list(meant(options))
        if fails_without_bugs(work, hunted, options.jobs):
            return 1
        for number, name, killer in hunted:
            killed = (hunt(work, number, name, killer, options.jobs) if isinstance(killer, int)
                      else is_killed_by(work, number, name, killer))
            if not killed:
                survivors.append(name)
        print(f"{len(hunted)} planted bugs, {len(survivors)} not found", flush=True)
        for name in survivors:
            print(f"not found: {name}", flush=True)
    if not options.work:
        shutil.rmtree(work)
    return 1 if survivors else 0


if __name__ == "__main__":
    os.environ.pop("GROUPCOMM_SIM_SEEDS", None)
    sys.exit(main())
