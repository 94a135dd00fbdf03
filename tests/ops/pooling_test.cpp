// Convolutions and pools on images small enough to check by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tenon/base/error.h"
#include "tenon/ops/value_functions.h"
#include "tenon/transform/vmap.h"
#include "tests/ops/evaluate.h"

namespace tenon {
namespace {

using testing::ElementsAre;

// 1  2  3
// 4  5  6
// 7  8  9
const Literal kImage = floats({1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9});

TEST(Convolution, IsACorrelation) {
  Literal w = floats({2, 2, 1, 1}, {1, 0, 0, 10});
  EXPECT_THAT(numbers(evaluate("convolution", {kImage, w})[0]), ElementsAre(51, 62, 84, 95));
}

TEST(Convolution, PadsWithZerosAndStrides) {
  Literal w = floats({3, 3, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1});
  auto y = evaluate("convolution", {kImage, w},
                    {{"strides", Integers{2, 2}},
                     {"padding_low", Integers{1, 1}},
                     {"padding_high", Integers{1, 1}}});
  EXPECT_THAT(numbers(y[0]), ElementsAre(12, 16, 24, 28));
}

TEST(Convolution, GroupsKeepChannelsApart) {
  Literal x = floats({1, 1, 2, 2}, {1, 10, 2, 20});
  Literal w = floats({1, 2, 1, 2}, {1, 3, 1, 5});
  auto y = evaluate("convolution", {x, w}, {{"groups", Shape{2}}});
  EXPECT_THAT(numbers(y[0]), ElementsAre(3, 130));
}

TEST(Convolution, TransposedSpreadsEachElement) {
  Literal dy = floats({1, 2, 1}, {1, 10});
  Literal w = floats({3, 1, 1}, {1, 2, 3});
  auto dx = evaluate("convolution_input_gradient", {dy, w},
                     {{"input_shape", Shape{5}}, {"strides", Integers{2}}});
  EXPECT_THAT(numbers(dx[0]), ElementsAre(1, 2, 13, 20, 30));
}

TEST(Convolution, HasAGradientForEachExampleOfASymbolicBatch) {
  Graph loss("loss");
  Build build(loss, core_ops());
  Value x = build.input("x", Type::parse("f32[1,3,3,1]"));
  Value w = build.input("w", Type::parse("f32[2,2,1,1]"));
  Value y = build.call("convolution", {x, w});
  loss.set_outputs({reduce_sum(y * y, {0, 1, 2, 3}).id()});
  auto one = gradient(loss, core_ops(), {.wrt = {1}});
  auto each = vmap(*one, core_ops(), {.in_axes = {0, std::nullopt}, .size = Dim::symbol("n")});
  Literal images = floats({2, 1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 0, 0, 0, 2, 1, 0, 0});
  Literal filter = floats({2, 2, 1, 1}, {1, 0, 0, 10});
  std::vector<double> all = numbers(interpret(*each, {images, filter})[1]);
  for (size_t i = 0; i < 2; ++i) {
    std::vector<float> pixels(
        images.values<float>().begin() + static_cast<std::ptrdiff_t>(9 * i),
        images.values<float>().begin() + static_cast<std::ptrdiff_t>(9 * i + 9));
    auto alone = interpret(*one, {floats({1, 3, 3, 1}, pixels), filter});
    std::vector<double> part(all.begin() + static_cast<std::ptrdiff_t>(4 * i),
                             all.begin() + static_cast<std::ptrdiff_t>(4 * i + 4));
    EXPECT_EQ(part, numbers(alone[1]));
  }
}

TEST(MaxPool, GivesItsGradientToTheFirstMaximum) {
  Literal x = floats({1, 2, 4, 1}, {1, 3, 5, 5, 3, 2, 5, 0});
  Attributes window{{"window", Integers{2, 2}}};
  EXPECT_THAT(numbers(evaluate("max_pool", {x}, window)[0]), ElementsAre(3, 5));
  auto dx = pull_back("max_pool", {x}, window, floats({1, 1, 2, 1}, {7, 9}), {0});
  EXPECT_THAT(numbers(dx[0]), ElementsAre(0, 7, 9, 0, 0, 0, 0, 0));
}

TEST(MaxPool, AddsGradientsOfWindowsThatOverlap) {
  Attributes window{{"window", Integers{2, 2}}, {"strides", Integers{1, 1}}};
  auto dx = pull_back("max_pool", {kImage}, window, floats({1, 2, 2, 1}, {1, 2, 3, 4}), {0});
  EXPECT_THAT(numbers(dx[0]), ElementsAre(0, 0, 0, 0, 1, 2, 0, 3, 4));
}

TEST(AveragePool, CountsPaddingOrNot) {
  Attributes padded{{"window", Integers{2, 2}},
                    {"padding_low", Integers{1, 1}},
                    {"padding_high", Integers{0, 0}}};
  EXPECT_THAT(numbers(evaluate("average_pool", {kImage}, padded)[0]),
              ElementsAre(0.25, 1.25, 2.75, 7));
  padded.set("count_include_padding", false);
  EXPECT_THAT(numbers(evaluate("average_pool", {kImage}, padded)[0]), ElementsAre(1, 2.5, 5.5, 7));
}

TEST(AdaptivePool, CoversUnevenSizes) {
  Literal x = floats({1, 5, 1}, {1, 2, 3, 4, 10});
  Attributes two{{"output", Integers{2}}};
  EXPECT_THAT(numbers(evaluate("adaptive_average_pool", {x}, two)[0]),
              ElementsAre(2, testing::DoubleNear(17 / 3.0, 1e-6)));
  EXPECT_THAT(numbers(evaluate("adaptive_max_pool", {x}, two)[0]), ElementsAre(3, 10));
  EXPECT_THAT(numbers(evaluate("global_average_pool", {kImage})[0]), ElementsAre(5));
}

TEST(MaxPool, RefusesWindowsOfNothingButPadding) {
  EXPECT_THROW(
      evaluate("max_pool", {kImage}, {{"window", Integers{2, 2}}, {"padding_low", Integers{2, 0}}}),
      Error);
}

}  // namespace
}  // namespace tenon
