#!/usr/bin/env python3
"""Sources have at most 800 lines, headers 400; lines at most 100 columns are clang-format's work."""

import pathlib
import subprocess
import sys

LIMITS = {".cpp": 800, ".h": 400}

listing = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                         capture_output=True, text=True, check=True).stdout.splitlines()
failed = False
for name in listing:
    path = pathlib.Path(name)
    limit = LIMITS.get(path.suffix)
    if limit is None or not path.exists():
        continue
    text = path.read_text()
    lines = text.count("\n")
    generated = "Generated from" in text[:400]  # nobody has to read these from end to end
    if lines > limit and not generated:
        print(f"{name}: {lines} lines, the limit is {limit}")
        failed = True
sys.exit(1 if failed else 0)
