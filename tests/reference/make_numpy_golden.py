"""What NumPy's quantile, median and interp give, for tests/tensor/quantile_test.cpp.

    python3 tests/reference/make_numpy_golden.py > tests/golden/numpy.txt

A line is the name of the function, then lists of numbers in hexadecimal with their lengths before them.
"""

import numpy as np

rng = np.random.default_rng(8)


def show(*lists):
    words = []
    for values in lists:
        values = np.atleast_1d(values)
        words += [str(len(values))] + [float(v).hex() for v in values]
    return " ".join(words)


def numbers(count):
    return rng.integers(-40, 40, count) / 8.0


for count in (1, 2, 3, 10, 101):
    x, q = numbers(count), np.array([0, 0.1, 0.25, 0.3, 0.5, 0.7, 0.75, 0.9, 1])
    for method in ("linear", "lower", "higher", "nearest", "midpoint"):
        print("quantile_" + method, show(x, q, np.quantile(x, q, method=method)))
    print("median", show(x, np.median(x)))
with np.errstate(invalid="ignore"):
    for x in ([np.inf, np.inf], [-np.inf, 1, np.inf], [1, np.nan, 2], [np.inf, 1, 2, -np.inf], [1, np.inf]):
        print("median", show(x, np.median(x)))
for count in (1, 2, 5, 30):
    xs = np.sort(numbers(count)) + np.arange(count) / 16.0
    ys, x = numbers(count), np.concatenate([numbers(12), xs, [np.inf, -np.inf, 1e30]])
    if count > 1:  # for one point NumPy gives its y
        x[3] = np.nan
    print("interpolate", show(x, xs, ys, np.interp(x, xs, ys)))
    print("interpolate_bounded", show(x, xs, ys, np.interp(x, xs, ys, left=-1.5, right=2.5)))
xs, ys, x = [0, 1, 1, 2, 2, 2, 3], [1, 2, 3, 4, 5, 6, 7], [0, 0.5, 1, 1.5, 2, 2.5, 3]
print("interpolate", show(x, xs, ys, np.interp(x, xs, ys)))
