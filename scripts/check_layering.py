#!/usr/bin/env python3
"""A folder of tenon/ may include only itself and the folders before it in this list; and what an op is, it
is asked by its statement or CoreOp, never by its name."""

import pathlib
import re
import subprocess
import sys

ORDER = """base graph ops interpret transform compile runtime tensor format nn models data learners
train distributed tune rl compress explain lifecycle serve systems""".split()
RANK = {folder: rank for rank, folder in enumerate(ORDER)}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]tenon/([^/">]+)/')
# Heavy or foreign headers, which stay in .cpp files.
HEAVY = re.compile(r'^\s*#\s*include\s*[<"]((llvm|oneapi|nlohmann|toml\+\+|CLI|google)/|dnnl|png\.h|zlib\.h|xxhash\.h)')
# Those that exist to wrap one, for the sources beside them.
MAY_BE_HEAVY = ("tenon/base/json.h", "tenon/compile/codegen/llvm/", "tenon/runtime/cpu/onednn/")
BY_NAME = re.compile(r'\bop(->|\.)name(\.(starts|ends)_with\(| *[=!]= *)"')


def main() -> int:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "tenon"],
        capture_output=True, text=True, check=True).stdout.split()
    errors = []
    for name in listing:
        path = pathlib.Path(name)
        if path.suffix not in (".h", ".cpp") or not path.exists():
            continue
        folder = path.parts[1]
        if len(path.parts) == 2:  # tenon/tenon.h brings all of it
            continue
        if folder not in RANK:
            errors.append(f"{name}: folder {folder} has no place in the order (scripts/check_layering.py)")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if found := INCLUDE.match(line):
                other = found.group(1)
                if other not in RANK:
                    errors.append(f"{name}:{number}: unknown folder {other}")
                elif RANK[other] > RANK[folder]:
                    errors.append(f"{name}:{number}: {folder} may not include {other}")
            if path.suffix == ".h" and not name.startswith(MAY_BE_HEAVY) and HEAVY.match(line):
                errors.append(f"{name}:{number}: heavy header; include it in a .cpp file")
            if BY_NAME.search(line):
                errors.append(f"{name}:{number}: an op compared by name; see docs/modules/compile.md")
    print("\n".join(errors), end="\n" if errors else "")
    return 1 if errors else 0


sys.exit(main())
