#include "tenon/nn/lbfgs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tenon/nn/losses.h"
#include "tenon/tensor/numpy.h"
#include "tests/support.h"

namespace tenon::nn {
namespace {

using ::testing::HasSubstr;

/// Rosenbrock's valley in so many dimensions, least at 1, 1 ….
Tensor valley(const Tensor& x) {
  Tensor next = x.slice(0, 1), now = x.slice(0, 0, -1);
  return sum(square(next - square(now)) * 100.0 + square(now - 1));
}

TEST(Lbfgs, FollowsACurvedValleyToItsEnd) {
  for (int64_t size : {2, 5, 30}) {
    Tensor start = full({size}, -1.2, DType::f64);
    auto [x, report] = lbfgs(valley, start, {.iterations = 300});
    EXPECT_TRUE(report.converged) << report.reason;
    EXPECT_LT(report.loss, 1e-8);
    EXPECT_NEAR(x.item(0), 1, 1e-3);
    EXPECT_LE(report.evaluations, 375);
  }
}

struct Line {
  Tensor slope, offset;
};

TEST(Lbfgs, FitsAnAggregate) {
  Tensor x = Tensor{{0, 1}, {1, 0}, {2, 5}, {-1, 3}}, y{1, 4, 2, -7};
  auto loss = [&](const Line& line) {
    return nn::mean_squared_error(matmul(x, line.slope) + line.offset, y);
  };
  auto [line, report] = lbfgs(loss, Line{zeros({2}), zeros({})});
  EXPECT_TRUE(report.converged);
  // The normal equations' residual.
  Tensor residual = matmul(x, line.slope) + line.offset - y;
  for (double part : matmul(x.T(), residual).to_vector<double>()) EXPECT_NEAR(part, 0, 1e-4);
  EXPECT_NEAR(sum(residual).item(), 0, 1e-4);
}

TEST(Lbfgs, AStartThatIsTheMinimumTakesNoStep) {
  auto [x, report] = lbfgs([](const Tensor& at) { return sum(square(at)); }, zeros({3}));
  EXPECT_EQ(report.iterations, 0);
  EXPECT_TRUE(report.converged);
  EXPECT_EQ(report.reason, "the gradient is at most 1e-07");
}

TEST(Lbfgs, StepsBackFromWhereTheLossIsNotFinite) {
  // The first steps leave the domain of the logarithm.
  auto barrier = [](const Tensor& at) { return sum(at * 50.0 - log(at)); };
  auto [x, report] = lbfgs(barrier, full({2}, 3.0, DType::f64), {.learning_rate = 100});
  EXPECT_TRUE(report.converged) << report.reason;
  EXPECT_NEAR(x.item(0), 1.0 / 50, 1e-5);
}

TEST(Lbfgs, NamesWhatIsWrong) {
  auto loss = [](const Tensor& at) { return sum(log(at)); };
  EXPECT_THAT(error_of([&] { lbfgs(loss, full({2}, -1.0)); }), HasSubstr("the loss is"));
  EXPECT_THAT(error_of([&] { lbfgs(loss, ones({2}), {.iterations = 0}); }),
              HasSubstr("0 iterations"));
  EXPECT_THAT(error_of([&] { lbfgs(loss, ones({2}), {.learning_rate = -1}); }),
              HasSubstr("a learning rate of -1"));
}

}  // namespace
}  // namespace tenon::nn
