"""Values and derivatives of elementwise ops where formulas break, computed with mpmath.

    python tests/reference/make_special_values.py [tests/golden/special/elementwise.txt]

One block an op: "op NAME INPUTS", then a line a point: the inputs, the value, and the derivative by
each input, as f64 that are nearest to the exact numbers. A test takes the points that a dtype
represents exactly, so infinities, the largest and smallest numbers of each dtype and ties are
among them, and the numbers at which exp and its like leave the range of each.

Where mathematics has a limit, the limit is wanted (tanh at infinity); where it has none, nan; and
where an op is not differentiable, the convention of PyTorch that docs/modules/ops.md states. '*'
is what nobody needs: slopes at NaN, and outside an op's domain.
"""

import math
import pathlib
import sys

import mpmath
from mpmath import mpf

mpmath.mp.prec = 2600  # 1 + 2^-1074 is exact, and so is its square
INF, NAN = math.inf, math.nan
SKIP = "*"

F16 = (65504.0, 2.0**-14, 2.0**-24)
BF16 = ((2 - 2.0**-7) * 2.0**127, 2.0**-126, 2.0**-133)
F32 = ((2 - 2.0**-23) * 2.0**127, 2.0**-126, 2.0**-149)
F64 = (sys.float_info.max, 2.0**-1022, 2.0**-1074)
LIMITS = sorted({x for dtype in (F16, BF16, F32, F64) for x in dtype})
# Where exp, expm1, sinh and cosh of some dtype overflow or underflow, and squares do.
EDGES = [11.0, 11.75, 12.0, 17.5, 20.0, 40.0, 88.0, 88.5, 89.0, 89.25, 89.5, 90.0, 104.0, 704.0,
         709.5, 710.0, 710.25, 711.0, 745.0, 746.0, 2.0**60, 2.0**70, 2.0**600]
NEAR_ONE = [1 - 2.0**-8, 1 - 2.0**-11, 1 - 2.0**-24, 1 - 2.0**-53]
MAGNITUDES = sorted({0.0, 0.5, 1.0, 2.0, 3.0, 6.0, INF, *LIMITS, *EDGES, *NEAR_ONE})
POINTS = [-x for x in reversed(MAGNITUDES)] + MAGNITUDES

PI = mpmath.pi
LN = mpmath.log


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def normal_cdf(x):
    if abs(x) > 1e6:  # exp(-5e11) beside it is nothing to any dtype
        return mpf(x > 0)
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def normal_density(x):
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * PI)


def softplus(x):
    return mpmath.log1p(mpmath.exp(x))


def sech2(x):
    return 4 * mpmath.exp(-2 * abs(x)) / (1 + mpmath.exp(-2 * abs(x))) ** 2


def tanh(x):
    e = mpmath.expm1(2 * abs(x))
    return mpmath.sign(x) * e / (e + 2)


def gelu_tanh(x):
    return x * sigmoid(2 * mpmath.sqrt(2 / PI) * (x + mpf("0.044715") * x**3))


def gelu_tanh_slope(x):
    scale, cubic = mpmath.sqrt(2 / PI), mpf("0.044715")
    s = sigmoid(2 * scale * (x + cubic * x**3))
    return s + x * s * (1 - s) * 2 * scale * (1 + 3 * cubic * x * x)


def inverse_erf(x):
    """Newton's method on erfc, whose argument 1 - x is exact."""
    if x == 0:
        return mpf(0)
    size = abs(x)
    with mpmath.workprec(300):
        # Winitzki's approximation to start from; below 2^-20 the series' first two terms.
        if size < mpf(2) ** -60:
            z = mpmath.sqrt(PI) / 2 * (size + PI / 12 * size**3)
        else:
            l, k = mpmath.log1p(-size * size), 2 / (PI * mpf("0.147"))
            k += l / 2
            z = mpmath.sqrt(mpmath.sqrt(k * k - l / mpf("0.147")) - k)
            for _ in range(9):
                error = mpmath.erfc(z) - (1 - size)
                z += error * mpmath.sqrt(PI) / 2 * mpmath.exp(z * z)
        return mpmath.sign(x) * z


def inverse_erf_slope(x):
    y = inverse_erf(x)
    return mpmath.sqrt(PI) / 2 * mpmath.exp(y * y)


SELU_SCALE = mpf("1.0507009873554804934193349852946")
SELU_ALPHA = mpf("1.6732632423543772848170429916717")


class Unary:
    """f and its slope at finite numbers; `low` and `high` are (value, slope) at the infinities, and
    `at` what holds at single points, by their text, so that -0.0 is not 0.0."""

    def __init__(self, f, slope, low=(NAN, SKIP), high=(NAN, SKIP), at=None, inside=lambda x: True):
        self.f, self.slope, self.low, self.high, self.inside = f, slope, low, high, inside
        self.at = at or {}

    def __call__(self, x):
        if repr(x) in self.at:
            return self.at[repr(x)]
        if math.isnan(x):
            return NAN, SKIP
        if math.isinf(x):
            return self.high if x > 0 else self.low
        if not self.inside(x):
            return NAN, SKIP
        exact = mpf(x)
        return self.f(exact), self.slope(exact)


def step(x, low, high):
    """What is 0 at and below low, 1 between, 0 from high on."""
    return mpf(1) if low < x < high else mpf(0)


def positive(x):
    return x > 0


UNARY = {
    "negate": Unary(lambda x: -x, lambda x: -1, (INF, -1), (-INF, -1)),
    "abs": Unary(abs, mpmath.sign, (INF, -1), (INF, 1)),
    "sign": Unary(mpmath.sign, lambda x: 0, (-1, 0), (1, 0)),
    "floor": Unary(mpmath.floor, lambda x: 0, (-INF, 0), (INF, 0)),
    "ceil": Unary(mpmath.ceil, lambda x: 0, (-INF, 0), (INF, 0)),
    "round": Unary(lambda x: mpf(round(float(x))), lambda x: 0, (-INF, 0), (INF, 0)),
    "exp": Unary(mpmath.exp, mpmath.exp, (0, 0), (INF, INF)),
    "exp2": Unary(lambda x: mpf(2) ** x, lambda x: LN(2) * mpf(2) ** x, (0, 0), (INF, INF)),
    "expm1": Unary(mpmath.expm1, mpmath.exp, (-1, 0), (INF, INF)),
    "log": Unary(LN, lambda x: 1 / x, high=(INF, 0), inside=positive,
                 at={"0.0": (-INF, INF), "-0.0": (-INF, -INF)}),
    "log2": Unary(lambda x: LN(x) / LN(2), lambda x: 1 / (x * LN(2)), high=(INF, 0),
                  inside=positive, at={"0.0": (-INF, INF), "-0.0": (-INF, -INF)}),
    "log10": Unary(lambda x: LN(x) / LN(10), lambda x: 1 / (x * LN(10)), high=(INF, 0),
                   inside=positive, at={"0.0": (-INF, INF), "-0.0": (-INF, -INF)}),
    "log1p": Unary(mpmath.log1p, lambda x: 1 / (1 + x), high=(INF, 0), inside=lambda x: x > -1,
                   at={"-1.0": (-INF, INF)}),
    "sqrt": Unary(mpmath.sqrt, lambda x: 1 / (2 * mpmath.sqrt(x)), high=(INF, 0), inside=positive,
                  at={"0.0": (0, INF), "-0.0": (0, -INF)}),
    "rsqrt": Unary(lambda x: 1 / mpmath.sqrt(x), lambda x: -1 / (2 * x * mpmath.sqrt(x)),
                   high=(0, 0), inside=positive, at={"0.0": (INF, -INF), "-0.0": (-INF, INF)}),
    "cbrt": Unary(lambda x: mpmath.sign(x) * mpmath.root(abs(x), 3),
                  lambda x: 1 / (3 * mpmath.root(abs(x), 3) ** 2), (-INF, 0), (INF, 0),
                  at={"0.0": (0, INF), "-0.0": (0, INF)}),
    "sin": Unary(mpmath.sin, mpmath.cos),
    "cos": Unary(mpmath.cos, lambda x: -mpmath.sin(x)),
    "tan": Unary(mpmath.tan, lambda x: mpmath.sec(x) ** 2),
    "asin": Unary(mpmath.asin, lambda x: 1 / mpmath.sqrt(1 - x * x), inside=lambda x: abs(x) < 1,
                  at={"1.0": (PI / 2, INF), "-1.0": (-PI / 2, INF)}),
    "acos": Unary(mpmath.acos, lambda x: -1 / mpmath.sqrt(1 - x * x), inside=lambda x: abs(x) < 1,
                  at={"1.0": (0, -INF), "-1.0": (PI, -INF)}),
    "atan": Unary(mpmath.atan, lambda x: 1 / (1 + x * x), (-PI / 2, 0), (PI / 2, 0)),
    "sinh": Unary(mpmath.sinh, mpmath.cosh, (-INF, INF), (INF, INF)),
    "cosh": Unary(mpmath.cosh, mpmath.sinh, (INF, -INF), (INF, INF)),
    "tanh": Unary(tanh, sech2, (-1, 0), (1, 0)),
    "asinh": Unary(mpmath.asinh, lambda x: 1 / mpmath.sqrt(1 + x * x), (-INF, 0), (INF, 0)),
    "acosh": Unary(mpmath.acosh, lambda x: 1 / mpmath.sqrt(x * x - 1), high=(INF, 0),
                   inside=lambda x: x > 1, at={"1.0": (0, INF)}),
    "atanh": Unary(mpmath.atanh, lambda x: 1 / (1 - x * x), inside=lambda x: abs(x) < 1,
                   at={"1.0": (INF, INF), "-1.0": (-INF, INF)}),
    "logistic": Unary(sigmoid, lambda x: sigmoid(x) * sigmoid(-x), (0, 0), (1, 0)),
    "erf": Unary(mpmath.erf, lambda x: 2 / mpmath.sqrt(PI) * mpmath.exp(-x * x), (-1, 0), (1, 0)),
    "normal_cdf": Unary(normal_cdf, normal_density, (0, 0), (1, 0)),
    "erf_inv": Unary(inverse_erf, inverse_erf_slope, inside=lambda x: abs(x) < 1,
                     at={"1.0": (INF, INF), "-1.0": (-INF, INF)}),
    "is_finite": Unary(lambda x: 1, lambda x: SKIP, (0, SKIP), (0, SKIP), at={"nan": (0, SKIP)}),
    "is_nan": Unary(lambda x: 0, lambda x: SKIP, (0, SKIP), (0, SKIP), at={"nan": (1, SKIP)}),
    "relu": Unary(lambda x: max(x, mpf(0)), lambda x: step(x, 0, INF), (0, 0), (INF, 1)),
    "relu6": Unary(lambda x: min(max(x, mpf(0)), mpf(6)), lambda x: step(x, 0, 6), (0, 0), (6, 0)),
    "leaky_relu": Unary(lambda x: x if x > 0 else x * mpf(0.01),
                        lambda x: 1 if x > 0 else mpf(0.01), (-INF, 0.01), (INF, 1)),
    "elu": Unary(lambda x: x if x > 0 else mpmath.expm1(x),
                 lambda x: 1 if x > 0 else mpmath.exp(x), (-1, 0), (INF, 1)),
    "selu": Unary(lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * mpmath.expm1(x)),
                  lambda x: SELU_SCALE * (1 if x > 0 else SELU_ALPHA * mpmath.exp(x)),
                  (-SELU_SCALE * SELU_ALPHA, 0), (INF, SELU_SCALE)),
    "softplus": Unary(softplus, sigmoid, (0, 0), (INF, 1)),
    "log_sigmoid": Unary(lambda x: -softplus(-x), lambda x: sigmoid(-x), (-INF, 1), (0, 0)),
    "softsign": Unary(lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, (-1, 0), (1, 0)),
    "gelu": Unary(lambda x: x * normal_cdf(x), lambda x: normal_cdf(x) + x * normal_density(x),
                  (0, 0), (INF, 1)),
    "gelu_tanh": Unary(gelu_tanh, gelu_tanh_slope, (0, 0), (INF, 1)),
    "silu": Unary(lambda x: x * sigmoid(x),
                  lambda x: sigmoid(x) * (1 + x * sigmoid(-x)), (0, 0), (INF, 1)),
    "mish": Unary(lambda x: x * tanh(softplus(x)),
                  lambda x: tanh(softplus(x)) + x * sech2(softplus(x)) * sigmoid(x),
                  (0, 0), (INF, 1)),
    "hard_sigmoid": Unary(lambda x: min(max(x / 6 + mpf(0.5), mpf(0)), mpf(1)),
                          lambda x: step(x, -3, 3) / 6, (0, 0), (1, 0)),
    "hard_swish": Unary(lambda x: x * min(max(x / 6 + mpf(0.5), mpf(0)), mpf(1)),
                        lambda x: x / 3 + mpf(0.5) if abs(x) < 3 else step(x, 0, INF),
                        (0, 0), (INF, 1)),
    "hard_tanh": Unary(lambda x: min(max(x, mpf(-1)), mpf(1)), lambda x: step(x, -1, 1),
                       (-1, 0), (1, 0)),
}

# --- two inputs ---

CORE = [-INF, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, INF]


def pairs():
    found = [(a, b) for a in CORE for b in CORE]
    for largest, _, tiny in (F16, BF16, F32, F64):
        for a in (largest, -largest, tiny):
            found += [(a, 1.0), (1.0, a), (a, 2.0), (-2.0, a), (a, 0.0), (a, INF), (a, a)]
        found += [(largest, -largest), (largest, tiny), (tiny, largest)]
    found += [(NAN, 1.0), (1.0, NAN)]
    return list({repr(pair): pair for pair in found}.values())


PAIRS = pairs()
Z = mpf(0)


def real(x):
    """With infinities and NaN as mpmath's own, which add and multiply as IEEE's do."""
    return mpf(x)


def product(a, b):
    """0 times infinity is NaN."""
    if (a == 0 and mpmath.isinf(b)) or (b == 0 and mpmath.isinf(a)):
        return mpf(NAN)
    return a * b


def is_negative(x):
    return math.copysign(1.0, x) < 0


def quotient(a, b):
    """a / b of f64 numbers, with signed zeros."""
    if b == 0:
        if a == 0 or math.isnan(a):
            return mpf(NAN)
        return mpf(-INF if is_negative(a) != is_negative(b) else INF)
    if math.isinf(b):
        return mpf(NAN) if math.isinf(a) else Z
    return mpf(a) / mpf(b)


def divide(a, b):
    value = quotient(a, b)
    by_a = quotient(1.0, b)
    if b == 0 or (math.isinf(a) and math.isinf(b)):
        by_b = SKIP if a == 0 or math.isinf(a) else quotient(-a, 0.0)
    else:
        by_b = Z if math.isinf(b) else (-value / mpf(b))
    return value, by_a, by_b


def remainder(a, b):
    """Of numbers with one sign, which makes rounding toward zero and down the same."""
    if math.isinf(a) or b == 0:
        return NAN, 1, SKIP
    if math.isinf(b):
        return a, 1, 0
    count = mpmath.floor(mpf(a) / mpf(b))
    return mpf(a) - count * mpf(b), 1, -count


def extremum(pick):
    def of(a, b):
        if a == b:
            return a, 0.5, 0.5
        return pick(a, b), float(pick(a, b) == a), float(pick(a, b) == b)
    return of


def power(a, b):
    if a == 1 or b == 0:
        if math.isnan(a) or math.isnan(b):
            return 1, SKIP, SKIP  # as in C
    elif math.isnan(a) or math.isnan(b):
        return NAN, SKIP, SKIP
    if a < 0:
        whole = math.isinf(b) or b == int(b)
        if not whole and not math.isinf(a):
            return NAN, SKIP, SKIP
        is_odd = whole and abs(b) < 2.0**53 and int(b) % 2 == 1
        value = power(-a, b)[0] * (-1 if is_odd else 1)
        by_base = SKIP
        if abs(b) < 4 and whole and not math.isinf(a):
            by_base = mpf(0) if b == 0 else mpf(b) * mpf(a) ** int(b - 1)
        return value, by_base, SKIP
    if math.isinf(b):
        if a == 1:
            return 1, b, 0
        value = a**b if a != 0 else (0.0 if b > 0 else INF)
        by_exponent = 0 if value == 0 else SKIP if a == 0 or math.isinf(a) else math.copysign(INF, a - 1)
        return value, SKIP, by_exponent
    if b == 0:
        return 1, 0, 0 if a == 0 else (INF if math.isinf(a) else LN(mpf(a)))
    if math.isinf(a):
        by_base = 1 if b == 1 else (0 if b < 1 else INF)
        return (INF, by_base, INF) if b > 0 else (0, 0, 0)
    if a == 0:
        odd = b == int(b) and abs(b) < 1e9 and int(b) % 2 == 1
        sign = -1 if odd and is_negative(a) else 1
        if b < 0:
            return sign * INF, SKIP, SKIP if is_negative(a) else -INF
        by_base = 1 if b == 1 else (0 if b > 1 else INF)
        return 0, SKIP if is_negative(a) and not odd else by_base, 0
    value = mpf(a) ** mpf(b)
    # Where a^(b - 1) leaves the range of f64, so does the slope that is made with it.
    smaller = mpf(a) ** (mpf(b) - 1)
    by_base = SKIP if smaller > mpf(2) ** 100 or smaller < mpf(2) ** -100 else mpf(b) * smaller
    return value, by_base, value * LN(mpf(a))


def atan2(a, b):
    value = mpf(math.atan2(a, b)) if a == 0 or b == 0 or math.isinf(a) or math.isinf(b) else (
        mpmath.atan2(mpf(a), mpf(b)))
    if (a == 0 and b == 0) or math.isinf(a) or math.isinf(b):
        return value, 0, 0
    square = mpf(a) ** 2 + mpf(b) ** 2
    return value, mpf(b) / square, -mpf(a) / square


def binary_cross_entropy(x, target):
    off = 1 - mpf(target)
    if math.isinf(target):
        return SKIP, SKIP, SKIP
    by_target = -real(x)
    if math.isinf(x):
        certain = off == 0 if x > 0 else target == 0
        weight = off if x > 0 else mpf(target)
        value = Z if certain else weight * INF
        return value, (1 if x > 0 else 0) - mpf(target), by_target
    value = target * max(-mpf(x), Z) + off * max(mpf(x), Z) + mpmath.log1p(mpmath.exp(-abs(mpf(x))))
    return value, sigmoid(mpf(x)) - mpf(target), by_target


def of_difference(value, slope):
    def of(a, b):
        if math.isinf(a) and a == b:
            return NAN, SKIP, SKIP
        difference = real(a) - real(b)
        s = slope(difference)
        return value(difference), s, -s
    return of


def huber(d):
    size = abs(d)
    if mpmath.isinf(d):
        return INF
    return d * d / 2 if size < 1 else size - mpf(0.5)


def hinge(a, b):
    p = product(real(a), real(b))
    if mpmath.isnan(p):
        return NAN, SKIP, SKIP
    active = p < 1
    return max(1 - p, Z), -real(b) if active else 0, -real(a) if active else 0


def kl_divergence(log_p, target):
    if target < 0:
        return SKIP, SKIP, SKIP
    if target == 0:
        return 0, 0, 0  # PyTorch has NaN by the target
    if math.isinf(target):
        return NAN if log_p == INF else INF, -INF, NAN if log_p == INF else INF
    by_target = LN(mpf(target)) - real(log_p) + 1
    return mpf(target) * (LN(mpf(target)) - real(log_p)), -mpf(target), by_target


def xlogy(a, b):
    if a == 0:
        return 0, SKIP, 0 if b > 0 else SKIP
    if b < 0:
        return NAN, SKIP, SKIP
    log_b = -INF if b == 0 else INF if math.isinf(b) else LN(mpf(b))
    return product(real(a), real(log_b)), log_b, SKIP if math.isinf(a) and math.isinf(b) else quotient(a, b)


def compares(holds):
    return lambda a, b: (float(holds(a, b)), SKIP, SKIP)


BINARY = {
    "add": lambda a, b: (real(a) + real(b), 1, 1),
    "subtract": lambda a, b: (real(a) - real(b), 1, -1),
    "multiply": lambda a, b: (product(real(a), real(b)), b, a),
    "divide": divide,
    "remainder": remainder,
    "fmod": remainder,
    "maximum": extremum(max),
    "minimum": extremum(min),
    "power": power,
    "atan2": atan2,
    "xlogy": xlogy,
    "equal": compares(lambda a, b: a == b),
    "not_equal": compares(lambda a, b: a != b),
    "less": compares(lambda a, b: a < b),
    "less_equal": compares(lambda a, b: a <= b),
    "greater": compares(lambda a, b: a > b),
    "greater_equal": compares(lambda a, b: a >= b),
    "binary_cross_entropy_with_logits": binary_cross_entropy,
    "squared_error": of_difference(lambda d: d * d, lambda d: 2 * d),
    "absolute_error": of_difference(abs, mpmath.sign),
    "huber_loss": of_difference(huber, lambda d: min(max(d, mpf(-1)), mpf(1))),
    "hinge_loss": hinge,
    "kl_divergence": kl_divergence,
}
COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")


def text(x):
    if isinstance(x, str):
        return x
    if isinstance(x, mpf):
        x = float(x)  # nearest; infinity beyond the range
    x = float(x)
    return str(int(x)) if x == int(x if math.isfinite(x) else 0) and abs(x) < 1e6 and (
        x != 0 or not is_negative(x)) else repr(x)


def lines():
    for name, op in UNARY.items():
        yield f"op {name} 1"
        for x in POINTS + [NAN]:
            yield " ".join(text(v) for v in (x, *op(x)))
    for name, f in BINARY.items():
        yield f"op {name} 2"
        for a, b in PAIRS:
            if name in ("remainder", "fmod") and (
                    is_negative(a) != is_negative(b) or a == 0 or abs(a) * 2.0**-300 > abs(b)):
                continue  # the last: beyond the quotients that are computed
            if name == "power" and 0 < abs(b) < 0.5:
                continue
            if name in COMPARISONS and not {a, b} <= {*CORE, NAN}:
                continue
            if math.isnan(a) or math.isnan(b):
                values = f(a, b) if name in (*COMPARISONS, "power") else (NAN, SKIP, SKIP)
            else:
                values = f(a, b)
            if all(v is SKIP for v in values):
                continue
            yield " ".join(text(v) for v in (a, b, *values))


def main():
    path = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else
                        "tests/golden/special/elementwise.txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "# Made by tests/reference/make_special_values.py with mpmath " + mpmath.__version__
    path.write_text("\n".join([head, *lines()]) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
