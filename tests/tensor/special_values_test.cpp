// Norms and deviations where formulas break, and the derivatives of what users compose, held to
// exact values and to the conventions that docs/modules/ops.md states.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "tenon/base/error.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/op_functions.h"
#include "tenon/tensor/transforms.h"
#include "tests/special_values.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor tensor_of(const std::vector<double>& values, DType dtype) {
  Literal literal(dtype, {static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i) literal.set_double(static_cast<int64_t>(i), values[i]);
  return Tensor(literal);
}

using Measure = Tensor (*)(const Tensor&);

void expect_exact(const std::string& name, Measure measure) {
  size_t rows = 0;
  for (const std::string& line : special_lines("rows")) {
    std::istringstream parts(line);
    std::string op, row, value, derivatives;
    std::getline(parts, op, '|');
    std::getline(parts, row, '|');
    std::getline(parts, value, '|');
    std::getline(parts, derivatives, '|');
    if (op != name + " ") continue;
    ++rows;
    std::vector<double> x;
    for (const MaybeNumber& number : parse_numbers(row)) x.push_back(number.value());
    for (DType dtype : {DType::f64, DType::f32, DType::bf16, DType::f16}) {
      const bool fits = std::ranges::all_of(x, [&](double v) { return is_exact(dtype, v); });
      if (!fits) continue;
      auto [got, slopes] = value_and_grad(measure)(tensor_of(x, dtype));
      const std::string where = fmt::format("{} of {} in {}", name, row, name_of(dtype));
      const double wanted = rounded_to(dtype, *parse_numbers(value)[0]);
      EXPECT_TRUE(is_within(got.item(), wanted, 4 * spacing(dtype, wanted)))
          << where << " is " << got.item() << ", not " << wanted;
      const std::vector<MaybeNumber> exact = parse_numbers(derivatives);
      const std::vector<double> pulled = values_of(slopes);
      for (size_t i = 0; i < exact.size(); ++i) {
        if (!exact[i]) continue;
        const double slope = rounded_to(dtype, *exact[i]);
        EXPECT_TRUE(is_within(pulled[i], slope, 8 * spacing(dtype, slope)))
            << "derivative " << i << " of " << where << " is " << pulled[i] << ", not " << slope;
      }
    }
  }
  EXPECT_GT(rows, 20u);
}

TEST(SpecialValues, OfNorms) {
  expect_exact("norm", [](const Tensor& x) { return norm(x); });
}
TEST(SpecialValues, OfStandardDeviations) {
  expect_exact("standard_deviation", [](const Tensor& x) { return standard_deviation(x); });
}
TEST(SpecialValues, OfVariances) {
  expect_exact("variance", [](const Tensor& x) { return variance(x); });
}

std::vector<double> slopes(Tensor (*f)(const Tensor&), std::vector<double> at) {
  auto total = [f](const Tensor& x) { return sum(f(x)); };
  return values_of(grad(total)(tensor_of(at, DType::f64)));
}

/// What PyTorch gives, by running it: tests/reference/torch_conventions.py.
TEST(Conventions, OfDerivativesAreThoseOfPyTorch) {
  EXPECT_THAT(slopes([](const Tensor& x) { return abs(x); }, {0, -0.0}), ElementsAre(0, 0));
  EXPECT_THAT(slopes([](const Tensor& x) { return relu(x); }, {0, -0.0}), ElementsAre(0, 0));
  EXPECT_THAT(slopes([](const Tensor& x) { return maximum(x, 0); }, {0}), ElementsAre(0.5));
  EXPECT_THAT(slopes([](const Tensor& x) { return clip(x, Tensor(-1.0), Tensor(1.0)); },
                     {-1, 1, 0.5, -kInfinity}),
              ElementsAre(0.5, 0.5, 1, 0));
  EXPECT_THAT(slopes([](const Tensor& x) { return max(x); }, {1, 1, 0}), ElementsAre(0.5, 0.5, 0));
  EXPECT_THAT(slopes([](const Tensor& x) { return norm(x); }, {0, 0}), ElementsAre(0, 0));
  EXPECT_THAT(slopes([](const Tensor& x) { return standard_deviation(x); }, {2, 2, 2}),
              ElementsAre(0, 0, 0));
  EXPECT_THAT(slopes([](const Tensor& x) { return sqrt(x); }, {0}), ElementsAre(kInfinity));
  EXPECT_THAT(slopes([](const Tensor& x) { return prod(x); }, {0, 2, 3}), ElementsAre(6, 0, 0));
  EXPECT_THAT(slopes([](const Tensor& x) { return prod(x); }, {0, 0, 3}), ElementsAre(0, 0, 0));
  EXPECT_THAT(slopes([](const Tensor& x) { return cumprod(x, 0); }, {2, 0, 3}),
              ElementsAre(1, 8, 0));
  EXPECT_THAT(slopes([](const Tensor& x) { return cumprod(x, 0); }, {0, 0, 3}),
              ElementsAre(1, 0, 0));
  // Each result has the derivative 1, 2, 3 …, which goes to the latest of equal elements.
  auto* largest = +[](const Tensor& x) {
    return ops::cumulative_max(x, 0) * (arange(x.dim(0), DType::f64) + 1);
  };
  auto* smallest = +[](const Tensor& x) {
    return ops::cumulative_min(x, 0) * (arange(x.dim(0), DType::f64) + 1);
  };
  EXPECT_THAT(slopes(largest, {1, 3, 3, 2, 3}), ElementsAre(1, 2, 7, 0, 5));
  EXPECT_THAT(slopes(smallest, {1, 3, 3, 2, 3}), ElementsAre(15, 0, 0, 0, 0));
  EXPECT_THAT(slopes(smallest, {2, 2, 2}), ElementsAre(1, 2, 3));
  EXPECT_THAT(slopes(largest, {1, NAN, 2, NAN, 5}), ElementsAre(1, 5, 0, 9, 0));
  EXPECT_THAT(slopes(smallest, {1, NAN, 2, NAN, 5}), ElementsAre(1, 5, 0, 9, 0));
  EXPECT_THAT(slopes(largest, {-kInfinity, -kInfinity, kInfinity, kInfinity}),
              ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(slopes([](const Tensor& x) { return power(x, 0); }, {0}), ElementsAre(0));
  EXPECT_THAT(slopes([](const Tensor& x) { return power(0, x); }, {0}), ElementsAre(0));
  EXPECT_THAT(slopes([](const Tensor& x) { return atan2(x, x * 0); }, {0}), ElementsAre(0));
  EXPECT_THAT(slopes([](const Tensor& x) { return log_add_exp(x, 1e6); }, {1e6}), ElementsAre(0.5));
  // x in the argument that `where` does not choose has no say, but what is made of it has.
  EXPECT_THAT(slopes([](const Tensor& x) { return where(x > 0, x, -x); }, {0, 1}),
              ElementsAre(-1, 1));
  EXPECT_TRUE(
      std::isnan(slopes([](const Tensor& x) { return where(x > 0, sqrt(x), 0 * x); }, {0})[0]));
  EXPECT_TRUE(std::isnan(slopes([](const Tensor& x) { return x * log(x); }, {0})[0]));
  EXPECT_THAT(
      slopes([](const Tensor& x) { return where(x > 0, x * log(where(x > 0, x, 1)), 0); }, {0, 1}),
      ElementsAre(0, 1));
  for (auto f : {+[](const Tensor& x) { return log_sum_exp(x) * 1; },
                 +[](const Tensor& x) { return softmax(x) * Tensor{1, 0}; }}) {
    EXPECT_TRUE(std::isnan(slopes(f, {-kInfinity, -kInfinity})[0]));
  }
}

TEST(Conventions, TiesOfHalfPrecisionShareByACountThatItDoesNotHold) {
  auto largest = [](const Tensor& x) { return max(x); };
  EXPECT_NEAR(grad(largest)(ones({70000}, DType::f16)).item(69999), 1.0 / 70000, 1e-7);
  EXPECT_NEAR(grad(largest)(ones({300}, DType::bf16)).item(0), 1.0 / 300, 2e-5);
}

/// Values by mpmath; the derivatives are logistic(a - b) and logistic(b - a).
TEST(Conventions, LogAddExpKeepsTheDigitsOfTheSmallerAndDifferentiatesAtInfinity) {
  auto f = [](const Tensor& a, const Tensor& b) { return sum(log_add_exp(a, b)); };
  EXPECT_NEAR(f(-20.0, 0.0).item(), 2.0611536181902037e-9, 1e-15);
  EXPECT_NEAR(f(0.0, -20.0).item(), 2.0611536181902037e-9, 1e-15);
  EXPECT_EQ(f(INFINITY, INFINITY).item(), INFINITY);
  EXPECT_EQ(f(-INFINITY, -INFINITY).item(), -INFINITY);
  const Tensor a{0.0, INFINITY, -INFINITY, -2.0}, b{0.0, 0.0, 0.0, 1.0};
  auto [by_a, by_b] = grad<0, 1>(f)(a, b);
  const double small = 0.04742587317756678;
  const std::vector<double> wanted{0.5, 1, 0, small};
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(by_a.item(i), wanted[static_cast<size_t>(i)], 1e-7) << i;
    EXPECT_NEAR(by_b.item(i), 1 - wanted[static_cast<size_t>(i)], 1e-7) << i;
  }
  auto second = grad([&](const Tensor& x) { return sum(grad<0>(f)(x, Tensor(0.0))); });
  EXPECT_NEAR(second(Tensor(0.0)).item(), 0.25, 1e-7);
}

TEST(Conventions, NanToNumAndEluInHalfPrecisionHaveTheSlopesOfPyTorch) {
  const Tensor x = Tensor{65504.0, 1.0, -65504.0}.cast(DType::f16);
  EXPECT_EQ(grad([](const Tensor& t) { return sum(nan_to_num(t)); })(x).literal(),
            ones({3}, DType::f16).literal());
  const Tensor far = Tensor{-INFINITY, -104.0, -6.0}.cast(DType::bf16);
  auto slope_of_elu = grad([](const Tensor& t) { return sum(elu(t)); })(far);
  auto slope_of_selu = grad([](const Tensor& t) { return sum(selu(t)); })(far);
  EXPECT_EQ(slope_of_elu.item(0), 0);
  EXPECT_EQ(slope_of_selu.item(1), 0);
  EXPECT_NEAR(slope_of_elu.item(2), 0.00247875, 1e-5);
  EXPECT_NEAR(slope_of_selu.item(2), 0.00435784, 2e-5);
}

/// As in NumPy and PyTorch (tests/reference/torch_conventions.py).
TEST(Empty, ReductionsOfNothing) {
  Tensor x = zeros({0, 3});
  EXPECT_TRUE(std::isnan(mean(x).item()));
  EXPECT_TRUE(std::isnan(variance(x).item()));
  EXPECT_TRUE(std::isnan(standard_deviation(x).item()));
  EXPECT_EQ(sum(x).item(), 0);
  EXPECT_EQ(prod(x).item(), 1);
  EXPECT_EQ(norm(x).item(), 0);
  EXPECT_EQ(max(x, {1}).shape(), (Shape{0}));
  EXPECT_TRUE(values_of(grad([](const Tensor& x) { return norm(x); })(x)).empty());
  for (auto f : {+[](const Tensor& x) { return max(x); }, +[](const Tensor& x) { return min(x); },
                 +[](const Tensor& x) { return argmax(x, 0); },
                 +[](const Tensor& x) { return argmax(x); }}) {
    try {
      f(x);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("is empty"));
    }
  }
}

TEST(Reductions, NameTheOpThatHasAResultForNothing) {
  try {
    max(zeros({0}));
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("hint: ops::reduce_max gives"));
  }
}

TEST(Norm, ScalesAlongAnAxisByItself) {
  Tensor x = Tensor({{3e30, 4e30}, {3e-30, 4e-30}, {3.0, 4.0}});
  EXPECT_THAT(values_of(norm(x, {-1})),
              testing::Pointwise(testing::FloatEq(), {5e30f, 5e-30f, 5.0f}));
  EXPECT_EQ(norm(x, {-1}, true).shape(), (Shape{3, 1}));
  EXPECT_EQ(standard_deviation(Tensor{1, 3}).dtype(), DType::f32);
  EXPECT_EQ(standard_deviation(Tensor{1, 3}.cast(DType::i32)).dtype(), DType::f32);
}

}  // namespace
}  // namespace tenon
