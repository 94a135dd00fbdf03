// Normalisation as PyTorch defines it: biased variance, epsilon under the root.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tenon/base/error.h"
#include "tests/ops/evaluate.h"

namespace tenon {
namespace {

using testing::HasSubstr;

const Literal kX = floats({2, 3}, {1, 2, 4, 3, 0, 0});
const Literal kScale = floats({3}, {1, 2, 3});
const Literal kBias = floats({3}, {0, 0.5, 1});

TEST(LayerNorm, NormalisesRows) {
  auto y = evaluate("layer_norm", {kX, kScale, kBias});
  EXPECT_THAT(numbers(y[0]),
              close_to({-1.069042, -0.03452077, 5.008906, 1.41421, -0.91421, -1.121315}, 1e-5));
}

TEST(LayerNorm, NamesAScaleOfTheWrongSize) {
  try {
    evaluate("layer_norm", {kX, floats({2}, {1, 1})});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("layer_norm: scale is f32[2], but x f32[2,3] needs f32[3]"));
  }
}

TEST(RmsNorm, DividesByTheRootMeanSquare) {
  auto y = evaluate("rms_norm", {kX});
  EXPECT_THAT(numbers(y[0]), close_to({0.3779644, 0.7559289, 1.511858, 1.732051, 0, 0}, 1e-5));
}

TEST(BatchNorm, ReturnsStatisticsOfTheBatch) {
  auto y = evaluate("batch_norm", {kX, kScale, kBias});
  EXPECT_THAT(numbers(y[0]),
              close_to({-0.999995, 2.49999, 3.999996, 0.999995, -1.49999, -1.999996}, 1e-5));
  EXPECT_THAT(numbers(y[1]), close_to({2, 1, 2}));
  EXPECT_THAT(numbers(y[2]), close_to({1, 1, 4}));
}

TEST(BatchNorm, InferenceUsesGivenStatistics) {
  auto y = evaluate("batch_norm_inference",
                    {kX, kScale, kBias, floats({3}, {2, 1, 2}), floats({3}, {1, 1, 4})});
  EXPECT_THAT(numbers(y[0]),
              close_to({-0.999995, 2.49999, 3.999996, 0.999995, -1.49999, -1.999996}, 1e-5));
}

TEST(GroupNorm, WithOneGroupIsLayerNormOverSpaceAndChannels) {
  Literal x = floats({1, 2, 2, 2}, {1, 5, 2, 7, 3, 1, 0, 4});
  auto grouped = evaluate("group_norm", {x}, {{"groups", 1}});
  auto layered = evaluate("layer_norm", {x}, {{"axes", Integers{1, 2, 3}}});
  EXPECT_THAT(numbers(grouped[0]), close_to(numbers(layered[0])));
  auto each = evaluate("group_norm", {x}, {{"groups", 2}});
  auto instance = evaluate("instance_norm", {x});
  EXPECT_THAT(numbers(each[0]), close_to(numbers(instance[0])));
  EXPECT_THROW(evaluate("group_norm", {x}, {{"groups", 3}}), Error);
}

}  // namespace
}  // namespace tenon
