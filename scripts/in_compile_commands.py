#!/usr/bin/env python3
"""in_compile_commands.py BUILD FILE…: prints those of the files that the build compiles."""

import json
import os
import sys

with open(os.path.join(sys.argv[1], "compile_commands.json")) as commands:
    known = {os.path.realpath(entry["file"]) for entry in json.load(commands)}
for file in sys.argv[2:]:
    if os.path.realpath(file) in known:
        print(file)
