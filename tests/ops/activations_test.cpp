// Activations against values computed in double precision from their definitions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ops/evaluate.h"

namespace tenon {
namespace {

void expect_values(const std::string& op, const std::vector<double>& wanted,
                   Attributes attributes = {}) {
  Literal x = floats({7}, {-3, -1, -0.5, 0, 0.5, 1, 3});
  auto y = evaluate(op, {x}, std::move(attributes));
  EXPECT_THAT(numbers(y[0]), close_to(wanted)) << op;
}

TEST(Activations, HaveTheirKnownValues) {
  expect_values("relu", {0, 0, 0, 0, 0.5, 1, 3});
  expect_values("leaky_relu", {-0.3, -0.1, -0.05, 0, 0.5, 1, 3}, {{"slope", 0.1}});
  expect_values("gelu", {-0.004049694, -0.1586553, -0.1542688, 0, 0.3457312, 0.8413447, 2.99595});
  expect_values("gelu_tanh", {-0.003637392, -0.158808, -0.154286, 0, 0.345714, 0.841192, 2.996363});
  expect_values("silu", {-0.1422776, -0.2689414, -0.1887703, 0, 0.3112297, 0.7310586, 2.857722});
  expect_values("mish", {-0.1456475, -0.3034015, -0.2207438, 0, 0.3752452, 0.8650984, 2.986535});
  expect_values("softplus",
                {0.04858735, 0.3132617, 0.474077, 0.6931472, 0.974077, 1.313262, 3.048587});
  expect_values("elu", {-0.9502129, -0.6321206, -0.3934693, 0, 0.5, 1, 3});
  expect_values("selu", {-1.670569, -1.111331, -0.6917582, 0, 0.5253505, 1.050701, 3.152103});
  expect_values("softsign", {-0.75, -0.5, -0.3333333, 0, 0.3333333, 0.5, 0.75});
  expect_values("hard_sigmoid", {0, 0.3333333, 0.4166667, 0.5, 0.5833333, 0.6666667, 1});
  expect_values("hard_swish", {0, -0.3333333, -0.2083333, 0, 0.2916667, 0.6666667, 3});
}

TEST(Activations, StayFiniteFarFromZero) {
  Literal far = floats({2}, {-1000, 1000});
  EXPECT_THAT(numbers(evaluate("softplus", {far})[0]), testing::ElementsAre(0, 1000));
  EXPECT_THAT(numbers(evaluate("log_sigmoid", {far})[0]), testing::ElementsAre(-1000, 0));
  EXPECT_THAT(numbers(evaluate("elu", {far})[0]), testing::ElementsAre(-1, 1000));
  EXPECT_THAT(numbers(evaluate("silu", {far})[0]), testing::ElementsAre(0, 1000));
}

TEST(Activations, SiluIsZeroFarBelow) {
  Literal low = floats({2}, {-1e38f, -std::numeric_limits<float>::infinity()});
  EXPECT_THAT(numbers(evaluate("silu", {low})[0]), testing::ElementsAre(0, 0));
  EXPECT_THAT(numbers(pull_back("silu", {low}, {}, floats({2}, {1, 1}), {0})[0]),
              testing::ElementsAre(0, 0));
}

TEST(Softmax, DoesNotOverflow) {
  Literal x = floats({2, 3}, {1, 2, 3, 1000, 1000, 1000});
  EXPECT_THAT(numbers(evaluate("softmax", {x})[0]),
              close_to({0.09003057, 0.2447285, 0.665241, 1 / 3., 1 / 3., 1 / 3.}));
  EXPECT_THAT(numbers(evaluate("log_sum_exp", {floats({2}, {-2000, -2000})})[0]),
              close_to({-1999.306853}, 1e-3));
}

TEST(Softmax, LogOfAnImpossibleClassIsExact) {
  Literal x = floats({2}, {0, -500});
  EXPECT_THAT(numbers(evaluate("log_softmax", {x})[0]), testing::ElementsAre(0, -500));
}

}  // namespace
}  // namespace tenon
