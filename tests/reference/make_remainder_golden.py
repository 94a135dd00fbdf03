"""Writes tests/golden/ops/remainder.txt: what NumPy makes of np.mod, np.fmod and np.floor_divide.

Half precision is computed in f32 and rounded once, as PyTorch does; torch.remainder must agree but
for the sign of zero, which it takes from the dividend.
"""

import itertools
import pathlib

import numpy as np
import torch

np.seterr(all="ignore")
COMMON = [0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 3.0, -7.0, 0.1, -0.1, np.inf, -np.inf, np.nan]
WIDE = {
    "f64": [1e300, -1e300, 1e-300, 5e-324, -5e-324, 2**53 + 2.0, 1e9, -123456.789],
    "f32": [1e38, -1e38, 1e-38, 1e-45, -1e-45, 16777215.0, 1e9, -123456.789],
    "bf16": [1e38, -1e-38, 255.0],
    "f16": [65504.0, -6e-8, 2047.0],
}
TORCH = {"f64": torch.float64, "f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


def written(value):
    return "nan" if np.isnan(value) else float(value).hex() if np.isfinite(value) else str(float(value))


lines = []
for name, dtype in TORCH.items():
    held = torch.tensor(COMMON + WIDE[name], dtype=torch.float64).to(dtype)
    pairs = list(itertools.product(range(len(held)), repeat=2))
    a, b = (held[[pair[i] for pair in pairs]] for i in (0, 1))
    wide = np.float64 if name == "f64" else np.float32
    x, y = (v.to(torch.float64).numpy().astype(wide) for v in (a, b))
    results = [f(x, y) for f in (np.mod, np.fmod, np.floor_divide)]
    results = [torch.tensor(r).to(dtype).to(torch.float64).numpy() for r in results]
    peer = torch.remainder(a, b).to(torch.float64).numpy()
    # PyTorch's vectorised fmod is NaN where the quotient is very large.
    agree = np.isnan(peer) | (peer == results[0])
    assert agree.all(), name
    for i in range(len(pairs)):
        numbers = [a[i].item(), b[i].item(), *(r[i] for r in results)]
        lines.append(" ".join([name, *map(written, numbers)]))

root = pathlib.Path(__file__).parents[1]
(root / "golden/ops/remainder.txt").write_text("\n".join(lines) + "\n")
