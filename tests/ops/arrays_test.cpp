// Values of the ops that move, pick, combine and sort elements.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tenon/base/random.h"
#include "tests/ops/evaluate.h"

namespace tenon {
namespace {

using testing::ElementsAre;

Literal counting(std::vector<int64_t> shape) {
  Literal literal(DType::f64, std::move(shape));
  for (int64_t i = 0; i < literal.size(); ++i) literal.set_double(i, static_cast<double>(i));
  return literal;
}
Literal reals(std::vector<double> values) {
  return Literal::of<double>({static_cast<int64_t>(values.size())}, values);
}
Literal ints(std::vector<int64_t> shape, const std::vector<int32_t>& values) {
  return Literal::of<int32_t>(std::move(shape), values);
}

std::vector<double> value_of(const char* op, const std::vector<Literal>& inputs,
                             Attributes attributes = {}) {
  return numbers(evaluate(op, inputs, std::move(attributes))[0]);
}

TEST(Structure, MovesElements) {
  Literal x = counting({2, 3});
  EXPECT_THAT(value_of("transpose", {x}, {{"order", Integers{1, 0}}}),
              ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(value_of("reverse", {x}, {{"axes", Integers{1}}}), ElementsAre(2, 1, 0, 5, 4, 3));
  EXPECT_THAT(
      value_of("broadcast", {counting({2})}, {{"shape", Shape{2, 2}}, {"dims", Integers{0}}}),
      ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(value_of("concatenate", {counting({2, 1}), counting({2, 2})}, {{"axis", 1}}),
              ElementsAre(0, 0, 1, 1, 2, 3));
}

TEST(Slice, StepsAndPads) {
  EXPECT_THAT(value_of("slice", {counting({7})},
                       {{"start", Shape{1}}, {"limit", Shape{7}}, {"stride", Integers{3}}}),
              ElementsAre(1, 4));
  EXPECT_THAT(value_of("pad", {counting({3}), Literal::scalar(DType::f64, 9)},
                       {{"low", Shape{1}}, {"high", Shape{-1}}, {"interior", Integers{1}}}),
              ElementsAre(9, 0, 9, 1, 9));
}

TEST(Slice, DynamicStartsAreMovedInside) {
  Literal x = counting({5});
  EXPECT_THAT(value_of("dynamic_slice", {x, ints({}, {4})}, {{"sizes", Shape{2}}}),
              ElementsAre(3, 4));
  EXPECT_THAT(value_of("dynamic_update_slice", {x, reals({7, 8}), ints({}, {-3})}),
              ElementsAre(7, 8, 2, 3, 4));
}

TEST(Gather, PicksRowsAndReadsZeroOutside) {
  Literal table = counting({3, 2});
  EXPECT_THAT(value_of("gather", {table, ints({3}, {2, -1, 0})}), ElementsAre(4, 5, 0, 0, 0, 1));
  EXPECT_THAT(value_of("gather", {table, ints({3}, {1, 0, 3})}, {{"axis", 1}, {"batch_dims", 1}}),
              ElementsAre(1, 2, 0));
}

TEST(Scatter, WritesInItsModes) {
  Literal x = reals({1, 2, 3}), at = ints({4}, {0, 0, 2, 5}), updates = reals({10, 20, 1, 99});
  EXPECT_THAT(value_of("scatter", {x, at, updates}), ElementsAre(31, 2, 4));
  EXPECT_THAT(value_of("scatter", {x, at, updates}, {{"mode", "set"}}), ElementsAre(20, 2, 1));
  EXPECT_THAT(value_of("scatter", {x, at, updates}, {{"mode", "max"}}), ElementsAre(20, 2, 3));
  EXPECT_THAT(value_of("scatter", {x, at, updates}, {{"mode", "min"}}), ElementsAre(1, 2, 1));
}

TEST(Scatter, OnlyTheLastOfEqualWritesHasADerivative) {
  Literal x = reals({1, 2}), at = ints({3}, {1, 1, 0});
  auto d =
      pull_back("scatter", {x, at, reals({5, 6, 7})}, {{"mode", "set"}}, reals({10, 20}), {0, 2});
  EXPECT_THAT(numbers(d[0]), ElementsAre(0, 0));
  EXPECT_THAT(numbers(d[1]), ElementsAre(0, 20, 10));
}

TEST(Reduce, OfNothingIsTheNeutralElement) {
  Literal nothing(DType::f32, {2, 0});
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Attributes along{{"axes", Integers{1}}};
  EXPECT_THAT(value_of("reduce_sum", {nothing}, along), ElementsAre(0, 0));
  EXPECT_THAT(value_of("reduce_product", {nothing}, along), ElementsAre(1, 1));
  EXPECT_THAT(value_of("reduce_max", {nothing}, along), ElementsAre(-kInfinity, -kInfinity));
  EXPECT_THAT(value_of("reduce_min", {Literal(DType::u8, {2, 0})}, along), ElementsAre(255, 255));
}

TEST(Reduce, ProductHasADerivativeAtZero) {
  auto d = pull_back("reduce_product", {reals({2, 0, 3})}, {{"axes", Integers{0}}},
                     Literal::scalar(DType::f64, 1), {0});
  EXPECT_THAT(numbers(d[0]), ElementsAre(0, 6, 0));
}

TEST(Reduce, EqualMaximaShareTheDerivative) {
  auto d = pull_back("reduce_max", {reals({3, 1, 3})}, {{"axes", Integers{0}}},
                     Literal::scalar(DType::f64, 1), {0});
  EXPECT_THAT(numbers(d[0]), ElementsAre(0.5, 0, 0.5));
}

TEST(Reduce, ArgmaxFindsTheFirst) {
  EXPECT_THAT(value_of("argmax", {reals({1, 3, 3, 2})}, {{"axis", 0}}), ElementsAre(1));
  EXPECT_THAT(value_of("argmin", {reals({1, std::nan(""), -3})}, {{"axis", 0}}), ElementsAre(1));
}

TEST(Cumulative, BothWaysAndExclusive) {
  Literal x = reals({1, 2, 3});
  EXPECT_THAT(value_of("cumulative_sum", {x}, {{"axis", 0}}), ElementsAre(1, 3, 6));
  EXPECT_THAT(value_of("cumulative_sum", {x}, {{"axis", 0}, {"reverse", true}}),
              ElementsAre(6, 5, 3));
  EXPECT_THAT(value_of("cumulative_product", {x}, {{"axis", 0}, {"exclusive", true}}),
              ElementsAre(1, 1, 2));
  EXPECT_THAT(value_of("cumulative_max", {reals({1, 3, 2})}, {{"axis", 0}}), ElementsAre(1, 3, 3));
}

TEST(Cumulative, ProductHasADerivativeAtZero) {
  // y = (2, 0, 0): dy/dx2 = (0, 2, 6), all others zero but dy0/dx0.
  auto d =
      pull_back("cumulative_product", {reals({2, 0, 3})}, {{"axis", 0}}, reals({1, 1, 1}), {0});
  EXPECT_THAT(numbers(d[0]), ElementsAre(1, 8, 0));
}

TEST(Sort, IsStableAndPutsNaNLast) {
  Literal keys = reals({2, std::nan(""), 1, 2});
  std::vector<Literal> sorted = evaluate("sort", {keys, ints({4}, {0, 1, 2, 3})}, {{"axis", 0}});
  EXPECT_THAT(numbers(sorted[1]), ElementsAre(2, 0, 3, 1));
  sorted = evaluate("sort", {keys, ints({4}, {0, 1, 2, 3})}, {{"axis", 0}, {"descending", true}});
  EXPECT_THAT(numbers(sorted[1]), ElementsAre(0, 3, 2, 1));
}

TEST(RandomBits, AreThoseOfBase) {
  uint64_t seed = RandomKey(7).fold_in("encoder").value;
  Literal key = Literal::of<int64_t>({2}, {static_cast<int64_t>(seed), 0});
  Literal bits = evaluate("random_bits", {key}, {{"shape", Shape{3, 3}}})[0];
  for (int64_t i = 0; i < bits.size(); ++i) {
    uint32_t wanted = random_bits(RandomKey(seed), static_cast<uint64_t>(i));
    EXPECT_EQ(static_cast<uint32_t>(bits.to_int(i)), wanted);
  }
  Literal other = Literal::of<int64_t>({2}, {static_cast<int64_t>(seed), 1});
  EXPECT_NE(evaluate("random_bits", {other}, {{"shape", Shape{3, 3}}})[0], bits);
}

}  // namespace
}  // namespace tenon
