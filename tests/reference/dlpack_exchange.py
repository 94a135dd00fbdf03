"""Passes arrays between Tenon and NumPy, PyTorch and JAX through DLPack, in both directions.

    dlpack_exchange.py LIBRARY      built from dlpack_exchange.cpp; exit 1 on a difference
"""

import ctypes
import sys

import jax
import numpy as np
import torch

library = ctypes.CDLL(sys.argv[1])
library.give.restype = library.give_unversioned.restype = ctypes.c_void_p
library.take.restype = ctypes.c_double
library.take.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
python = ctypes.pythonapi
python.PyCapsule_New.restype = ctypes.py_object
python.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
python.PyCapsule_GetPointer.restype = ctypes.c_void_p
python.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
python.PyCapsule_GetName.restype = ctypes.c_char_p
python.PyCapsule_GetName.argtypes = [ctypes.py_object]
python.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]

# In the order of tenon::DType.
DTYPES = [np.bool_, np.uint8, np.int8, np.int32, np.int64, np.float16, None, np.float32, np.float64]
USED = {b"dltensor": b"used_dltensor", b"dltensor_versioned": b"used_dltensor_versioned"}


class Given:
    """An array of Tenon's, as the protocol of Python wants it."""

    def __init__(self, dtype, versioned):
        self.dtype, self.versioned = dtype, versioned

    def __dlpack_device__(self):
        return (1, 0)

    def __dlpack__(self, **options):
        if self.versioned:
            return python.PyCapsule_New(library.give(self.dtype), b"dltensor_versioned", None)
        return python.PyCapsule_New(library.give_unversioned(self.dtype), b"dltensor", None)


def take(capsule):
    name = python.PyCapsule_GetName(capsule)
    pointer = python.PyCapsule_GetPointer(capsule, name)
    python.PyCapsule_SetName(capsule, USED[name])
    return library.take(*((None, pointer) if name == b"dltensor" else (pointer, None)))


def expect(what, got, want):
    if got != want:
        sys.exit(f"{what}: {got} is not {want}")


expected = [[0, 1, 0], [1, 0, 1]]
for number, dtype in enumerate(DTYPES):
    for versioned in (True, False):
        as_torch = torch.from_dlpack(Given(number, versioned))
        expect(f"torch, dtype {number}", as_torch.to(torch.float64).tolist(), expected)
        if dtype is not None:
            as_numpy = np.from_dlpack(Given(number, versioned))
            expect(f"numpy, {dtype.__name__}", as_numpy.dtype, dtype)
            expect(f"numpy, {dtype.__name__}", as_numpy.astype(np.float64).tolist(), expected)

for dtype in filter(None, DTYPES):
    rows = np.arange(6).reshape(2, 3) % 2
    for what, array in (("row-major", rows.astype(dtype)), ("transposed", rows.T.astype(dtype).T),
                        ("reversed", np.ascontiguousarray(rows[::-1]).astype(dtype)[::-1])):
        want = float((rows * (np.arange(6).reshape(2, 3) + 1)).sum())
        expect(f"{what} {dtype.__name__}, old", take(array.__dlpack__()), want)
        expect(f"{what} {dtype.__name__}", take(array.__dlpack__(max_version=(1, 0))), want)
bfloat = torch.tensor([1.0, 2.0, 3.0], dtype=torch.bfloat16)
expect("torch bfloat16", take(bfloat.__dlpack__()), 14.0)
expect("jax", take(jax.numpy.array([1.0, 2.0, 3.0]).__dlpack__()), 14.0)
expect("complex numbers", take(np.ones(2, np.complex64).__dlpack__()), -1.0)
