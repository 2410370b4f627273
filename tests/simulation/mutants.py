#!/usr/bin/env python3
"""Plants known bugs in a copy of the tree; the simulator must find each.

A checker that never fails proves nothing. All bugs of mutant_list.py go into one copy, which is
built once; a run asks for one of them by its number. A bug survives where the test, scenario or
scope that is named for it passes, or no seed up to its bound fails.

    tests/simulation/mutants.py [--jobs N] [--only TEXT] [--quick] [--seeds N] [--by-seed]
                                [--work FOLDER]
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from mutant_list import MUTANTS  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUICK_SEEDS = 250  # with --quick: bugs that as many seeds find, or something else
DECLARATION = "extern \"C\" int groupcomm_mutant;  // which planted bug this run has; 0: none\n"
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
    (tree / "ordering/mutant_switch.cc").write_text(SWITCH)
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
    environment = dict(os.environ, GROUPCOMM_MUTANT=str(number))
    done = subprocess.run([work / "tree/build/release/bin" / words[0], *words[1:]],
                          capture_output=True, text=True, env=environment)
    return done.returncode != 0, done.stdout + done.stderr


def violations(output):
    found = re.findall(r"^(\w+) violated|CHECK (failed)|^complaint: (\w+)|^(\w+): .*, after$",
                       output, re.M)
    return " ".join(dict.fromkeys("".join(parts).replace("failed", "CHECK") for parts in found))


def is_killed_by(work, number, name, killer):
    """By the one unit test, scenario, or search of a scope that is there for it."""
    program, what = killer.split()
    is_test = program.endswith("_test")
    if is_test:
        words = ["--gtest_filter=" + what]
    elif what.endswith(".txt"):
        words = ["--scenario", ROOT / "tests/scenarios" / what]
    else:
        words = ["--explore", what]
    killed, output = run(work, number, [program, *words])
    if killed:
        print(f"| {name} | `{what}` | {'unit test' if is_test else violations(output)} |",
              flush=True)
    else:
        print(f"SURVIVES {killer}: {name}", flush=True)
    return killed


def hunt(work, number, name, seeds, jobs):
    """Whether one of so many seeds fails. Prints the first one and what it violates."""
    killed, output = run(work, number, ["simulate", "--count", str(seeds), "--jobs", str(jobs),
                                        "--until-failure"])
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
    survivors = 0
    if not options.texts:
        build(tree, options)
        for number, name, killer in meant(options):
            killed = (hunt(work, number, name, killer, options.jobs) if isinstance(killer, int)
                      else is_killed_by(work, number, name, killer))
            survivors += not killed
    if not options.work:
        shutil.rmtree(work)
    return 1 if survivors else 0


if __name__ == "__main__":
    os.environ.pop("GROUPCOMM_SIM_SEEDS", None)
    sys.exit(main())
