// C++ numbers on their way into tensors: what a dtype does not have is an error that names both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "tenon/tensor/functions.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/random.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Misfit {
  DType dtype;
  Number number;
};

const std::vector<Misfit>& misfits() {
  static const std::vector<Misfit>& all = *new std::vector<Misfit>{
      {DType::u8, 300},         {DType::u8, -1},       {DType::u8, 255.5 + 0.5},
      {DType::i8, 128},         {DType::i8, -129},     {DType::i32, int64_t{1} << 31},
      {DType::i32, 3e9},        {DType::i64, 1e19},    {DType::i32, NAN},
      {DType::i64, kInfinity},  {DType::f16, 65520.0}, {DType::f16, 70000},
      {DType::bf16, 3.4e38},    {DType::f32, 1e39},    {DType::u8, UINT64_MAX},
      {DType::i64, UINT64_MAX}, {DType::f16, -1e300},
  };
  return all;
}

/// The number as a tensor is made from it.
Tensor weak(Number number) {
  return number.is_whole() ? Tensor(number.whole()) : Tensor(number.real());
}

TEST(Numbers, ThatDoNotFitAreErrorsWhereverTheyEnter) {
  for (const auto& [dtype, number] : misfits()) {
    const std::string wanted =
        "the number " + number.to_string() + " does not fit " + std::string(name_of(dtype));
    Tensor x = ones({3}, dtype);
    const std::vector<std::pair<const char*, std::function<void()>>> ways = {
        {"full", [&] { full({2}, number, dtype); }},
        {"full_like", [&] { full_like(x, number); }},
        {"pad", [&] { pad(x, {{1, 0}}, weak(number)); }},
        {"Literal::scalar", [&] { Literal::scalar(dtype, number); }},
    };
    for (const auto& [way, make] : ways) EXPECT_THAT(error_of(make), HasSubstr(wanted)) << way;
    // Fractions make f32 of integers.
    if (!number.is_whole() && !is_floating(dtype)) continue;
    const std::vector<std::pair<const char*, std::function<void()>>> meetings = {
        {"+", [&] { x + weak(number); }},
        {"-", [&] { weak(number) - x; }},
        {"*", [&] { static_cast<void>(x * weak(number)); }},
        {"%", [&] { x % weak(number); }},
        {"where", [&] { where(x == 1, x, weak(number)); }},
        {"maximum", [&] { maximum(x, weak(number)); }},
    };
    for (const auto& [way, meet] : meetings) EXPECT_THAT(error_of(meet), HasSubstr(wanted)) << way;
  }
}

TEST(Numbers, ThatDoNotFitAreComparedAsTheyAre) {
  for (const auto& [dtype, number] : misfits()) {
    if (std::isnan(number.real()) || !(std::abs(number.real()) < 0x1p63)) continue;
    Tensor x = full({}, 1, dtype), y = weak(number);
    const bool above = number.real() > 1;
    EXPECT_EQ((x < y).item(), above) << number.to_string() << " " << name_of(dtype);
    EXPECT_EQ((x <= y).item(), above);
    EXPECT_EQ((y < x).item(), !above);
    EXPECT_EQ((x >= y).item(), !above);
    EXPECT_EQ((x == y).item(), 0);
    EXPECT_EQ((y != x).item(), 1);
  }
  // An infinity is above every number that its dtype lacks.
  EXPECT_EQ((full({}, kInfinity, DType::f16) > 1e6).item(), 1);
  // Reals next to integers are not rounded to f32 first.
  EXPECT_EQ((full({}, 16777217, DType::i32) > 16777216.5).item(), 1);
  EXPECT_EQ((full({}, int64_t{1} << 60, DType::i64) == (int64_t{1} << 60) + 1).item(), 0);
}

TEST(Numbers, BeyondTheEndsAreNoBounds) {
  Tensor bytes = Tensor::of<uint8_t>({0, 7, 255}, {3});
  EXPECT_THAT(values_of(clip(bytes, -5, 300)), ElementsAre(0, 7, 255));
  EXPECT_THAT(values_of(clip(bytes, 1, 300)), ElementsAre(1, 7, 255));
  EXPECT_THAT(values_of(clip(bytes, -5, 100)), ElementsAre(0, 7, 100));
  EXPECT_EQ(clip(bytes, -5, 300).dtype(), DType::u8);
  EXPECT_THAT(error_of([&] { clip(bytes, 300, 400); }), HasSubstr("300 does not fit u8"));
  Tensor halves = full({1}, kInfinity, DType::f16);
  EXPECT_THAT(values_of(clip(halves, -1e6, 1e6)), ElementsAre(kInfinity));
  Tensor whole = Tensor::of<int64_t>({INT64_MIN, INT64_MAX}, {2});
  EXPECT_EQ(clip(whole, INT64_MIN, INT64_MAX).item_int(1), INT64_MAX);
}

TEST(Numbers, KeepAllDigitsThatTheirDTypeHas) {
  const int64_t large = (int64_t{1} << 53) + 1;
  EXPECT_EQ(full({1}, large, DType::i64).item_int(0), large);
  EXPECT_EQ(full_like(zeros({1}, DType::i64), INT64_MIN).item_int(0), INT64_MIN);
  EXPECT_EQ((zeros({1}, DType::i64) + large).item_int(0), large);
  EXPECT_EQ(Tensor(65520 - 1e-9).cast(DType::f16).item(), 65504);
  EXPECT_EQ(Tensor(0.1).cast(DType::f64).item(), 0.1);
  EXPECT_EQ(Tensor(16777217.0).cast(DType::i32).item(), 16777217);
  EXPECT_EQ(Tensor(3e9).cast(DType::i32).item(), INT32_MAX);  // a cast saturates
  EXPECT_EQ(Tensor(300).cast(DType::u8).item(), 44);          // and wraps
  EXPECT_EQ((zeros({}, DType::f16) + (65520 - 1e-9)).item(), 65504);
  EXPECT_EQ(Tensor(1e300).item(), 1e300);
  EXPECT_EQ((ones({1}, DType::f64) * 1e300).item(), 1e300);
  EXPECT_THAT(error_of([] { Tensor{1, 1e39}; }), HasSubstr("does not fit f32"));
  EXPECT_THAT(error_of([] { (Tensor{{1, 2}, {1e39, 3}}); }), HasSubstr("does not fit f32"));
}

TEST(Numbers, OfRangesFitOrAreErrors) {
  EXPECT_THAT(error_of([] { arange(300, DType::u8); }),
              HasSubstr("the number 299 does not fit u8"));
  EXPECT_THAT(error_of([] { arange(0, 300, 1, DType::u8); }), HasSubstr("299 does not fit u8"));
  EXPECT_THAT(error_of([] { arange(-1, 3, 1, DType::u8); }), HasSubstr("-1 does not fit u8"));
  EXPECT_THAT(error_of([] { arange(0, 1e5, 1e4, DType::f16); }), HasSubstr("does not fit f16"));
  EXPECT_THAT(error_of([] { linspace(0, 256, 3, DType::u8); }), HasSubstr("256 does not fit u8"));
  const int64_t start = (int64_t{1} << 53) + 1;
  Tensor beyond = arange(start, start + 3);
  EXPECT_EQ(beyond.dtype(), DType::i64);
  EXPECT_EQ(beyond.item_int(2), start + 2);
  EXPECT_EQ(arange(0, 5000000000, 2500000000).item_int(1), 2500000000);
  EXPECT_EQ(arange(5, 0, -2).dtype(), DType::i32);
  EXPECT_THAT(values_of(arange(5, 0, -2)), ElementsAre(5, 3, 1));
  EXPECT_THAT(values_of(arange(0, 256, 255, DType::u8)), ElementsAre(0, 255));
  Tensor ends = arange(INT64_MIN, INT64_MAX, INT64_MAX);
  EXPECT_EQ(ends.dim(0).constant(), 3);
  EXPECT_EQ(ends.item_int(2), INT64_MAX - 1);
  EXPECT_EQ(arange(3, 3).shape(), Shape{0});
  EXPECT_EQ(arange(4, 3).shape(), Shape{0});
  // Only the type of a symbolic one is known.
  EXPECT_EQ(arange(Dim(int64_t{1} << 32)).dtype(), DType::i64);
  EXPECT_THAT(error_of([] { arange(Dim(int64_t{1} << 32), DType::i32); }),
              HasSubstr("does not fit i32"));
}

TEST(Numbers, AreReadBackAsCastsMakeThem) {
  Tensor x = Tensor::of<double>({NAN, kInfinity, -kInfinity, 300.7, -1.5, 1e20}, {6});
  EXPECT_THAT(x.to_vector<uint8_t>(), ElementsAre(0, 255, 0, 255, 0, 255));
  EXPECT_THAT(x.to_vector<int8_t>(), ElementsAre(0, 127, -128, 127, -1, 127));
  EXPECT_THAT(x.to_vector<int64_t>(), ElementsAre(0, INT64_MAX, INT64_MIN, 300, -1, INT64_MAX));
  EXPECT_EQ(x.item_int(0), 0);
  EXPECT_EQ(x.item_int(5), INT64_MAX);
  for (DType dtype : {DType::u8, DType::i8, DType::i32, DType::i64}) {
    Tensor cast = x.cast(dtype);
    EXPECT_EQ(cast.item_int(0), 0);
    EXPECT_EQ(x.to_vector<int64_t>()[3] > 127 && dtype == DType::i8 ? 127 : cast.item_int(3),
              dtype == DType::u8   ? 255
              : dtype == DType::i8 ? 127
                                   : 300);
  }
}

class Uniform : public testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(DTypes, Uniform,
                         testing::Values(DType::f16, DType::bf16, DType::f32, DType::f64),
                         [](const auto& param) { return std::string(name_of(param.param)); });

/// The upper end is never drawn, the lower one never passed, at ends of all sizes and signs.
TEST_P(Uniform, StaysInsideItsInterval) {
  const DType dtype = GetParam();
  const double smallest = dtype == DType::f16    ? 0x1p-24
                          : dtype == DType::bf16 ? 0x1p-133
                          : dtype == DType::f32  ? 0x1p-149
                                                 : 0x1p-1074;
  const double largest = dtype == DType::f16    ? 65504
                         : dtype == DType::bf16 ? 0x1.fep127
                         : dtype == DType::f32  ? std::numeric_limits<float>::max()
                                                : std::numeric_limits<double>::max();
  const std::pair<double, double> intervals[] = {{0, 1},
                                                 {-1, 0},
                                                 {1, 2},
                                                 {-2, -1},
                                                 {0.1, 0.3},
                                                 {-0.3, -0.1},
                                                 {3, 3 + 0x1p-4},
                                                 {100, 101},
                                                 {0, 3 * smallest},
                                                 {-3 * smallest, 3 * smallest},
                                                 {0, smallest},
                                                 {-smallest, 0},
                                                 {-largest, largest},
                                                 {0, largest},
                                                 {-largest, 0},
                                                 {-0.1, largest}};
  for (const auto& [low, high] : intervals) {
    Tensor x = random::uniform(random::key(3), {20000}, low, high, dtype).cast(DType::f64);
    EXPECT_LT(max(x).item(), high) << low << " to " << high;
    EXPECT_GE(min(x).item(), low) << low << " to " << high;
  }
  EXPECT_THAT(values_of(random::uniform(random::key(1), {2}, 2, 2, dtype)), ElementsAre(2, 2));
}

TEST(Uniform, TakesRealsOnly) {
  EXPECT_THAT(error_of([] { random::uniform(random::key(1), {2}, 0, 1, DType::i32); }),
              HasSubstr("i32 cannot hold fractions"));
  EXPECT_THAT(error_of([] { random::uniform(random::key(1), {2}, 0, 1e5, DType::f16); }),
              HasSubstr("does not fit f16"));
  EXPECT_THAT(error_of([] { random::integers(random::key(1), {2}, INT64_MIN, INT64_MAX); }),
              HasSubstr("too large"));
  EXPECT_THAT(error_of([] { random::integers(random::key(1), {2}, INT32_MAX, INT32_MAX + 9LL); }),
              HasSubstr("does not fit i32"));
  EXPECT_THAT(values_of(random::integers(random::key(1), {2}, INT32_MAX, INT32_MAX + 1LL)),
              ElementsAre(INT32_MAX, INT32_MAX));
}

}  // namespace
}  // namespace tenon
