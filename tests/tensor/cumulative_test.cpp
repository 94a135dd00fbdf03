// Running products and linear recurrences, with their derivatives.
#include <gmock/gmock.h>

#include <cmath>

#include "tenon/tensor/numpy.h"
#include "tenon/tensor/op_functions.h"
#include "tenon/tensor/random.h"
#include "tenon/tensor/transforms.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

/// The derivative of the weighted sum of running products, one pair of element and result at a
/// time.
std::vector<double> slope(const std::vector<double>& x, const std::vector<double>& weights,
                          bool reverse, bool exclusive) {
  auto n = static_cast<int64_t>(x.size());
  auto at = [&](int64_t i) { return static_cast<size_t>(reverse ? n - 1 - i : i); };
  std::vector<double> result(x.size(), 0.0);
  for (int64_t k = 0; k < n; ++k) {
    for (int64_t i = k + (exclusive ? 1 : 0); i < n; ++i) {
      double product = weights[at(i)];
      for (int64_t j = 0; j <= i - (exclusive ? 1 : 0); ++j) product *= j == k ? 1 : x[at(j)];
      result[at(k)] += product;
    }
  }
  return result;
}

const std::vector<std::vector<double>> kWithZeros = {{1.5, 2, -0.5, 3, 0.25},
                                                     {1.5, 0, -0.5, 3, 0.25},
                                                     {0, 2, -0.5, 3, 0.25},
                                                     {1.5, 2, -0.5, 3, 0},
                                                     {1.5, 0, -0.5, 0, 0.25},
                                                     {0, 0, 0, 0, 0},
                                                     {2},
                                                     {0},
                                                     {}};
const std::vector<double> kWeights = {1, -2, 3, 0.5, 4};

Tensor of(const std::vector<double>& values) {
  return Tensor::of<double>(values, {static_cast<int64_t>(values.size())});
}

TEST(CumulativeProduct, HasItsDerivativeWhereElementsAreZero) {
  for (const std::vector<double>& x : kWithZeros) {
    std::vector<double> weights(kWeights.begin(), kWeights.begin() + static_cast<long>(x.size()));
    for (bool reverse : {false, true}) {
      for (bool exclusive : {false, true}) {
        auto f = [&](Tensor t) {
          return sum(ops::cumulative_product(t, 0, reverse, exclusive) * of(weights));
        };
        std::vector<double> wanted = slope(x, weights, reverse, exclusive);
        EXPECT_THAT(values_of(grad(f)(of(x))), Pointwise(DoubleNear(1e-12), wanted));
        // Forward mode, one element at a time.
        for (size_t k = 0; k < x.size(); ++k) {
          std::vector<double> direction(x.size(), 0.0);
          direction[k] = 1;
          EXPECT_NEAR(jvp(f, of(x), of(direction)).tangent.item(), wanted[k], 1e-12);
        }
      }
    }
  }
}

/// Values of torch.cumprod 2.x.
TEST(CumulativeProduct, AgreesWithPyTorch) {
  auto pulled = [](std::vector<double> x, std::vector<double> weights) {
    return values_of(grad([&](Tensor t) { return sum(cumprod(t, 0) * of(weights)); })(of(x)));
  };
  EXPECT_THAT(pulled({1, 2, 3}, {1, 1, 1}), ElementsAre(9, 4, 2));
  EXPECT_THAT(pulled({1, 0, 3, 2}, {1, 2, 3, 4}), ElementsAre(1, 35, 0, 0));
  EXPECT_THAT(pulled({2, 0, 3, 0, 5}, {1, 2, 3, 4, 5}), ElementsAre(1, 22, 0, 0, 0));
}

TEST(CumulativeProduct, DifferentiatesAlongAnyAxisAndAgain) {
  Tensor x = of({1, 2, 0, 0, 3, 1, 2, 0, 2, 4, 1, 0}).reshape({2, 2, 3});
  for (int64_t axis : {0, 1, 2}) {
    auto f = [&](Tensor t) { return sum(sin(cumprod(t, axis))); };
    auto moved = [&](Tensor t) { return sum(sin(cumprod(move_axis(t, axis, 2), 2))); };
    EXPECT_EQ(values_of(grad(f)(x)), values_of(grad(moved)(x)));
    auto twice = [&](Tensor t) { return sum(square(grad(f)(t))); };
    Tensor second = grad(twice)(x);
    // Central differences of the first derivative.
    for (int64_t i = 0; i < 12; ++i) {
      Tensor step =
          (arange(12) == static_cast<double>(i)).cast(DType::f64).reshape({2, 2, 3}) * 1e-5;
      double difference = (twice(x + step) - twice(x - step)).item() / 2e-5;
      EXPECT_NEAR(second.item(i), difference, 1e-4 * std::max(1.0, std::abs(difference)));
    }
  }
}

TEST(CumulativeProduct, OfManyElementsHasALinearDerivative) {
  constexpr int64_t kCount = 200'000;
  Tensor x = 1 + (random::uniform(random::key(1), {kCount}).cast(DType::f64) - 0.5) / 1000;
  Tensor gradient = grad([](Tensor t) { return sum(cumprod(t, 0)); })(x);
  // x times the derivative is what all products from there on add up to.
  Tensor wanted = ops::cumulative_sum(cumprod(x, 0), 0, true);
  EXPECT_TRUE(all_close(x * gradient, wanted, 1e-9).item() != 0);
}

TEST(LinearRecurrence, IsARunningSumWithFactors) {
  Tensor a{9, 0.5, 0.5}, b{1, 2, 3};
  EXPECT_THAT(values_of(ops::linear_recurrence(a, b, 0)), ElementsAre(1, 2.5, 4.25));
  EXPECT_THAT(values_of(ops::linear_recurrence(a, b, 0, true)), ElementsAre(32.5, 3.5, 3));
  EXPECT_THAT(error_of([&] { ops::linear_recurrence(a, Tensor{1, 2}, 0); }),
              testing::HasSubstr("a is f32[3], but b is f32[2]"));
  // What comes before the first element does not exist, whatever it would be multiplied by.
  Tensor none = full({1}, std::nan(""), DType::f32);
  EXPECT_THAT(values_of(ops::linear_recurrence(none, Tensor{7.0}, 0)), ElementsAre(7));
}

}  // namespace
}  // namespace tenon
