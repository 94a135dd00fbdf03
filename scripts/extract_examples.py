#!/usr/bin/env python3
"""extract_examples.py OUT: writes the C++ examples of the documentation as sources to compile.

Two kinds are taken:
- In README.md and docs/: ```cpp blocks that contain `int main`, or are marked ```cpp compiled.
- At the top of public headers, which are UMBRELLAS and what those include: the comment lines
  `//   …` before anything else. They become the body of a function, after lines of the form
  `//   given: int64_t n; Tensor x;`, which declare what the example takes for granted.
  `#include` lines stay in front. A `…` in an example marks it as a sketch, which is not compiled.
"""

import pathlib
import re
import subprocess
import sys

UMBRELLAS = ("tenon/tenon.h", "tenon/core.h", "tenon/extension.h")
PRELUDE = """#include <cstdint>
#include <fmt/core.h>
#include <string>
#include <utility>
#include <vector>
"""
FUNCTION = re.compile(r"^[A-Za-z][\w:<>,&*\s]*[\s&*]\w+\([^{}]*\)\s*(const)?\s*\{(.*\})?\s*(//.*)?$")
CONTROL = re.compile(r"^(for|if|while|switch|else|return)\b")


def tracked(*patterns):
    listing = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "--",
                              *patterns], capture_output=True, text=True, check=True).stdout
    return [pathlib.Path(name) for name in listing.splitlines() if pathlib.Path(name).exists()]


def from_markdown(path):
    """(line number, text) of each block to compile."""
    block, start, wanted = None, 0, False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if block is None and line.strip().startswith("```cpp"):
            block, start, wanted = [], number + 1, "compiled" in line
        elif block is not None and line.strip() == "```":
            if wanted or any("int main" in text for text in block):
                yield start, "\n".join(block)
            block = None
        elif block is not None:
            block.append(line)


def markdown_source(path, start, text):
    includes = "" if "#include" in text else "#include <tenon/tenon.h>\nusing namespace tenon;\n"
    return f'{includes}#line {start} "{path}"\n{text}\n'


def from_header(path):
    """(line number, lines, given, includes) of the example at the top, or None."""
    lines = path.read_text().splitlines()
    index = 0
    while index < len(lines) and not lines[index].startswith("//   "):
        if lines[index] and not lines[index].startswith(("//", "#pragma once")):
            return None
        index += 1
    start, example, given, includes = index + 1, [], [], []
    for line in lines[index:]:
        if not line.startswith("//   "):
            break
        text = line[5:]
        if text.startswith("given:"):
            given.append(text.removeprefix("given:"))
            text = ""
        if text.startswith("#include"):
            includes.append(text)
            text = ""
        example.append(text)
    return (start, example, given, includes) if any(example) else None


def header_example(path, start, example, given):
    """One namespace, so that the examples of a folder can share a source."""
    first = next(line for line in example if line and not line.startswith("//"))
    body = [f'#line {start} "{path}"', *example]
    if not FUNCTION.match(first) or CONTROL.match(first):
        body = ["void example() {", *body, "}"]
    modules = re.findall(r"^namespace tenon::(\w+) \{", pathlib.Path(path).read_text(), re.M)
    usings = [f"using namespace tenon::{name};" for name in sorted({*modules} - {"detail"})]
    name = "example_" + re.sub(r"\W", "_", str(path))
    return [f"namespace {name} {{", "using namespace tenon;", *usings, *given, *body, f"}}  // namespace {name}"]


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    sources = {}
    for path in tracked("README.md", "docs/*.md"):
        for start, text in from_markdown(path):
            name = re.sub(r"\W", "_", f"{path}_{start}") + ".cpp"
            sources[name] = markdown_source(path, start, text)
    public = dict.fromkeys(UMBRELLAS)
    for umbrella in UMBRELLAS:
        included = re.findall(r'^#include "(tenon/.*)"', pathlib.Path(umbrella).read_text(), re.M)
        public.update(dict.fromkeys(included))
    folders = {}
    for path in map(pathlib.Path, public):
        found = from_header(path)
        if found and not any("…" in line for line in found[1]):
            start, example, given, includes = found
            head, body = folders.setdefault("_".join(path.parts[:-1]), ([], []))
            head += includes
            body += header_example(path, start, example, given)
    for folder, (head, body) in folders.items():
        lines = ['#include "tenon/tenon.h"', '#include "tenon/extension.h"', *head, PRELUDE, *body]
        sources[f"headers_of_{folder}.cpp"] = "\n".join(lines) + "\n"
    for old in out.glob("*.cpp"):
        if old.name not in sources:
            old.unlink()
    for name, text in sources.items():
        file = out / name
        if not file.exists() or file.read_text() != text:  # untouched files are not rebuilt
            file.write_text(text)


main()
