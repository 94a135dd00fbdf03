#!/usr/bin/env python3
"""The diffs that docs/ shows are of this tree: every line that one adds is in its file, in order."""

import pathlib
import re
import sys


def added_lines(block):
    """(file, line) of each line that a diff adds."""
    file = None
    for line in block.splitlines():
        if line.startswith("+++ b/"):
            file = pathlib.Path(line[len("+++ b/"):])
        elif line.startswith("+") and file is not None:
            yield file, line[1:]


def missing(block):
    """The added lines that do not follow the one before them in their file, however far below."""
    at = {}
    for file, line in added_lines(block):
        lines = file.read_text().splitlines() if file.exists() else []
        try:
            at[file] = lines.index(line, at.get(file, -1) + 1)
        except ValueError:
            yield file, line


def main():
    failed = False
    for page in sorted(pathlib.Path("docs").rglob("*.md")):
        for block in re.findall(r"```diff\n(.*?)```", page.read_text(), re.DOTALL):
            for file, line in missing(block):
                print(f"{page}: {file} has no such line (any more): {line.strip()}")
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
