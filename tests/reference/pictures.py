"""Writes tests/golden/format/pictures.npz: pictures of every kind, and what Pillow reads from them.

    pictures.py FILE.npz

Pillow writes few kinds of PNG, so the files are made here, from samples. Each is read by Pillow and
converted to L, LA, RGB and RGBA; the same is computed from the samples, and the two must agree but
for the kinds in by_rule_alone(), where Pillow has no answer or contradicts itself.

    files, values     the bytes of all files; of all pictures L, LA, RGB, RGBA as u8[h,w,c]
    table             [pictures, 4]: bytes of the file, height, width, channels of its own
    names             text, one line a picture
"""

import io
import struct
import sys
import warnings
import zlib

import numpy as np
from PIL import Image, ImageCms

MODES = ("L", "LA", "RGB", "RGBA")
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
KINDS = ([(GREY, d) for d in (1, 2, 4, 8, 16)] + [(PALETTE, d) for d in (1, 2, 4, 8)] +
         [(k, d) for k in (RGB, GREY_ALPHA, RGB_ALPHA) for d in (8, 16)])
rng = np.random.default_rng(1)
pictures = []  # name, file, native channels, {mode: array}


# ---- PNG

def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(row, depth):
    """Samples of one row as bytes."""
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = (row.reshape(-1, 1) >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.astype(np.uint8).reshape(-1)).tobytes()


def filtered(row, above, width, kind):
    """A row by filter 0 to 4; `width` is bytes a pixel."""
    out = bytearray([kind])
    for i, value in enumerate(row):
        a = row[i - width] if i >= width else 0
        b = above[i] if above else 0
        c = above[i - width] if above and i >= width else 0
        p = a + b - c
        nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        out.append((value - (0, a, b, (a + b) // 2, nearest)[kind]) % 256)
    return bytes(out)


def raster(samples, depth):
    pixel = max(1, samples.shape[2] * depth // 8)
    data, above = b"", None
    for y, row in enumerate(samples):
        now = packed(row.reshape(-1), depth)
        data += filtered(now, above, pixel, y % 5)
        above = now
    return data


ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
         (1, 0, 2, 1))  # first row and column, steps


def png(samples, kind, depth, interlace=0, before=(), parts=1):
    height, width, _ = samples.shape
    if interlace:
        passes = (samples[y::dy, x::dx] for y, x, dy, dx in ADAM7)
        data = b"".join(raster(p, depth) for p in passes if p.size)
    else:
        data = raster(samples, depth)
    data = zlib.compress(data)
    cuts = [len(data) * i // parts for i in range(parts + 1)]
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunk(*c) for c in before) +
            b"".join(chunk(b"IDAT", data[a:b]) for a, b in zip(cuts, cuts[1:])) + chunk(b"IEND"))


def rgba_of(samples, kind, depth, palette=None, key=None, alphas=b""):
    """The rules of tenon/format/png.h."""
    top = 2 ** depth - 1

    def eight(values):
        return values >> 8 if depth == 16 else values * (255 // top)

    if kind == PALETTE:
        entries = np.array([(*rgb, alphas[i] if i < len(alphas) else 255)
                            for i, rgb in enumerate(palette)] +
                           [(0, 0, 0, 255)] * (256 - len(palette)))
        return entries[samples[..., 0]]
    colour = samples[..., :3] if kind in (RGB, RGB_ALPHA) else samples[..., [0, 0, 0]]
    if kind in (GREY_ALPHA, RGB_ALPHA):
        alpha = eight(samples[..., -1:])
    elif key is not None:
        alpha = np.where((samples == key).all(-1, keepdims=True), 0, 255)
    else:
        alpha = np.full(samples.shape[:2] + (1,), 255)
    return np.concatenate([eight(colour), alpha], -1)


# ---- both

def in_modes(rgba):
    r, g, b, a = np.moveaxis(rgba.astype(np.int64), -1, 0)
    grey = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16
    return {"L": np.stack([grey], -1), "LA": np.stack([grey, a], -1), "RGB": rgba[..., :3],
            "RGBA": rgba}


def by_rule_alone(image, name, mode):
    """Where Pillow's numbers are not taken.

    16 bits of grey become I;16 or I, which convert() cuts off at 255; a transparent colour of 2, 4
    or 16 bits is compared with the converted numbers; PPM of 16 bits is rounded, while PNG of
    16 bits keeps the high byte; a transparent colour has another grey in LA than in L.
    """
    return (image.mode.startswith("I") or name.startswith(("P6 of 65535", "P3 of 65535")) or
            ("tRNS" in name and "palette" not in name and
             any(f" {d} bits" in name for d in (2, 4, 16))) or (name.startswith("RGB") and "tRNS" in name and mode == "LA"))


def add(name, file, channels, rgba):
    wanted = in_modes(rgba)
    if "comment at the number" in name:  # netpbm's reading; Pillow takes samples for the maximum
        pictures.append((name, file, channels, wanted))
        return
    image = Image.open(io.BytesIO(file))
    image.load()
    for mode, values in wanted.items():
        got = np.array(image.convert(mode)).reshape(values.shape)
        if not by_rule_alone(image, name, mode) and not np.array_equal(got, values):
            sys.exit(f"{name}, {mode}: Pillow reads\n{got.tolist()}, not\n{values.tolist()}")
    pictures.append((name, file, channels, wanted))


def random_samples(kind, depth, height, width, top=None):
    return rng.integers(0, top or 2 ** depth, (height, width, CHANNELS[kind]))


def name_of(kind):
    return {GREY: "grey", RGB: "RGB", PALETTE: "palette", GREY_ALPHA: "grey and alpha",
            RGB_ALPHA: "RGBA"}[kind]


def add_png(what, kind, depth, samples, interlace=0, before=(), colours=None, key=None, alphas=b"",
            after=b"", parts=1):
    before = list(before)
    palette = None
    channels = CHANNELS[kind]
    if kind == PALETTE:
        palette = rng.integers(0, 256, (colours or 2 ** depth, 3)).astype(np.uint8)
        before.append((b"PLTE", palette.tobytes()))
        channels = 4 if alphas else 3
        if alphas:
            before.append((b"tRNS", alphas))
    if key is not None:
        before.append((b"tRNS", struct.pack(f">{len(key)}H", *key)))
        channels += 1
    name = f"{name_of(kind)}, {depth} bits{', interlaced' if interlace else ''}{what}"
    add(name, png(samples, kind, depth, interlace, before, parts) + after, channels,
        rgba_of(samples, kind, depth, palette, key, alphas))


def every_kind_of_png():
    for kind, depth in KINDS:
        for interlace, height, width in ((0, 5, 7), (1, 5, 7), (1, 1, 1), (1, 9, 3), (1, 2, 11)):
            add_png("", kind, depth, random_samples(kind, depth, height, width), interlace)
    for kind, depth in KINDS:
        if kind == PALETTE:
            for alphas in (bytes([0, 128]), bytes([255, 0]), bytes([77])):
                add_png(f" with tRNS {list(alphas)}", kind, depth, random_samples(kind, depth, 3, 5),
                        depth // 2 % 2, alphas=alphas)
        elif kind in (GREY, RGB):
            samples = random_samples(kind, depth, 3, 5)
            samples[1, 2] = samples[0, 1] ^ 1  # nearly that colour
            samples[2, 3] = samples[0, 1]
            add_png(" with tRNS", kind, depth, samples, key=samples[0, 1].tolist())
    add_png(" with indices beyond it", PALETTE, 8, random_samples(PALETTE, 8, 4, 4), colours=9)
    add_png(" with indices beyond it and tRNS", PALETTE, 4, random_samples(PALETTE, 4, 4, 4),
            colours=9, alphas=bytes([3]))


def what_must_not_matter():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    white = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    chunks = {"gAMA of 1": (b"gAMA", struct.pack(">I", 100000)),
              "gAMA of 1/2.2": (b"gAMA", struct.pack(">I", 45455)),
              "gAMA of 2": (b"gAMA", struct.pack(">I", 200000)),
              "gAMA of 0": (b"gAMA", struct.pack(">I", 0)),
              "sRGB": (b"sRGB", b"\0"),
              "cHRM": (b"cHRM", struct.pack(">8I", *white)),
              "iCCP": (b"iCCP", b"sRGB\0\0" + zlib.compress(profile, 9)),
              "bKGD": None,
              "text": (b"tEXt", b"Title\0x")}
    for kind, depth in ((GREY, 8), (GREY, 16), (GREY_ALPHA, 8), (RGB, 8), (RGB, 16), (RGB_ALPHA, 8),
                        (PALETTE, 8)):
        for name, one in chunks.items():
            if name == "iCCP" and depth == 16:
                continue
            if name == "bKGD":
                count = 3 if kind in (RGB, RGB_ALPHA) else 1
                one = None if kind == PALETTE else (b"bKGD", struct.pack(f">{count}H", *[99] * count))
            if one:
                add_png(f" with {name}", kind, depth, random_samples(kind, depth, 2, 3),
                        before=[one])
    add_png(" in 5 pieces", RGB, 8, random_samples(RGB, 8, 6, 5), parts=5)
    add_png(" with bytes behind it", RGB, 8, random_samples(RGB, 8, 2, 3), after=b"more bytes")
    levels = np.array([0, 1, 16, 64, 127, 128, 200, 255]).reshape(1, 8, 1)
    add_png(" of levels times 257", GREY, 16, levels * 257)
    add_png(" of levels times 256", GREY, 16, levels * 256)
    pure = np.eye(3, dtype=np.int64).reshape(1, 3, 3) * 255
    add_png(" of pure colours", RGB, 8, pure)
    add_png(" of pure colours", RGB_ALPHA, 8, np.concatenate([pure, [[[0], [128], [255]]]], -1))


# ---- PNM

def pnm(kind, samples, maximum, space=" ", header=None):
    height, width, _ = samples.shape
    if header is None:
        header = f"P{kind} {width} {height}" + (f" {maximum}" if kind not in (1, 4) else "") + "\n"
    if kind <= 3:
        return (header + space.join(str(v) for v in samples.reshape(-1)) + "\n").encode()
    if kind == 4:
        return header.encode() + b"".join(packed(row.reshape(-1), 1) for row in samples)
    return header.encode() + samples.astype(">u2" if maximum > 255 else np.uint8).tobytes()


def add_pnm(what, kind, maximum, samples, file):
    if kind in (1, 4):
        eight = (1 - samples) * 255
    elif maximum == 65535:
        eight = samples >> 8
    else:
        eight = np.array([round(int(v) / maximum * 255) for v in samples.reshape(-1)])
    eight = eight.reshape(samples.shape)
    colour = eight if samples.shape[2] == 3 else eight[..., [0, 0, 0]]
    opaque = np.full(samples.shape[:2] + (1,), 255)
    add(f"P{kind} of {maximum}{what}", file, samples.shape[2], np.concatenate([colour, opaque], -1))


def every_kind_of_pnm():
    def samples_of(kind, maximum, height=5, width=9):
        return rng.integers(0, maximum + 1, (height, width, 3 if kind in (3, 6) else 1))

    for kind in (1, 4):
        samples = samples_of(kind, 1)
        add_pnm("", kind, 1, samples, pnm(kind, samples, 1))
    add_pnm(", digits together", 1, 1, samples, pnm(1, samples, 1, space=""))
    for kind in (2, 3, 5, 6):
        for maximum in (1, 3, 15, 100, 254, 255, 256, 1000, 4095, 65534, 65535):
            samples = samples_of(kind, maximum, 3, 4)
            add_pnm("", kind, maximum, samples, pnm(kind, samples, maximum))
        samples = samples_of(kind, 100, 1, 101)
        samples[0, :, 0] = np.arange(101)  # each level, ties among them
        add_pnm(" all", kind, 100, samples, pnm(kind, samples, 100))
        samples = samples_of(kind, 255, 2, 3)
        for what, header in ((", comments", f"P{kind}\n# one\n#two 7 8\n3#three\n# four\n 2\t255\n"),
                             (", a comment that CR ends", f"P{kind}\n# one\r3 2 255\n"),
                             (", CR LF", f"P{kind}\r\n3\r\n2\r\n255\n"),
                             (", comment at the number", f"P{kind} 3 2 255#255\n")):
            add_pnm(what, kind, 255, samples, pnm(kind, samples, 255, header=header))
        add_pnm(", two images", kind, 255, samples, pnm(kind, samples, 255) * 2)
    samples = samples_of(2, 255, 2, 3)
    add_pnm(", comments between samples", 2, 255, samples,
            pnm(2, samples, 255, space=" # not 3\n"))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    every_kind_of_png()
    what_must_not_matter()
    every_kind_of_pnm()
    np.savez_compressed(
        sys.argv[1],
        files=np.frombuffer(b"".join(p[1] for p in pictures), np.uint8),
        values=np.concatenate([p[3][m].astype(np.uint8).reshape(-1) for p in pictures
                               for m in MODES]),
        table=np.array([(len(p[1]), *p[3]["L"].shape[:2], p[2]) for p in pictures], np.int32),
        names=np.frombuffer("\n".join(p[0] for p in pictures).encode(), np.uint8))
    print(len(pictures), "pictures")
