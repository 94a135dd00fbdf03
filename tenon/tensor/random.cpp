#include "tenon/tensor/random.h"

#include <cmath>
#include <limits>

#include "tenon/tensor/numpy.h"
#include "tenon/tensor/op_functions.h"

namespace tenon::random {

namespace {

/// Streams for keys of keys lie apart from the one that numbers are drawn from.
constexpr int64_t kKeyStream = int64_t{1} << 62;

/// How many bits a number below 1 has in a dtype: with more, it would round up to 1.
int precision_of(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return 11;
    case DType::bf16:
      return 8;
    case DType::f64:
      return 53;
    default:
      return 24;
  }
}

/// In [0, 1), a multiple of 2^-precision_of(dtype), so it is exact; f32, or f64.
Tensor unit(const Tensor& key, const Shape& shape, DType dtype = DType::f32) {
  if (dtype != DType::f64) {
    int digits = precision_of(dtype);
    return ops::shift_right_logical(bits(key, shape), 32 - digits).cast(DType::f32) *
           std::ldexp(1.0, -digits);
  }
  Shape pairs = shape;
  pairs.push_back(2);
  Tensor words = bits(key, pairs);
  Tensor high = ops::shift_right_logical(words[{ellipsis, 0}], 5).cast(DType::f64);
  Tensor low = ops::shift_right_logical(words[{ellipsis, 1}], 6).cast(DType::f64);
  return (high * 0x1p26 + low) * 0x1p-53;
}

/// The number of a floating dtype next to `value` on the side of `toward`, if rounding went to or
/// past the other; else what it rounds to.
double nearest_within(double value, double toward, bool strictly, DType dtype) {
  Literal number(dtype, {});
  number.set_double(0, value);
  const double nearest = number.to_double(0);
  const bool up = toward > 0;
  const bool good = strictly ? (up ? nearest > value : nearest < value)
                             : (up ? nearest >= value : nearest <= value);
  if (good) return nearest;
  if (dtype == DType::f64) return std::nextafter(nearest, toward);
  if (dtype == DType::f32)
    return std::nextafter(static_cast<float>(nearest), static_cast<float>(toward));
  // One up or down in the bits, whose order is that of magnitudes.
  auto* bits = reinterpret_cast<uint16_t*>(number.data());
  if (nearest == 0) {
    *bits = up ? 0x0001 : 0x8001;
  } else {
    *bits = static_cast<uint16_t>((nearest > 0) == up ? *bits + 1 : *bits - 1);
  }
  return number.to_double(0);
}

}  // namespace

Tensor key(uint64_t seed) { return Tensor::of<int64_t>({static_cast<int64_t>(seed), 0}, {2}); }

Tensor fold_in(const Tensor& key, const Tensor& data) {
  Tensor stream = data.cast(DType::i64).reshape({1}) + kKeyStream;
  Tensor words = bits(concatenate({key.slice(0, 0, 1), stream + key.slice(0, 1, 2)}), {2});
  Tensor wide = words.cast(DType::i64);
  Tensor seed = ops::shift_left(wide.slice(0, 0, 1), 32) +
                ops::logical_and(wide.slice(0, 1, 2), int64_t{0xFFFFFFFF});
  return concatenate({seed, zeros({1}, DType::i64)});
}

std::vector<Tensor> split(const Tensor& key, int64_t count) {
  std::vector<Tensor> keys;
  for (int64_t i = 0; i < count; ++i) keys.push_back(fold_in(key, i));
  return keys;
}

Tensor bits(const Tensor& key, const Shape& shape) { return ops::random_bits(key, shape); }

Tensor uniform(const Tensor& key, const Shape& shape, double low, double high, DType dtype) {
  if (!is_floating(dtype))
    fail(ErrorCode::type_mismatch, "random::uniform: {} cannot hold fractions", name_of(dtype));
  Number(low).check_fits(dtype, "random::uniform");
  Number(high).check_fits(dtype, "random::uniform");
  if (!(low <= high))
    fail(ErrorCode::invalid_argument, "random::uniform: [{}, {}) is empty", low, high);
  Tensor part = unit(key, shape, dtype);
  if (low == 0 && high == 1) return part.cast(dtype);
  // A part of each end, where the distance of both is no number.
  const bool is_wide = !Number(high - low).fits(part.dtype()) || std::isinf(high - low);
  Tensor number = is_wide ? part * high + (1.0 - part) * low : part * (high - low) + low;
  Tensor result = number.cast(dtype);
  if (low == high) return result;
  // Rounding may reach the upper end, and go below the lower one.
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double first = nearest_within(low, kInfinity, false, dtype);
  const double last = nearest_within(high, -kInfinity, true, dtype);
  return first <= last ? clip(result, first, last) : result;
}

Tensor normal(const Tensor& key, const Shape& shape, DType dtype) {
  // From the middle of each of 2^24 (or 2^53) intervals, so that neither end is infinite.
  DType computed = dtype == DType::f64 ? DType::f64 : DType::f32;
  double middle = std::ldexp(1.0, -precision_of(computed));
  Tensor centred = unit(key, shape, computed) * 2.0 + (middle - 1.0);
  return (erf_inv(centred) * std::sqrt(2.0)).cast(dtype);
}

Tensor bernoulli(const Tensor& key, const Tensor& probability, const Shape& shape) {
  return unit(key, shape) < probability;
}

Tensor integers(const Tensor& key, const Shape& shape, int64_t low, int64_t high) {
  int64_t count = 0;
  const bool is_large = __builtin_sub_overflow(high, low, &count) || count >= int64_t{1} << 31;
  if (high <= low || is_large)
    fail(ErrorCode::invalid_argument, "random::integers: [{}, {}) is empty or too large", low,
         high);
  Number(low).check_fits(DType::i32, "random::integers");
  Number(high - 1).check_fits(DType::i32, "random::integers");
  Tensor wide = ops::logical_and(bits(key, shape).cast(DType::i64), int64_t{0xFFFFFFFF});
  return (ops::shift_right_logical(wide * count, 32) + low).cast(DType::i32);
}

Tensor permutation(const Tensor& key, const Dim& count) { return argsort(bits(key, {count})); }

Tensor categorical(const Tensor& key, const Tensor& logits) {
  // The maximum of logits with Gumbel noise (Gumbel 1954).
  Tensor u = unit(key, logits.shape()) + 0x1p-25;
  return argmax(logits.cast(DType::f32) - log(-log(u)), -1);
}

}  // namespace tenon::random
