#!/usr/bin/env python3
"""Writes the one C++ program of a document to a file: extract.py DOCUMENT OUTPUT."""

import pathlib
import re
import sys


def main():
    document, output = map(pathlib.Path, sys.argv[1:])
    programs = re.findall(r"^```cpp\n(.*?)^```$", document.read_text(encoding="utf-8"),
                          re.MULTILINE | re.DOTALL)
    if len(programs) != 1:
        sys.exit(f"{document} shows {len(programs)} C++ programs, not one")
    output.write_text(programs[0], encoding="utf-8")


if __name__ == "__main__":
    main()
