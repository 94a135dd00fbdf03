"""Writes files with the real Python tools for Tenon to read, and reads those that Tenon wrote.

    format_files.py write FOLDER      NumPy, safetensors, PyTorch and Pillow write
    format_files.py check FOLDER      … and read what tests/format wrote there; exit 1 on a difference

tests/golden/format holds what `write` made, for machines without these tools. The arrays are those
of one_of_each_dtype() in tests/format/support.h.
"""

import io
import pathlib
import sys
import warnings
import zipfile

import ml_dtypes
import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from PIL import Image

DTYPES = {"bool": np.bool_, "u8": np.uint8, "i8": np.int8, "i32": np.int32, "i64": np.int64,
          "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64}
FLOATING = ("f16", "bf16", "f32", "f64")


def arrays():
    result = {}
    for name, dtype in DTYPES.items():
        i = np.arange(6, dtype=np.float64)
        if name in FLOATING:
            values = i * 1.5 - 3
            values[4:] = np.inf, np.nan
        else:
            values = i % 2 if name == "bool" else i * 20
        result[name] = values.astype(dtype).reshape(2, 3)
    result["scalar"] = np.array(2.5, np.float32)
    result["empty"] = np.zeros((0, 3), np.float64)
    return result


def picture(channels):
    values = (np.arange(5 * 4 * channels) * 37).astype(np.uint8)
    return values.reshape((5, 4, channels) if channels > 1 else (5, 4))


def tensors():
    """As PyTorch tensors; its NumPy bridge has no bfloat16."""
    return {name: torch.from_numpy(a.view(np.uint16).copy()).view(torch.bfloat16)
            if name == "bf16" else torch.from_numpy(a.copy()) for name, a in arrays().items()}


WHOLE = {"I16": np.int16, "U16": np.uint16, "U32": np.uint32, "U64": np.uint64}


def whole(dtype):
    """Small numbers and the largest and smallest, of u64 those that i64 has."""
    limits = np.iinfo(dtype)
    return np.array([[0, 1, 2], [7, limits.min, min(limits.max, 2**63 - 1)]], dtype)


class Pipe(io.RawIOBase):
    """Writes what cannot be sought in: zip entries then have their sizes behind them."""

    def __init__(self, path):
        self.file = open(path, "wb")

    def writable(self):
        return True

    def write(self, data):
        return self.file.write(data)

    def close(self):
        self.file.close()
        super().close()


def npy(array, version=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), version)
    return file.getvalue()


def write_odd(folder):
    """Members and element types that Tenon has not, among those that it has."""
    safetensors.numpy.save_file({name: whole(dtype) for name, dtype in WHOLE.items()},
                                folder / "whole.safetensors")
    safetensors.torch.save_file(
        {"F32": torch.tensor([1.0, 2.0]), "BOOL": torch.tensor([True]), "U16": torch.tensor(
            [1, 65535], dtype=torch.uint16), "U64": torch.tensor([2**64 - 1], dtype=torch.uint64),
         "F8_E4M3": torch.tensor([1.0], dtype=torch.float8_e4m3fn),
         "F8_E5M2": torch.tensor([1.0], dtype=torch.float8_e5m2),
         "C64": torch.tensor([1j], dtype=torch.complex64)}, folder / "mixed.safetensors")
    x = np.arange(3, dtype=np.float32)
    with Pipe(folder / "odd.npz") as pipe, zipfile.ZipFile(pipe, "w") as archive:
        archive.writestr("stored.npy", npy(x))
        archive.writestr("deflated.npy", npy(x), zipfile.ZIP_DEFLATED)
        archive.writestr("bzip2.npy", npy(x), zipfile.ZIP_BZIP2)
        archive.writestr("lzma.npy", npy(x), zipfile.ZIP_LZMA)
        archive.mkdir("folder")
        archive.writestr("folder/inner.npy", npy(x))
        with archive.open("large.npy", "w", force_zip64=True) as file:
            file.write(npy(x))
        archive.writestr("secret.npy", npy(x))
        archive.infolist()[-1].flag_bits |= 1  # says that it is encrypted
        archive.writestr("readme.txt", "no array")
        archive.writestr("array by another name", npy(x))
        archive.writestr("words.npy", npy(["a", "bc"]))
        archive.writestr("times.npy", npy(np.array(["2026-01-01"], "M8[D]")))
        archive.writestr("complex.npy", npy(np.array([1j])))
        archive.writestr("records.npy", npy(np.zeros(2, [("a", "<f4"), ("b", "<i2")])))
        for value in (1, 2):
            archive.writestr("twice.npy", npy(np.array(value)))
    for name, dtype in (("i2", "<i2"), ("big-i2", ">i2"), ("u2", "<u2"), ("big-u4", ">u4")):
        np.save(folder / f"whole-{name}.npy", whole(np.dtype(dtype).newbyteorder("=")).astype(dtype))
    np.save(folder / "big-f32.npy", arrays()["f32"].astype(">f4"))
    np.save(folder / "big-f16-fortran.npy", np.asfortranarray(arrays()["f16"].astype(">f2")))
    for version in (1, 2, 3):
        (folder / f"version-{version}.npy").write_bytes(npy(x, (version, 0)))


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays().items():
        np.save(folder / f"{name}.npy", array)
    np.save(folder / "fortran.npy", np.asfortranarray(arrays()["f32"]))
    np.save(folder / "big-endian.npy", arrays()["i32"].astype(">i4"))
    np.savez(folder / "stored.npz", **arrays())
    np.savez_compressed(folder / "compressed.npz", **arrays())
    safetensors.torch.save_file(tensors(), folder / "torch.safetensors", {"made by": "PyTorch"})
    plain = {name: a for name, a in arrays().items() if name != "bf16"}
    safetensors.numpy.save_file(plain, folder / "numpy.safetensors")
    for name, channels in (("grey", 1), ("colour", 3), ("see-through", 4)):
        Image.fromarray(picture(channels)).save(folder / f"{name}.png")
    Image.fromarray(picture(3)).save(folder / "colour.ppm")
    Image.fromarray(picture(1)).save(folder / "grey.pgm")
    write_odd(folder)
    for path in folder.iterdir():
        path.chmod(0o644)  # safetensors makes them private


def same(name, got, want):
    if got.dtype == np.dtype("V2"):  # how NumPy reads a bfloat16 back
        got = got.view(ml_dtypes.bfloat16)
    if got.dtype != want.dtype or got.shape != want.shape or got.tobytes() != want.tobytes():
        sys.exit(f"{name}: {got!r} is not {want!r}")


def check(folder):
    wanted = arrays()
    for name, want in wanted.items():
        same(f"{name}.npy", np.load(folder / f"{name}.npy"), want)
    for file in ("stored.npz", "compressed.npz"):
        got = np.load(folder / file)
        assert sorted(got.files) == sorted(wanted), got.files
        for name, want in wanted.items():
            same(f"{file}: {name}", got[name], want)
    got = safetensors.torch.load_file(folder / "all.safetensors")
    assert sorted(got) == sorted(wanted), sorted(got)
    for name, want in wanted.items():
        array = got[name]
        array = (array.view(torch.uint16).numpy().view(ml_dtypes.bfloat16) if name == "bf16"
                 else array.numpy())
        same(f"all.safetensors: {name}", array, want)
    with safetensors.safe_open(folder / "all.safetensors", "np") as file:
        assert file.metadata() == {"step": "900"}, file.metadata()
    for name, channels in (("grey", 1), ("colour", 3), ("see-through", 4)):
        same(f"{name}.png", np.array(Image.open(folder / f"{name}.png")), picture(channels))


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # a name that is twice in an archive
    {"write": write, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]))
