#!/usr/bin/env bash
# Pillow 13.0.0: a PNG of 16 bits a sample becomes 8 bits in two ways. As colour (or grey with alpha)
# each sample is its high byte; as grey it opens as I;16, and convert("L") cuts everything above 255
# off. So one picture of 16 bits, saved as grey and as colour with equal channels, reaches a model as
# two different ones: nearly white in the first case.
# Expected by most: both give the high byte, [0, 0, 1, 16, 64, 128, 200, 255].
# Seen: grey [0, 255, 255, 255, 255, 255, 255, 255]; colour and grey with alpha as expected.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pillow==13.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import io
import struct
import zlib

from PIL import Image

values = [0, 255, 256, 4096, 16448, 32768, 51400, 65535]


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(colour_type, samples_of):
    row = b"\0" + b"".join(struct.pack(">H", s) for v in values for s in samples_of(v))
    header = struct.pack(">IIBBBBB", len(values), 1, 16, colour_type, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row))
            + chunk(b"IEND", b""))


def grey(data):
    return list(Image.open(io.BytesIO(data)).convert("L").tobytes())


high = [v >> 8 for v in values]
seen = {"grey": grey(png(0, lambda v: [v])), "colour": grey(png(2, lambda v: [v, v, v])),
        "grey with alpha": grey(png(4, lambda v: [v, 65535]))}
for kind, pixels in seen.items():
    print(f"{kind:16} {pixels}")
assert seen["grey"] == [min(v, 255) for v in values]
assert seen["colour"] == high and seen["grey with alpha"] == high
print("as described: Pillow 13.0.0")
PYTHON
