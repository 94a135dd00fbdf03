#!/usr/bin/env bash
# Pillow 13.0.0: a PNG may name one grey value or colour that is transparent (tRNS). In pictures of 1
# and 8 bits a sample convert("RGBA") makes those pixels transparent; in grey ones of 2 or 4 bits and
# in those of 16 bits it does not, since the key is compared with samples that were scaled before.
# And convert("LA") of a colour picture gives the pixels of the key their red sample as grey.
# Expected by most: alpha 0 on the pixels of the key, whatever the depth, and L = 60 of (200, 0, 0).
# Seen: alpha by depth 1: 0, 2: 255, 4: 255, 8: 0, 16: 255; L = 200.
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


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(depth, colour_type, row, key):
    header = struct.pack(">IIBBBBB", 1, 1, depth, colour_type, 0, 0, 0)
    data = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"tRNS", key)
            + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b""))
    return Image.open(io.BytesIO(data))


def grey(depth):
    """One pixel of a value, which is the transparent one."""
    value = 5000 if depth == 16 else 1
    row = struct.pack(">H", value) if depth == 16 else bytes([value << (8 - depth)])
    return png(depth, 0, row, struct.pack(">H", value))


alpha = {depth: grey(depth).convert("RGBA").getpixel((0, 0))[3] for depth in (1, 2, 4, 8, 16)}
red = png(8, 2, bytes([200, 0, 0]), struct.pack(">HHH", 200, 0, 0))
print("alpha of the key by depth", alpha)
print("L of (200, 0, 0)", red.convert("L").getpixel((0, 0)), " LA", red.convert("LA").getpixel((0, 0)))
assert alpha == {1: 0, 2: 255, 4: 255, 8: 0, 16: 255}
assert red.convert("L").getpixel((0, 0)) == 60 and red.convert("LA").getpixel((0, 0)) == (200, 0)
print("as described: Pillow 13.0.0")
PYTHON
