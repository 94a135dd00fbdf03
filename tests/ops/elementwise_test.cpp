// Values of elementwise ops at the edges, which random samples never meet.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/ops/evaluate.h"

namespace tenon {
namespace {

using testing::ElementsAre;

const double kInfinity = std::numeric_limits<double>::infinity();
const double kNaN = std::numeric_limits<double>::quiet_NaN();

Literal doubles(const std::vector<double>& values) {
  return Literal::of<double>({static_cast<int64_t>(values.size())}, values);
}
Literal ints(const std::vector<int32_t>& values) {
  return Literal::of<int32_t>({static_cast<int64_t>(values.size())}, values);
}

std::vector<double> value_of(const char* op, const std::vector<Literal>& inputs,
                             Attributes attributes = {}) {
  return numbers(evaluate(op, inputs, std::move(attributes))[0]);
}

TEST(Elementwise, RoundGoesToEven) {
  EXPECT_THAT(value_of("round", {doubles({0.5, 1.5, 2.5, -0.5, -1.5, 2.4})}),
              ElementsAre(0, 2, 2, 0, -2, 2));
}

TEST(Elementwise, IntegerDivisionTruncates) {
  Literal a = ints({7, -7, 7, -7, 5, std::numeric_limits<int32_t>::min()});
  Literal b = ints({2, 2, -2, -2, 0, -1});
  EXPECT_THAT(value_of("divide", {a, b}), ElementsAre(3, -3, -3, 3, 0, -2147483648.0));
  EXPECT_THAT(value_of("fmod", {a, b}), ElementsAre(1, -1, 1, -1, 5, 0));
  EXPECT_THAT(value_of("remainder", {a, b}), ElementsAre(1, 1, -1, -1, 5, 0));
}

TEST(Elementwise, RemainderIsExact) {
  Literal a = doubles({5.5, -5.5, 5.5, 1, -1}), b = doubles({2, 2, -2, kInfinity, kInfinity});
  EXPECT_THAT(value_of("fmod", {a, b}), ElementsAre(1.5, -1.5, 1.5, 1, -1));
  EXPECT_THAT(value_of("remainder", {a, b}), ElementsAre(1.5, 0.5, -0.5, 1, kInfinity));
  auto by_divisor = pull_back("remainder", {a, b}, {}, doubles({1, 1, 1, 1, 1}), {1});
  EXPECT_THAT(numbers(by_divisor[0]), ElementsAre(-2, 3, 3, 0, 0));
}

TEST(Elementwise, ExtremaKeepNaN) {
  Literal a = doubles({1, kNaN, 3}), b = doubles({2, 2, kNaN});
  auto largest = value_of("maximum", {a, b}), smallest = value_of("minimum", {a, b});
  EXPECT_EQ(largest[0], 2);
  EXPECT_EQ(smallest[0], 1);
  for (size_t i : {size_t{1}, size_t{2}}) {
    EXPECT_TRUE(std::isnan(largest[i]));
    EXPECT_TRUE(std::isnan(smallest[i]));
  }
}

TEST(Elementwise, IntegersWrap) {
  EXPECT_THAT(value_of("add", {Literal::of<uint8_t>({1}, {250}), Literal::of<uint8_t>({1}, {10})}),
              ElementsAre(4));
  EXPECT_THAT(value_of("negate", {Literal::of<int8_t>({1}, {-128})}), ElementsAre(-128));
}

TEST(Elementwise, InverseErf) {
  EXPECT_THAT(value_of("erf_inv", {doubles({0.5, -0.999, 0, 1, -1})}),
              close_to({0.4769362762044699, -2.326753765513525, 0, kInfinity, -kInfinity}, 1e-12));
}

TEST(Elementwise, DerivativesWhereFormulasWouldGiveNaN) {
  Literal one = doubles({1});
  EXPECT_THAT(numbers(pull_back("power", {doubles({0}), doubles({2})}, {}, one, {0})[0]),
              ElementsAre(0));
  EXPECT_THAT(numbers(pull_back("power", {doubles({0}), doubles({2})}, {}, one, {1})[0]),
              ElementsAre(0));
  EXPECT_THAT(numbers(pull_back("power", {doubles({0}), doubles({0})}, {}, one, {0})[0]),
              ElementsAre(0));
  // The branch not taken has no say, whatever it is.
  Literal no = Literal::of<bool>({1}, {false});
  EXPECT_THAT(numbers(pull_back("select", {no, doubles({kNaN}), one}, {}, doubles({3}), {1})[0]),
              ElementsAre(0));
}

TEST(Elementwise, TiesShareTheDerivative) {
  Literal a = doubles({1, 2}), b = doubles({1, 1}), ct = doubles({1, 1});
  auto d = pull_back("maximum", {a, b}, {}, ct, {0, 1});
  EXPECT_THAT(numbers(d[0]), ElementsAre(0.5, 1));
  EXPECT_THAT(numbers(d[1]), ElementsAre(0.5, 0));
  Literal low = doubles({0, 0, 0, 0}), high = doubles({1, 1, 1, 0}), all = doubles({1, 1, 1, 1});
  auto c = pull_back("clamp", {low, doubles({0, 0.5, 1, 0}), high}, {}, all, {0, 1, 2});
  EXPECT_THAT(numbers(c[0]), ElementsAre(0.5, 0, 0, 0.25));
  EXPECT_THAT(numbers(c[1]), ElementsAre(0.5, 1, 0.5, 0.25));
  EXPECT_THAT(numbers(c[2]), ElementsAre(0, 0, 0.5, 0.5));
}

TEST(Compare, NaNIsUnequalToEverything) {
  Literal a = doubles({kNaN, 1}), b = doubles({kNaN, 1});
  EXPECT_THAT(value_of("equal", {a, b}), ElementsAre(0, 1));
  EXPECT_THAT(value_of("not_equal", {a, b}), ElementsAre(1, 0));
  EXPECT_THAT(value_of("less_equal", {a, b}), ElementsAre(0, 1));
}

TEST(Compare, ShiftsBeyondTheWidth) {
  Literal a = ints({-8, -8, -8, -8}), b = ints({1, 31, 32, -1});
  EXPECT_THAT(value_of("shift_left", {a, b}), ElementsAre(-16, 0, 0, 0));
  EXPECT_THAT(value_of("shift_right_logical", {a, b}), ElementsAre(2147483644, 1, 0, 0));
  EXPECT_THAT(value_of("shift_right_arithmetic", {a, b}), ElementsAre(-4, -1, -1, -1));
}

TEST(Compare, NotOfBoolsAndOfBits) {
  EXPECT_THAT(value_of("logical_not", {Literal::of<bool>({2}, {true, false})}), ElementsAre(0, 1));
  EXPECT_THAT(value_of("logical_not", {Literal::of<uint8_t>({1}, {0x0f})}), ElementsAre(0xf0));
}

TEST(Cast, RealsSaturateAndIntegersWrap) {
  EXPECT_THAT(
      value_of("cast", {doubles({1.9, -1.9, 300, -300, kNaN, kInfinity})}, {{"dtype", DType::i8}}),
      ElementsAre(1, -1, 127, -128, 0, 127));
  EXPECT_THAT(value_of("cast", {ints({300, -1})}, {{"dtype", DType::u8}}), ElementsAre(44, 255));
  EXPECT_THAT(value_of("cast", {doubles({0, 0.1, kNaN})}, {{"dtype", DType::boolean}}),
              ElementsAre(0, 1, 1));
  EXPECT_THAT(value_of("cast", {doubles({1.00390625, 1.01171875, 1e39})}, {{"dtype", DType::bf16}}),
              ElementsAre(1, 1.015625, kInfinity));  // halves go to even
}

TEST(Cast, QuantizeRoundsAndLimits) {
  Literal x = floats({4}, {0.26f, -0.26f, 100, -100});
  EXPECT_THAT(
      value_of("quantize", {x, Literal::scalar(DType::f32, 0.5), Literal::scalar(DType::i8, 1)}),
      ElementsAre(2, 0, 127, -128));
}

}  // namespace
}  // namespace tenon
