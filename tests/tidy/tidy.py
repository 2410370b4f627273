#!/usr/bin/env python3
"""The structure test: the rules of ARCHITECTURE.md and CONTRIBUTING.md that a machine can check.

    tidy.py            checks the tree that it stands in
    tidy.py --format   checks the layout of the C++ files with clang-format
    tidy.py --report   prints the sizes that CONTRIBUTING.md sets as aims
"""

import argparse
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

import layers
import rules
import source_text

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Layout differs between versions of clang-format; this one is Debian 12's.
CLANG_FORMAT_VERSION = "14"
SKIPPED_EXIT_CODE = 77


def tracked_files():
    """The files that git knows or would add; without git, all but hidden and built ones."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    )
    if listing.returncode == 0 and listing.stdout:
        return [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    return [p for p in ROOT.rglob("*") if p.is_file() and "build" not in p.relative_to(ROOT).parts]


def read_tree():
    files = {}
    for path in tracked_files():
        name = path.relative_to(ROOT).as_posix()
        if not path.is_file() or name.startswith(".git/"):
            continue
        try:
            files[name] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # binary samples of the codec's tests
    return rules.Tree(files)


def check_structure():
    tree = read_tree()
    violations = [v for rule in rules.RULES for v in rule(tree)]
    for violation in violations:
        print(violation)
    print(f"{len(tree.files)} files, {len(rules.RULES)} rules, {len(violations)} violations")
    return 1 if violations else 0


def check_format():
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    version = ""
    if tool:
        answer = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True)
        match = re.search(r"version (\d+)", answer.stdout)
        version = match.group(1) if match else ""
    if version != CLANG_FORMAT_VERSION:
        print(f"SKIPPED: the layout of the C++ files needs clang-format {CLANG_FORMAT_VERSION}")
        return SKIPPED_EXIT_CODE
    files = sorted(str(ROOT / name) for name in read_tree().cpp())
    return subprocess.run([tool, "--dry-run", "-Werror", *files], check=False).returncode


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0


def print_report():
    tree = read_tree()
    own = {p: t for p, t in tree.cpp().items() if not p.startswith("tests/")}
    sizes = [t.count("\n") for t in own.values()]
    functions = [f.lines for t in own.values() for f in source_text.functions(t)]
    total = sum(sizes)
    comment_lines = sum(c.count("\n") + 1 for t in own.values() for _, c in source_text.comments(t))
    pure = {p: t for p, t in own.items() if layers.layer_of(p) in layers.PURE}
    checks = sum(len(re.findall(r"\bCHECK(?:_\w+)?\(", t)) for t in pure.values())
    pure_lines = sum(t.count("\n") for t in pure.values()) or 1
    print(f"files: {len(sizes)}, {total} lines, median {statistics.median(sizes):.0f}, "
          f"95th percentile {percentile(sizes, 0.95)}, largest {max(sizes)}")
    print(f"functions: {len(functions)}, 95th percentile {percentile(functions, 0.95)} lines, "
          f"longest {max(functions)}")
    print(f"comments: {100 * comment_lines / total:.0f} % of the lines")
    print(f"checks in the pure parts: {1000 * checks / pure_lines:.0f} per 1,000 lines")
    return 0


def main():
    parser = argparse.ArgumentParser(description="the structure test")
    parser.add_argument("--format", action="store_true", help="check the layout of C++ files")
    parser.add_argument("--report", action="store_true", help="print sizes and shares")
    arguments = parser.parse_args()
    if arguments.format:
        return check_format()
    return print_report() if arguments.report else check_structure()


if __name__ == "__main__":
    sys.exit(main())
