#!/usr/bin/env python3
"""How many lines of the pure parts the tests run: unit tests, seeds and scenarios.

    cmake --preset coverage && cmake --build --preset coverage
    python3 scripts/coverage.py [--units | --seeds N] [--missed] [--least PERCENT]

Needs gcov. --units leaves out the seeds and scenarios, --missed prints the lines that nothing ran,
--least fails below so much in any folder. Functions in headers count, too, called or not.
"""

import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "coverage"
FOLDERS = ["ordering", "membership", "daemon/core"]
TARGETS = ["ordering", "membership", "daemon_core"]


def unit_tests():
    return [[BUILD / "bin" / f"{target}_test", "--gtest_brief=1"] for target in TARGETS]


def simulations(seeds):
    scenarios = []
    for file in sorted((ROOT / "tests" / "scenarios").glob("*.txt")):
        scenarios += ["--scenario", file]
    simulate = BUILD / "bin" / "simulate"
    # One process each: the children of a batch end without writing down what they ran.
    return [[simulate, *scenarios]] + [[simulate, "--seed", n] for n in range(1, seeds + 1)]


def run_all(commands):
    """False where a test fails; what it ran counts all the same."""
    good = True
    for command in commands:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            print(f"FAILED: {command[0]}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
            good = False
    return good


def lines_of(notes):
    """(file, line, count) of all lines in the folders that one object has, run or not."""
    done = subprocess.run(["gcov", "--json-format", "--stdout", str(notes)], cwd=BUILD,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    for text in done.stdout.splitlines():
        for file in json.loads(text)["files"]:
            path = (BUILD / file["file"]).resolve()
            if path.parent not in [ROOT / folder for folder in FOLDERS] or not path.exists():
                continue
            for line in file["lines"]:
                yield str(path.relative_to(ROOT)), line["line_number"], line["count"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--units", action="store_true")
    parser.add_argument("--missed", action="store_true")
    parser.add_argument("--least", type=float, default=0.0)
    options = parser.parse_args()
    for counter in BUILD.rglob("*.gcda"):
        counter.unlink()
    good = run_all(unit_tests() + ([] if options.units else simulations(options.seeds)))
    files = {}
    for notes in BUILD.rglob("*.gcno"):
        for path, number, count in lines_of(notes):
            lines = files.setdefault(path, {})
            lines[number] = lines.get(number, 0) + count
    for folder in FOLDERS:
        mine = {p: lines for p, lines in files.items() if str(pathlib.Path(p).parent) == folder}
        total = sum(len(lines) for lines in mine.values())
        missed = {p: sorted(n for n, count in lines.items() if count == 0)
                  for p, lines in mine.items()}
        run = total - sum(len(numbers) for numbers in missed.values())
        percent = 100.0 * run / max(total, 1)
        print(f"{folder}: {run} of {total} lines, {percent:.1f} %")
        good = good and total > 0 and percent >= options.least
        for path, numbers in sorted(missed.items()):
            if options.missed and numbers:
                print(f"  {path}: {' '.join(map(str, numbers))}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
