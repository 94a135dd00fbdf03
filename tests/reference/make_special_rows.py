"""Values and derivatives of ops on rows of numbers where formulas break, computed with mpmath.

    python tests/reference/make_special_rows.py [tests/golden/special/rows.txt]

A case a line, its parts behind bars: the op and its attributes; its inputs but the first, as they
are written in the test; the row; the values; the derivatives by the row of sum((i + 1) y[i]), and
for two of them by the second input. All are f64 that are nearest to the exact numbers; nan where
there is no limit and where PyTorch has NaN (docs/modules/ops.md states the convention), '*' for
what nobody needs. A test takes the rows that a dtype represents exactly, '@f32' for the smallest
dtype that holds what is computed on the way.
"""

import math
import pathlib
import sys

import mpmath
from mpmath import mpf

import make_special_values as special

INF, NAN = math.inf, math.nan
F32, F64 = special.F32, special.F64


def weights(n):
    return [mpf(i + 1) for i in range(n)]


def probabilities(x):
    top = max(x)
    e = [Z if v == -INF else mpmath.exp(v - top) for v in x]
    return [v / sum(e) for v in e], top + mpmath.log(sum(e))


Z = mpf(0)


def is_hopeless(x):
    """PyTorch's softmax and what is made of it are NaN for these."""
    return any(v == INF or math.isnan(v) for v in x) or all(v == -INF for v in x)


def softmax(x):
    if is_hopeless(x):
        return [NAN] * len(x), ["*"] * len(x)
    p, _ = probabilities(x)
    c = weights(len(x))
    mean = sum(a * b for a, b in zip(c, p))
    return p, [b * (a - mean) for a, b in zip(c, p)]


def log_softmax(x):
    if is_hopeless(x):
        return [NAN] * len(x), ["*"] * len(x)
    p, total = probabilities(x)
    c = weights(len(x))
    return [v - total if v != -INF else -INF for v in x], [a - b * sum(c) for a, b in zip(c, p)]


def log_sum_exp(x):
    if is_hopeless(x):
        value = -INF if all(v == -INF for v in x) else NAN if any(map(math.isnan, x)) else INF
        return [value], ["*"] * len(x)
    p, total = probabilities(x)
    return [total], p


def cross_entropy(label, smoothing):
    def of(x):
        if is_hopeless(x):
            return [NAN], [NAN] * len(x)
        p, total = probabilities(x)
        target = [mpf(smoothing) / len(x) + (1 - mpf(smoothing)) * (i == label)
                  for i in range(len(x))]
        loss = sum((Z if t == 0 else INF if v == -INF else t * (total - v))
                   for t, v in zip(target, x))
        return [loss], [a - b for a, b in zip(p, target)]
    return of


def with_probabilities(target):
    def of(x):
        if is_hopeless(x):
            return [NAN], ["*"] * len(x)
        p, total = probabilities(x)
        loss = sum((Z if t == 0 else INF if v == -INF else t * (total - v))
                   for t, v in zip(target, x))
        return [loss], [a * sum(target) - t for a, t in zip(p, target)]
    return of


def standardize(epsilon, centred=True):
    """Beside values and derivatives the size of the terms that the latter are differences of."""
    def of(x):
        if any(math.isnan(v) or math.isinf(v) for v in x):
            return [NAN if centred else "*"] * len(x), ["*"] * len(x), [1]
        n = len(x)
        mean = sum(map(mpf, x)) / n if centred else Z
        d = [v - mean for v in x]
        r = 1 / mpmath.sqrt(sum(v * v for v in d) / n + epsilon)
        y = [v * r for v in d]
        c = weights(n)
        mean_c, mean_cy = sum(c) / n if centred else Z, sum(a * b for a, b in zip(c, y)) / n
        return y, [r * (a - mean_c - b * mean_cy) for a, b in zip(c, y)], [r]
    return of


def norm(x):
    if any(map(math.isnan, x)):
        return [NAN], ["*"] * len(x)
    if any(map(math.isinf, x)):
        return [INF], ["*"] * len(x)
    value = mpmath.sqrt(sum(mpf(v) ** 2 for v in x))
    return [value], [v / value if value else Z for v in x]


def standard_deviation(x):
    if any(math.isnan(v) or math.isinf(v) for v in x):
        return [NAN], ["*"] * len(x)
    n = len(x)
    mean = sum(map(mpf, x)) / n
    value = mpmath.sqrt(sum((v - mean) ** 2 for v in x) / n)
    return [value], [(v - mean) / (n * value) if value else Z for v in x]


def variance(x):
    if any(math.isnan(v) or math.isinf(v) for v in x):
        return [NAN], ["*"] * len(x)
    n = len(x)
    mean = sum(map(mpf, x)) / n
    fits = all(abs(v - mean) <= F64[0] for v in x)
    return [sum((v - mean) ** 2 for v in x) / n], [2 * (v - mean) / n if fits else "*" for v in x]


def reduce_sum(x):
    if any(map(math.isnan, x)) or {INF, -INF} <= set(x):
        return [NAN], [1] * len(x)
    if [v > 0 for v in x] == [True, True, False]:
        return ["*"], [1] * len(x)  # inf or not: by the order
    infinite = [v for v in x if math.isinf(v)]
    return [infinite[0] if infinite else sum(map(mpf, x))], [1] * len(x)


def reduce_product(x):
    value, by = mpf(1), []
    for v in x:
        value = special.product(value, mpf(v))
    for i in range(len(x)):
        others = mpf(1)
        for v in x[:i] + x[i + 1:]:
            others = special.product(others, mpf(v))
        by.append(others)
    return [value], by


def extremum(pick):
    def of(x):
        if any(map(math.isnan, x)):
            return [NAN], ["*"] * len(x)
        best = pick(x)
        hits = [v == best for v in x]
        return [best], [mpf(hit) / sum(hits) for hit in hits]
    return of


T, S = F32[2], F64[2]
ROWS = [
    [0.0, 0.0], [-0.0, 0.0], [1.0, 1.0], [1.0, 2.0], [2.0, 2.0, 2.0], [0.0, 2.0, 3.0],
    [0.0, 0.0, 3.0], [1.0, -1.0, 3.0], [1000.0, 1000.0], [65504.0, 65504.0], [65504.0, -65504.0],
    [1e6, 1e6], [1e6, 1e6 + 1], [-1e6, -1e6, -1e6], [1e15, 1e15], [1024.0, 1040.0],
    [-INF, 0.0], [0.0, -INF, 1.0], [-INF, -INF], [INF, 0.0], [INF, INF], [NAN, 0.0],
    [88.0, 89.0, 90.0], [-104.0, 0.0], [710.0, 710.0], [-746.0, 0.0],
    [2.0**60, 3 * 2.0**60], [3 * 2.0**100, 2.0**102], [2.0**-100, 2.0**-99], [2.0**-149, 0.0],
    [F32[0], F32[0]], [F32[0], -F32[0]], [F32[0], F32[0], -F32[0]], [F32[0]] * 3,
    [2.0**126, 3 * 2.0**125, -2.0**127], [2.0**64, 2.0**40, 0.0], [2.0**59, 2.0**61],
    [2.0**-30, 2.0**-31, 0.0], [2.0**-60, 3 * 2.0**-60], [2.0**-149, -(2.0**-149), 2.0**-148], [F32[0], 0.0, 1.0], [F32[2], F32[2]],
    [3 * 2.0**600, 2.0**602], [2.0**-600, 2.0**-599], [F64[0], F64[0]], [F64[0], -F64[0]],
    [F64[0], F64[0], -F64[0]], [F64[0]] * 3, [2.0**500, 2.0**450, 0.0], [2.0**499, 2.0**501],
    [F64[2], F64[2]],
]

OPS = {
    "softmax": softmax,
    "log_softmax": log_softmax,
    "log_sum_exp": log_sum_exp,
    "softmax_cross_entropy": cross_entropy(0, 0),
    "softmax_cross_entropy smoothing": cross_entropy(1, 0.125),
    "softmax_cross_entropy_with_probabilities": None,  # by the length of the row
    "standardize": standardize(mpf(1e-5)),
    "layer_norm": standardize(mpf(1e-5)),
    "rms_norm": standardize(mpf(1e-6), centred=False),
    "standardize small epsilon": standardize(mpf(2)**-200),
    "rms_norm small epsilon": standardize(mpf(2)**-200, centred=False),
    "norm": norm,
    "standard_deviation": standard_deviation,
    "variance": variance,
    "reduce_sum": reduce_sum,
    "reduce_product": reduce_product,
    "reduce_max": extremum(max),
    "reduce_min": extremum(min),
}


def lines():
    for name, f in OPS.items():
        for x in ROWS:
            if f is None:
                # All of it on the second class: what the others are does not matter.
                g = with_probabilities([mpf(int(i == 1)) for i in range(len(x))])
            else:
                g = f
            parts = [[name], x, *g(x)]
            yield " | ".join(" ".join(special.text(v) for v in part) for part in parts)


def main():
    path = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/golden/special/rows.txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "# Made by tests/reference/make_special_rows.py with mpmath " + mpmath.__version__
    path.write_text("\n".join([head, *lines()]) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
