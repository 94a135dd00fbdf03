"""Values of exp2, asinh, acosh, atanh and xlogy with 50 digits, for tests/tensor/elementary_test.cpp.

    python3 tests/reference/make_elementary_golden.py > tests/golden/elementary.txt

Each line: the function, its arguments and the result, rounded to f64, as hexadecimal numbers. Needs mpmath.
"""

import math
import random

from mpmath import mp, mpf

mp.dps = 50
random.seed(8)
INF, NAN = math.inf, math.nan
SPECIAL = [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 5e-324, -5e-324, 2.0**-1022, 1.7976931348623157e308,
           -1.7976931348623157e308, 2.0**-126, 2.0**-149, 3.4028234663852886e38, 0.5, 2.0, 2.0**-30, 1 + 2.0**-23]


def single(x):
    """A number that f32 holds, where there is one near."""
    return math.ldexp(round(math.ldexp(math.frexp(x)[0], 24)), math.frexp(x)[1] - 24)


def wide(low, high, count):
    return [single(random.choice([-1, 1]) * 2.0 ** random.uniform(low, high)) for _ in range(count)]


def exact(f, x):
    if math.isnan(x):
        return NAN
    return f(x)


def exp2(x):
    return {INF: INF, -INF: 0.0}.get(x) if math.isinf(x) else (INF if x > 1100 else 0.0 if x < -1200 else mp.power(2, mpf(x)))


def asinh(x):
    return x if math.isinf(x) or x == 0 else mp.asinh(mpf(x))


def acosh(x):
    return NAN if x < 1 else x if math.isinf(x) else mp.acosh(mpf(x))


def atanh(x):
    if abs(x) > 1:
        return NAN
    return x if x == 0 else math.copysign(INF, x) if abs(x) == 1 else mp.atanh(mpf(x))


def xlogy(x, y):
    if math.isnan(x) or math.isnan(y):
        return NAN
    if x == 0:
        return 0.0
    if y < 0 or (math.isinf(x) and y == 1):
        return NAN
    if y == 0:
        return -math.copysign(INF, x)
    if math.isinf(y):
        return math.copysign(INF, x)
    if math.isinf(x):
        return math.copysign(INF, x) * (1 if y > 1 else -1)
    return mpf(x) * mp.log(mpf(y))


def show(x):
    return float(x).hex()


inputs = {
    exp2: SPECIAL + [single(random.uniform(-160, 140)) for _ in range(60)] + wide(-60, 10, 40),
    asinh: SPECIAL + wide(-140, 127, 100) + wide(-3, 3, 30),
    acosh: SPECIAL + [single(1 + 2.0**random.uniform(-23, 100)) for _ in range(120)],
    atanh: SPECIAL + wide(-140, -1, 60) + [single(s * (1 - 2.0**random.uniform(-24, -1))) for s in (-1, 1) for _ in range(40)],
}
for f, values in inputs.items():
    for x in values:
        print(f.__name__, show(x), show(exact(f, x)))
for x in SPECIAL:
    for y in SPECIAL:
        print("xlogy", show(x), show(y), show(xlogy(x, y)))
for _ in range(100):
    x, y = wide(-60, 60, 1)[0], abs(wide(-100, 100, 1)[0])
    print("xlogy", show(x), show(y), show(xlogy(x, y)))
