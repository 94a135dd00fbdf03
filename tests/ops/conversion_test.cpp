// Conversions between all dtypes, on all paths: rounded once to nearest even, saturating from reals
// to integers (NaN is 0), wrapping between integers. What is right is found here without the code
// that is tested, in 80-bit reals, which hold every i64 and every f64.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "paths.h"
#include "tenon/graph/build.h"
#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"
#include "tests/ops/evaluate.h"
#include "tests/support.h"

namespace tenon {
namespace {

using testing::HasSubstr;

const double kInfinity = std::numeric_limits<double>::infinity();

/// All finite numbers of f16 or bf16 that are not negative; their bits are their places.
std::vector<long double> numbers_of(DType half) {
  std::vector<long double> values;
  const uint32_t infinity = half == DType::f16 ? 0x7c00 : 0x7f80;
  for (uint32_t bits = 0; bits < infinity; ++bits) {
    const auto narrow = static_cast<uint16_t>(bits);
    values.push_back(half == DType::f16 ? f16_to_float(narrow) : bf16_to_float(narrow));
  }
  return values;
}

/// The bits of the nearest of the numbers of a half; ties go to even bits.
uint16_t nearest_half(DType half, long double value) {
  static const std::vector<long double> f16 = numbers_of(DType::f16),
                                        bf16 = numbers_of(DType::bf16);
  const std::vector<long double>& all = half == DType::f16 ? f16 : bf16;
  const auto infinity = static_cast<uint16_t>(all.size());
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value)) return half == DType::f16 ? 0x7e00 : 0x7fc0;
  const long double size = std::fabs(value);
  const auto above = std::lower_bound(all.begin(), all.end(), size);
  auto bits = static_cast<uint16_t>(above - all.begin());
  if (above == all.end()) {
    // The next number, if there were one, would be as far away as the last but one.
    const long double next = 2 * all.back() - all[all.size() - 2];
    if (size - all.back() < next - size) bits = static_cast<uint16_t>(infinity - 1);
  } else if (bits > 0 && *above != size) {
    const long double down = size - all[bits - 1u], up = *above - size;
    if (down < up || (down == up && bits % 2 == 1)) --bits;
  }
  return bits | sign;
}

/// The nearest f32, by the distances of three candidates.
float nearest_single(long double value) {
  if (std::isnan(value)) return std::nanf("");
  const float guess = static_cast<float>(value);
  if (std::isinf(guess) || guess == value) return guess;  // overflow has one threshold only
  float best = guess;
  for (float other : {std::nextafter(guess, -HUGE_VALF), std::nextafter(guess, HUGE_VALF)}) {
    if (std::isinf(other)) continue;
    const long double there = std::fabs(other - value), here = std::fabs(best - value);
    uint32_t bits;
    std::memcpy(&bits, &other, 4);
    if (there < here || (there == here && bits % 2 == 0)) best = other;
  }
  return best;
}

template <class T>
T saturated_by_definition(long double value) {
  using Limits = std::numeric_limits<T>;
  if (std::isnan(value)) return 0;
  if (value >= static_cast<long double>(Limits::max())) return Limits::max();
  if (value <= static_cast<long double>(Limits::min())) return Limits::min();
  return static_cast<T>(value);
}

template <class T>
void put(Literal& to, int64_t i, T value) {
  std::memcpy(to.data() + static_cast<size_t>(i) * sizeof value, &value, sizeof value);
}

long double value_at(const Literal& x, int64_t i) {
  return is_floating(x.dtype()) ? static_cast<long double>(x.to_double(i))
                                : static_cast<long double>(x.to_int(i));
}

Literal converted(const Literal& x, DType to) {
  Literal result(to, x.shape());
  for (int64_t i = 0; i < x.size(); ++i) {
    const long double value = value_at(x, i);
    // Between integers only the low bits count.
    const bool wraps = !is_floating(x.dtype());
    const int64_t whole = wraps ? x.to_int(i) : 0;
    switch (to) {
      case DType::boolean:
        put(result, i, value != 0);
        break;
      case DType::u8:
        put(result, i,
            wraps ? static_cast<uint8_t>(whole) : saturated_by_definition<uint8_t>(value));
        break;
      case DType::i8:
        put(result, i, wraps ? static_cast<int8_t>(whole) : saturated_by_definition<int8_t>(value));
        break;
      case DType::i32:
        put(result, i,
            wraps ? static_cast<int32_t>(whole) : saturated_by_definition<int32_t>(value));
        break;
      case DType::i64:
        put(result, i, wraps ? whole : saturated_by_definition<int64_t>(value));
        break;
      case DType::f16:
      case DType::bf16:
        put(result, i, nearest_half(to, value));
        break;
      case DType::f32:
        put(result, i, nearest_single(value));
        break;
      case DType::f64:
        put(result, i, static_cast<double>(value));  // one rounding at most, by the processor
        break;
    }
  }
  return result;
}

/// Reals at which a conversion may go wrong, and their neighbours in f64.
std::vector<double> difficult_reals() {
  std::vector<double> centres = {0, 0.5, 1, 1.5, 2.5, 65504, 65520, 0x1.fep127, 0x1.ffp127};
  for (int e = -1074; e <= 1023; e += 1) {
    const bool everywhere = e >= -152 && e <= 130;
    if (everywhere || e % 37 == 0) centres.push_back(std::ldexp(1.0, e));
  }
  for (double end : {127.0, 128.0, 255.0, 256.0, 0x1p31 - 1, 0x1p31, 0x1p63, 0x1p53}) {
    for (double part : {0.0, 0.5, 1.0}) centres.push_back(end + part);
  }
  centres.push_back(std::numeric_limits<float>::max());
  centres.push_back(std::numeric_limits<double>::max());
  std::vector<double> values = {kInfinity, -kInfinity, NAN, -0.0};
  for (double centre : centres) {
    for (double near :
         {std::nextafter(centre, -kInfinity), centre, std::nextafter(centre, kInfinity)}) {
      values.push_back(near);
      values.push_back(-near);
    }
  }
  return values;
}

std::vector<int64_t> difficult_integers() {
  std::vector<int64_t> values = {0};
  for (int bit = 0; bit < 63; ++bit) {
    const int64_t power = int64_t{1} << bit;
    // Halves between the numbers of bf16, f16 and f32 with this exponent, and their neighbours.
    for (int digits : {0, 8, 11, 24, 53}) {
      const int64_t half = digits > 0 && bit >= digits ? power >> digits : 0;
      for (int64_t odd : {1, 3, 5}) {
        for (int64_t near : {-1, 0, 1}) {
          const auto up = static_cast<int64_t>(static_cast<uint64_t>(power) +
                                               static_cast<uint64_t>(half * odd + near));
          values.push_back(up);
          values.push_back(static_cast<int64_t>(0 - static_cast<uint64_t>(up)));
        }
      }
    }
  }
  values.push_back(INT64_MAX);
  values.push_back(INT64_MIN);
  std::mt19937_64 random(7);
  for (int i = 0; i < 500; ++i) values.push_back(static_cast<int64_t>(random() >> (i % 64)));
  return values;
}

/// Every value of a dtype of up to 16 bits, and difficult ones of the others.
Literal values_of_dtype(DType dtype) {
  if (size_of(dtype) <= 2) {
    const int64_t count = dtype == DType::boolean ? 2 : int64_t{1} << (8 * size_of(dtype));
    Literal all(dtype, {count});
    for (int64_t i = 0; i < count; ++i)
      std::memcpy(all.data() + static_cast<size_t>(i) * size_of(dtype), &i, size_of(dtype));
    return all;
  }
  if (is_floating(dtype)) {
    const std::vector<double> reals = difficult_reals();
    if (dtype == DType::f64)
      return Literal::of<double>({static_cast<int64_t>(reals.size())}, reals);
    std::vector<float> singles;
    for (double real : reals) {
      const auto single = static_cast<float>(real);
      for (float near :
           {std::nextafter(single, -HUGE_VALF), single, std::nextafter(single, HUGE_VALF)})
        singles.push_back(near);
    }
    return Literal::of<float>({static_cast<int64_t>(singles.size())}, singles);
  }
  const std::vector<int64_t> wide = difficult_integers();
  const auto count = static_cast<int64_t>(wide.size());
  if (dtype == DType::i64) return Literal::of<int64_t>({count}, wide);
  std::vector<int32_t> narrow;
  for (int64_t value : wide) narrow.push_back(static_cast<int32_t>(value));
  return Literal::of<int32_t>({count}, narrow);
}

class Conversion : public testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(DTypes, Conversion, testing::ValuesIn(kAllDTypes),
                         [](const auto& param) { return std::string(name_of(param.param)); });

TEST_P(Conversion, IsTheSameOnAllPaths) {
  const Literal x = values_of_dtype(GetParam());
  for (DType to : kAllDTypes) {
    const Literal wanted = converted(x, to);
    for (const auto& [path, result] : on_all_paths("cast", {x}, {{"dtype", to}})) {
      const std::string where = different_bits(result, wanted);
      EXPECT_EQ(where, "") << name_of(GetParam()) << " to " << name_of(to) << ", " << path;
    }
    // Literals, which files and texts are read into.
    Literal by_hand(to, x.shape());
    for (int64_t i = 0; i < x.size(); ++i) {
      if (is_floating(x.dtype()))
        by_hand.set_double(i, x.to_double(i));
      else
        by_hand.set_int(i, x.to_int(i));
    }
    EXPECT_EQ(different_bits(by_hand, wanted), "") << name_of(GetParam()) << " to " << name_of(to);
  }
}

/// Half way between two neighbours in f16 or bf16, and one f64 to either side: a first rounding to
/// f32 loses the difference.
TEST(ConversionToHalf, RoundsOnceBetweenAllNeighbours) {
  for (DType half : {DType::f16, DType::bf16}) {
    const std::vector<long double> all = numbers_of(half);
    std::vector<double> reals;
    for (size_t i = 0; i < all.size(); ++i) {
      const long double next = i + 1 < all.size() ? all[i + 1] : 2 * all[i] - all[i - 1];
      const auto middle = static_cast<double>((all[i] + next) / 2);
      for (double near : {std::nextafter(middle, 0.0), middle, std::nextafter(middle, kInfinity)})
        reals.push_back(i % 2 == 0 ? near : -near);
    }
    const Literal x = Literal::of<double>({static_cast<int64_t>(reals.size())}, reals);
    const Literal wanted = converted(x, half);
    for (const auto& [path, result] : on_all_paths("cast", {x}, {{"dtype", half}}))
      EXPECT_EQ(different_bits(result, wanted), "") << name_of(half) << ", " << path;
  }
}

/// A whole number fits where the dtype has it, a real where truncating or rounding it stays in
/// range.
bool fits_by_definition(long double value, DType dtype) {
  if (dtype == DType::boolean) return true;
  const auto between = [&](long double low, long double high) {
    return std::trunc(value) >= low && std::trunc(value) <= high;
  };
  switch (dtype) {
    case DType::u8:
      return between(0, 255);
    case DType::i8:
      return between(-128, 127);
    case DType::i32:
      return between(INT32_MIN, INT32_MAX);
    case DType::i64:
      return between(static_cast<long double>(INT64_MIN), static_cast<long double>(INT64_MAX));
    case DType::f64:
      return true;
    case DType::f32:
      return !std::isfinite(value) || std::isfinite(nearest_single(value));
    default: {
      const uint16_t largest = dtype == DType::f16 ? 0x7bff : 0x7f7f;
      return !std::isfinite(value) || (nearest_half(dtype, value) & 0x7fff) <= largest;
    }
  }
}

TEST(Numbers, AreLiteralsWhereTheyFit) {
  for (DType dtype : kAllDTypes) {
    const auto check_number = [&](Number number, long double value) {
      const bool fits = fits_by_definition(value, dtype);
      ASSERT_EQ(number.fits(dtype), fits) << number.to_string() << " in " << name_of(dtype);
      const std::string error = error_of([&] { Literal::scalar(dtype, number); });
      if (!fits) {
        ASSERT_THAT(error, HasSubstr("the number " + number.to_string() + " does not fit " +
                                     std::string(name_of(dtype))));
        return;
      }
      ASSERT_EQ(error, "no error");
      const Literal from = number.is_whole() ? Literal::of<int64_t>({1}, {number.whole()})
                                             : Literal::of<double>({1}, {number.real()});
      ASSERT_EQ(
          different_bits(Literal::scalar(dtype, number).reshaped({1}), converted(from, dtype)), "")
          << number.to_string() << " in " << name_of(dtype);
    };
    for (double real : difficult_reals()) check_number(real, real);
    for (int64_t whole : difficult_integers()) check_number(whole, whole);
  }
  EXPECT_FALSE(Number(UINT64_MAX).fits(DType::i64));
  EXPECT_TRUE(Number(UINT64_MAX).fits(DType::f32));
}

TEST(Numbers, InGraphTextFitTheirDType) {
  const auto parse = [](const std::string& type, const std::string& number) {
    const std::string text = "graph f() -> (" + type + "[1]) {\n  %0: " + type +
                             "[1] = constant() {value=dense<" + type + "[1]: " + number +
                             ">}\n  return %0\n}";
    return error_of([&] { parse_graph(text, core_ops()); });
  };
  EXPECT_EQ(parse("u8", "255"), "no error");
  EXPECT_THAT(parse("u8", "300"), HasSubstr("the number 300 does not fit u8"));
  EXPECT_THAT(parse("u8", "-1"), HasSubstr("the number -1 does not fit u8"));
  EXPECT_THAT(parse("i32", "2147483648"), HasSubstr("the number 2147483648 does not fit i32"));
  EXPECT_THAT(parse("f16", "65520"), HasSubstr("the number 65520 does not fit f16"));
  EXPECT_EQ(parse("f16", "inf"), "no error");
}

}  // namespace
}  // namespace tenon
