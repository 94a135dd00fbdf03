// Quantiles and interpolation against NumPy (tests/golden/numpy.txt), and what NumPy does not do.
#include "tests/tensor/values.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/random.h"
#include "tenon/tensor/transforms.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct GoldenCall {
  std::string name;
  std::vector<std::vector<double>> lists;
};

std::vector<GoldenCall> golden_calls() {
  std::vector<GoldenCall> calls;
  std::ifstream file("tests/golden/numpy.txt");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    GoldenCall& call = calls.emplace_back();
    words >> call.name;
    for (size_t count; words >> count;) {
      std::vector<double>& list = call.lists.emplace_back(count);
      for (double& number : list) {
        std::string word;
        words >> word;
        number = std::strtod(word.c_str(), nullptr);
      }
    }
  }
  return calls;
}

Tensor of(const std::vector<double>& values) {
  return Tensor::of<double>(values, {static_cast<int64_t>(values.size())});
}

void expect_close(const Tensor& actual, const std::vector<double>& wanted, double tolerance) {
  std::vector<double> got = values_of(actual);
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(wanted[i]) || std::isinf(wanted[i])) {
      EXPECT_TRUE(got[i] == wanted[i] || (std::isnan(got[i]) && std::isnan(wanted[i])))
          << i << ": " << got[i] << " for " << wanted[i];
    } else {
      EXPECT_NEAR(got[i], wanted[i], tolerance * std::max(1.0, std::abs(wanted[i]))) << i;
    }
  }
}

const std::map<std::string, Between> kMethods = {{"quantile_linear", Between::linear},
                                                 {"quantile_lower", Between::lower},
                                                 {"quantile_higher", Between::higher},
                                                 {"quantile_nearest", Between::nearest},
                                                 {"quantile_midpoint", Between::midpoint}};

Tensor called(const GoldenCall& call, DType dtype) {
  auto list = [&](size_t i) { return of(call.lists[i]).cast(dtype); };
  if (call.name == "median") return median(list(0)).reshape({1});
  if (call.name == "interpolate") return interpolate(list(0), list(1), list(2));
  if (call.name == "interpolate_bounded") return interpolate(list(0), list(1), list(2), -1.5, 2.5);
  return quantile(list(0), call.lists[1], {}, false, kMethods.at(call.name));
}

TEST(NumPyGolden, QuantilesAndInterpolation) {
  std::vector<GoldenCall> calls = golden_calls();
  ASSERT_GT(calls.size(), 40U);
  for (const GoldenCall& call : calls) {
    SCOPED_TRACE(call.name);
    expect_close(called(call, DType::f64), call.lists.back(), 1e-14);
    expect_close(called(call, DType::f32), call.lists.back(), 1e-6);
  }
}

TEST(Quantile, TakesAxesAndKeepsThem) {
  Tensor x = random::normal(random::key(1), {3, 4, 5});
  Tensor flat = transpose(x, {1, 0, 2}).reshape({4, 15});
  for (Between between : {Between::linear, Between::higher}) {
    EXPECT_EQ(values_of(quantile(x, 0.3, {0, 2}, false, between)),
              values_of(quantile(flat, 0.3, {1}, false, between)));
  }
  EXPECT_EQ(quantile(x, 0.3, {0, -1}, true).type().to_string(), "f32[1,4,1]");
  EXPECT_EQ(quantile(x, {0.3, 0.5}, {1}).type().to_string(), "f32[2,3,5]");
  EXPECT_EQ(median(x.cast(DType::bf16)).type().to_string(), "bf16[]");
  EXPECT_THAT(values_of(median(Tensor::of<int32_t>({4, 1, 3, 2}, {4}))), ElementsAre(2.5));
  EXPECT_THAT(error_of([&] { quantile(x, 1.5); }), HasSubstr("quantile: 1.5 is not in [0, 1]"));
  EXPECT_THAT(error_of([&] { quantile(x, kNaN); }), HasSubstr("not in [0, 1]"));
  EXPECT_TRUE(std::isnan(median(zeros({0})).item()));
  EXPECT_THAT(values_of(median(Tensor{{1, kNaN, 2}, {3, 1, 2}}, {1})),
              ElementsAre(testing::IsNan(), 2));
}

/// JAX gives the same: the derivative goes to the elements that are taken, the first of equal ones.
TEST(Quantile, Differentiates) {
  Tensor x{1, 3, 2, 2, 5, 2};
  EXPECT_THAT(values_of(grad([](Tensor t) { return median(t); })(x)),
              ElementsAre(0, 0, 0, 0.5, 0, 0.5));
  EXPECT_THAT(values_of(grad([](Tensor t) { return quantile(t, 0.3); })(x)),
              ElementsAre(0, 0, 0.5, 0.5, 0, 0));
  EXPECT_THAT(values_of(vmap([](Tensor t) { return median(t); })(Tensor{{1, 2, 6}, {9, 8, 1}})),
              ElementsAre(2, 8));
}

TEST(Quantile, OfSizesThatAreSymbols) {
  auto middle = jit([](Tensor t) { return quantile(t, {0.25, 0.5}, {0}); });
  for (int64_t n : {4, 5, 6, 9, 30}) {
    Tensor x = random::normal(random::key(2), {n, 3});
    EXPECT_EQ(values_of(middle(x)), values_of(quantile(x, {0.25, 0.5}, {0}))) << n;
  }
}

TEST(Interpolate, DifferentiatesAndBatches) {
  Tensor xs{1, 2, 4}, ys{10, 20, 0};
  auto f = [&](Tensor x) { return sum(interpolate(x, xs, ys)); };
  EXPECT_THAT(values_of(grad(f)(Tensor{0, 1, 1.5, 2, 3, 4, 5})),
              ElementsAre(0, 10, 10, -10, -10, -10, 0));
  auto of_points = [&](Tensor y) { return sum(interpolate(Tensor{1.25, 3, 7}, xs, y)); };
  EXPECT_THAT(values_of(grad(of_points)(ys)), ElementsAre(0.75, 0.75, 1.5));
  Tensor tables = stack({ys, ys * 2});
  Tensor each = vmap([&](Tensor y) { return interpolate(Tensor{1.5, 3}, xs, y); })(tables);
  EXPECT_THAT(values_of(each), ElementsAre(15, 10, 30, 20));
  Tensor places =
      vmap([&](Tensor x) { return interpolate(Tensor(3.0), x, ys); })(stack({xs, xs + 1}));
  EXPECT_THAT(values_of(places), ElementsAre(10, 20));
  auto any_size = jit([](Tensor x, Tensor a, Tensor b) { return interpolate(x, a, b); });
  for (int64_t n : {2, 3, 5, 8}) {
    Tensor points = arange(n).cast(DType::f32);
    EXPECT_THAT(values_of(any_size(Tensor{0.5, 0.75}, points, points * 2)), ElementsAre(1, 1.5));
  }
  EXPECT_EQ(interpolate(Tensor{1.5}, xs, ys).dtype(), DType::f32);
  EXPECT_EQ(
      interpolate(Tensor{1.5}.cast(DType::f16), xs.cast(DType::f16), ys.cast(DType::f16)).dtype(),
      DType::f16);
  EXPECT_THAT(error_of([&] { interpolate(xs, xs, Tensor{1, 2}); }),
              HasSubstr("interpolate: xs f32[3] and ys f32[2] are not vectors of one size"));
}

/// Where a difference overflows, the last point is twice there, or an end is infinite: the limit.
TEST(Interpolate, GivesTheLimitWhereItsFormulaBreaks) {
  struct Line {
    std::vector<double> xs, ys, x, wanted;
  };
  const double inf = INFINITY;
  for (DType dtype : {DType::f64, DType::f32, DType::bf16, DType::f16}) {
    const double most = dtype == DType::f64 ? 0x1p1023 : dtype == DType::f16 ? 0x1p15 : 0x1p127;
    const Line lines[] = {
        {{-most, most}, {0, 8}, {-most, 0, most / 2, most}, {0, 4, 6, 8}},
        {{-most, most, most * 1.5},
         {-most, most, 0},
         {0, most / 2, most * 1.25},
         {0, most / 2, most / 2}},
        {{-most, 0, most}, {1, 2, 4}, {-inf, -most / 2, most / 2, inf}, {1, 1.5, 3, 4}},
        {{1, 2, 2}, {10, 20, 30}, {1.5, 2, 2.5}, {15, 30, 30}},
        {{1, 1, 2}, {10, 20, 30}, {0.5, 1, 1.5}, {10, 20, 25}},
        {{2, 2}, {10, 20}, {1, 2, 3}, {10, 20, 20}},
        {{0, inf}, {1, 5}, {0, 7, most, inf}, {1, 1, 1, 5}},
        {{-inf, 0}, {1, 5}, {-inf, -7, 0, 3}, {1, 5, 5, 5}},
        {{-inf, inf}, {1, 5}, {-inf, inf}, {1, 5}},
    };
    for (const Line& line : lines) {
      auto tensor = [&](const std::vector<double>& values) {
        return Tensor::of(values, {static_cast<int64_t>(values.size())}).cast(dtype);
      };
      Tensor got = interpolate(tensor(line.x), tensor(line.xs), tensor(line.ys));
      EXPECT_EQ(values_of(got), values_of(tensor(line.wanted)))
          << name_of(dtype) << " " << got.to_string();
      auto total = [](Tensor x, Tensor xs, Tensor ys) { return sum(interpolate(x, xs, ys)); };
      auto [by_x, by_xs, by_ys] =
          grad<0, 1, 2>(total)(tensor(line.x), tensor(line.xs), tensor(line.ys));
      EXPECT_EQ(sum(is_nan(by_x)).item() + sum(is_nan(by_xs)).item() + sum(is_nan(by_ys)).item(), 0)
          << name_of(dtype) << by_x.to_string() << by_xs.to_string() << by_ys.to_string();
    }
  }
  EXPECT_TRUE(std::isnan(interpolate(Tensor{0}, Tensor{-inf, inf}, Tensor{1, 5}).item()));
  EXPECT_TRUE(std::isnan(interpolate(Tensor{kNaN}, Tensor{0, 1}, Tensor{1, 5}).item()));
}

/// y[1] - y[0] is beyond all numbers, the slope is not.
TEST(Interpolate, HasTheSlopeOfSteepLines) {
  for (DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    const double most = dtype == DType::f64 ? 0x1p1023 : 0x1p127;
    auto tensor = [&](const std::vector<double>& values) {
      return Tensor::of(values, {static_cast<int64_t>(values.size())}).cast(dtype);
    };
    auto total = [](Tensor x, Tensor xs, Tensor ys) { return sum(interpolate(x, xs, ys)); };
    const Tensor xs = tensor({0, 8, 16}), ys = tensor({-most, most, 0});
    auto [by_x, by_xs, by_ys] = grad<0, 1, 2>(total)(tensor({2, 12, 20, -1}), xs, ys);
    EXPECT_EQ(values_of(by_x), values_of(tensor({most / 4, -most / 8, 0, 0})));
    EXPECT_EQ(values_of(by_xs), values_of(tensor({-most / 16 * 3, 0, most / 16})));
    EXPECT_EQ(values_of(by_ys), values_of(tensor({0.75 + 1, 0.25 + 0.5, 0.5 + 1})));
    auto slope = [&](Tensor y) { return sum(grad<0>(total)(tensor({2}), xs, y)); };
    EXPECT_EQ(values_of(grad(slope)(ys)), values_of(tensor({-0.125, 0.125, 0})));
    // Where the distance of the xs is beyond all numbers, too.
    auto far = grad<0>(total)(tensor({0}), tensor({-most, most}), tensor({-most, most}));
    EXPECT_EQ(values_of(far), values_of(tensor({1})));
  }
}

TEST(SearchSorted, PromotesAndBatches) {
  EXPECT_THAT(values_of(searchsorted(Tensor{1, 2, 2, 3}, Tensor{0, 2, 4})), ElementsAre(0, 1, 4));
  EXPECT_THAT(values_of(searchsorted(Tensor{1, 2, 2, 3}, Tensor{0, 2, 4}, true)),
              ElementsAre(0, 3, 4));
  EXPECT_THAT(values_of(searchsorted(Tensor::of<int32_t>({1, 3}, {2}), Tensor{1.5})),
              ElementsAre(1));
  Tensor lines{{1, 2, 3}, {4, 5, 6}};
  auto place = [](Tensor line, Tensor x) { return searchsorted(line, x); };
  EXPECT_THAT(values_of(vmap(place)(lines, Tensor{3, 4.5})), ElementsAre(2, 1));
  EXPECT_THAT(error_of([&] { searchsorted(lines, Tensor{1}); }), HasSubstr("is not a vector"));
}

}  // namespace
}  // namespace tenon
