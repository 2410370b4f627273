#!/usr/bin/env python3
"""Plants known bugs in a copy of the tree; the simulator must find each.

A checker that never fails proves nothing. All bugs of mutant_list.py go into one copy, which is
built once; a run asks for one of them by its number. A bug survives where no seed fails.

    tests/simulation/mutants.py [--seeds N] [--jobs N] [--only TEXT] [--quick] [--work FOLDER]
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
from mutant_list import MUTANTS, QUICK  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
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
    for number, (name, patches) in enumerate(MUTANTS, 1):
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


def build(tree, work, jobs):
    subprocess.run(["cmake", "-G", "Ninja", "-S", tree, "-B", work / "build",
                    "-DCMAKE_BUILD_TYPE=RelWithDebInfo"], check=True, capture_output=True)
    built = subprocess.run(["cmake", "--build", work / "build", "--target", "simulate",
                            f"-j{jobs}"], capture_output=True, text=True)
    if built.returncode != 0:
        sys.exit(f"the planted bugs do not build:\n{built.stdout}{built.stderr}")


def hunt(work, number, name, options):
    """Whether some seed fails. Prints the first one and what it violates."""
    environment = dict(os.environ, GROUPCOMM_MUTANT=str(number))
    run = subprocess.run([work / "build/bin/simulate", "--count", str(options.seeds), "--jobs",
                          str(options.jobs), "--until-failure"],
                         capture_output=True, text=True, env=environment)
    output = run.stdout + run.stderr
    failed = re.findall(r"^FAILED: simulate --seed (\d+)", output, re.M)
    seeds = sorted(int(seed) for seed in failed)
    found = re.findall(r"^(\w+) violated|CHECK (failed)|^complaint: (\w+)", output, re.M)
    what = " ".join(dict.fromkeys("".join(parts).replace("failed", "CHECK") for parts in found))
    if run.returncode == 0:
        print(f"SURVIVES {options.seeds} seeds: {name}", flush=True)
        return False
    print(f"| {name} | {seeds[0] if seeds else '?'} | {what} |", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--texts", action="store_true", help="look for the texts and end")
    parser.add_argument("--work", default="")
    options = parser.parse_args()

    work = pathlib.Path(options.work or tempfile.mkdtemp(prefix="groupcomm-mutants-"))
    tree = work / "tree"
    copy_tree(tree)
    wrong = plant(tree)
    if wrong:
        sys.exit("\n".join(wrong))
    survivors = 0
    if not options.texts:
        build(tree, work, options.jobs)
        for number, (name, _) in enumerate(MUTANTS, 1):
            is_meant = name in QUICK if options.quick else options.only in name
            if is_meant and not hunt(work, number, name, options):
                survivors += 1
    if not options.work:
        shutil.rmtree(work)
    return 1 if survivors else 0


if __name__ == "__main__":
    os.environ.pop("GROUPCOMM_SIM_SEEDS", None)
    sys.exit(main())
