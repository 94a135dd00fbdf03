// Losses as PyTorch defines them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tenon/base/error.h"
#include "tests/ops/evaluate.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Literal kLogits = floats({2, 3}, {1, 2, 3, 1, 1, 1});
const Literal kLabels = Literal::of<int32_t>({2}, {2, 0});

TEST(CrossEntropy, OfIntegerLabels) {
  auto loss = evaluate("softmax_cross_entropy", {kLogits, kLabels});
  EXPECT_THAT(numbers(loss[0]), close_to({0.407606, 1.098612}));
  auto smooth = evaluate("softmax_cross_entropy", {kLogits, kLabels}, {{"label_smoothing", 0.1}});
  EXPECT_THAT(numbers(smooth[0]), close_to({0.507606, 1.098612}));
}

TEST(CrossEntropy, GradientIsProbabilityMinusTarget) {
  auto gradient =
      pull_back("softmax_cross_entropy", {kLogits, kLabels}, {}, floats({2}, {1, 1}), {0});
  EXPECT_THAT(numbers(gradient[0]),
              close_to({0.09003057, 0.2447285, -0.334759, -0.6666667, 0.3333333, 0.3333333}));
}

TEST(CrossEntropy, SkipsNegativeLabels) {
  Literal labels = Literal::of<int32_t>({2}, {-1, 0});
  auto loss = evaluate("softmax_cross_entropy", {kLogits, labels});
  EXPECT_THAT(numbers(loss[0]), close_to({0, 1.098612}));
  auto gradient =
      pull_back("softmax_cross_entropy", {kLogits, labels}, {}, floats({2}, {1, 1}), {0});
  EXPECT_THAT(numbers(gradient[0]), close_to({0, 0, 0, -0.6666667, 0.3333333, 0.3333333}));
}

TEST(CrossEntropy, OfProbabilitiesAgreesWithLabels) {
  Literal targets = floats({2, 3}, {0, 0, 1, 1, 0, 0});
  auto loss = evaluate("softmax_cross_entropy_with_probabilities", {kLogits, targets});
  EXPECT_THAT(numbers(loss[0]), close_to({0.407606, 1.098612}));
}

TEST(CrossEntropy, NamesLabelsOfTheWrongShape) {
  try {
    evaluate("softmax_cross_entropy", {kLogits, Literal::of<int32_t>({3}, {0, 1, 2})});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("labels are i32[3], but logits f32[2,3] need labels of "
                                        "shape [2]"));
  }
}

TEST(BinaryCrossEntropy, StaysFinite) {
  auto loss = evaluate("binary_cross_entropy_with_logits",
                       {floats({4}, {2, -1, 1000, -1000}), floats({4}, {1, 0.25, 0, 0})});
  EXPECT_THAT(numbers(loss[0]), close_to({0.126928, 0.5632617, 1000, 0}));
}

TEST(BinaryCrossEntropy, OfInfiniteLogits) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  auto loss = evaluate(
      "binary_cross_entropy_with_logits",
      {floats({4}, {kInfinity, kInfinity, -kInfinity, -kInfinity}), floats({4}, {0, 1, 0, 1})});
  EXPECT_THAT(numbers(loss[0]), ElementsAre(kInfinity, 0, 0, kInfinity));
}

TEST(ElementwiseLosses, HaveTheirKnownValues) {
  Literal a = floats({2}, {1.5, -1}), b = floats({2}, {1, 2});
  EXPECT_THAT(numbers(evaluate("mean_squared_error", {a, b})[0]), ElementsAre(4.625));
  EXPECT_THAT(numbers(evaluate("mean_absolute_error", {a, b})[0]), ElementsAre(1.75));
  EXPECT_THAT(numbers(evaluate("huber_loss", {a, b})[0]), ElementsAre(0.125, 2.5));
  EXPECT_THAT(numbers(evaluate("hinge_loss", {a, floats({2}, {1, 1})})[0]), ElementsAre(0, 2));
  auto kl = evaluate("kl_divergence", {floats({2}, {-1, -1}), floats({2}, {0.5, 0})});
  EXPECT_THAT(numbers(kl[0]), close_to({0.1534264, 0}));
}

}  // namespace
}  // namespace tenon
