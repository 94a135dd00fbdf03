#include "tenon/ops/math_expand.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <random>

#include "tenon/compile/codegen/codegen.h"

namespace tenon {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Runs an expansion over arrays, as a compiled kernel would.
class Function {
 public:
  Function(DType dtype, const std::function<Expr(Expr, Expr)>& expand) {
    Kernel k("function");
    ExprPool& p = k.pool();
    const Expr n = p.symbol("n");
    const uint32_t a = k.add_buffer({.name = "a", .dtype = dtype, .size = n});
    const uint32_t b = k.add_buffer({.name = "b", .dtype = dtype, .size = n});
    const uint32_t y =
        k.add_buffer({.name = "y", .dtype = dtype, .size = n, .role = BufferRole::output});
    const Expr i = p.loop_index("i", n);
    k.body = {
        parallel_loop(i, LoopKind::vector, {store(y, i, expand(k.load(a, i), k.load(b, i)))})};
    CodeGeneratorOptions options;
    options.cache_directory.clear();
    generator_ = make_code_generator(options);
    kernel_ = generator_->compile(std::span(&k, 1))[0];
  }

  template <typename T>
  std::vector<T> operator()(const std::vector<T>& a, const std::vector<T>& b) const {
    std::vector<T> y(a.size());
    void* buffers[] = {const_cast<T*>(a.data()), const_cast<T*>(b.data()), y.data()};
    const auto n = static_cast<int64_t>(a.size());
    kernel_->run(buffers, &n, 0, n);
    return y;
  }

 private:
  std::unique_ptr<CodeGenerator> generator_;
  std::shared_ptr<const CompiledKernel> kernel_;
};

/// In units of the last place of the exact value rounded to T.
template <typename T, typename Wide>
double ulp_error(T value, Wide exact) {
  const T rounded = static_cast<T>(exact);
  if (std::isnan(rounded)) return std::isnan(value) ? 0.0 : 1e30;
  if (std::isinf(rounded) || std::isinf(value)) {
    if (value == rounded) return 0.0;
    // Just at the limit either may be right.
    const T largest = std::numeric_limits<T>::max();
    const bool near = std::fabs(exact) > Wide(largest) * (1 - Wide(1e-6)) &&
                      std::fabs(value) >= largest * (T(1) - T(1e-6));
    return near && std::signbit(value) == std::signbit(rounded) ? 0.0 : 1e30;
  }
  const int exponent = std::max(std::ilogb(rounded == 0 ? std::numeric_limits<T>::min() : rounded),
                                std::numeric_limits<T>::min_exponent - 1);
  const Wide ulp = std::ldexp(Wide(1), exponent - std::numeric_limits<T>::digits + 1);
  return static_cast<double>(std::fabs(Wide(value) - exact) / ulp);
}

struct Case {
  const char* name;
  Expr (*expand)(Expr);
  double (*exact)(double);
  long double (*exact_wide)(long double);
  double ulp_single;
  double ulp_double;
  double low = -1e308;  // where f64 is tested
  double high = 1e308;
  double tiny = 0;  // smaller results are not held to the bound
};

double logistic_exact(double x) { return 1.0 / (1.0 + std::exp(-x)); }
long double logistic_wide(long double x) { return 1.0L / (1.0L + std::exp(-x)); }
double softplus_exact(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}
long double softplus_wide(long double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}
double rsqrt_exact(double x) { return 1.0 / std::sqrt(x); }
long double rsqrt_wide(long double x) { return 1.0L / std::sqrt(x); }

long double normal_cdf_wide(long double x) {
  return std::erfc(-x / std::numbers::sqrt2_v<long double>) / 2;
}
double normal_cdf_exact(double x) { return static_cast<double>(normal_cdf_wide(x)); }

#define EXACT(f)                                \
  [](double x) -> double { return std::f(x); }, \
      [](long double x) -> long double { return std::f(x); }

const Case kCases[] = {
    {"exp", exp, EXACT(exp), 1, 2},
    {"exp2", exp2, EXACT(exp2), 2, 2},
    {"expm1", expm1, EXACT(expm1), 2, 3},
    {"log", log, EXACT(log), 1, 2, 0},
    {"log2", log2, EXACT(log2), 2, 3, 0},
    {"log10", log10, EXACT(log10), 2, 3, 0},
    {"log1p", log1p, EXACT(log1p), 2, 3, -1},
    {"sin", sin, EXACT(sin), 2, 2},
    {"cos", cos, EXACT(cos), 2, 2},
    {"tan", tan, EXACT(tan), 4, 5},
    {"asin", asin, EXACT(asin), 3, 4, -1, 1},
    {"acos", acos, EXACT(acos), 3, 4, -1, 1},
    {"atan", atan, EXACT(atan), 3, 3},
    {"sinh", sinh, EXACT(sinh), 3, 4},
    {"cosh", cosh, EXACT(cosh), 2, 3},
    {"tanh", tanh, EXACT(tanh), 3, 4},
    {"asinh", asinh, EXACT(asinh), 4, 5},
    {"acosh", acosh, EXACT(acosh), 3, 4, 1},
    {"atanh", atanh, EXACT(atanh), 4, 5, -1, 1},
    {"logistic", logistic, logistic_exact, logistic_wide, 3, 4, -1e308, 1e308, 2e-38},
    {"softplus", softplus, softplus_exact, softplus_wide, 3, 4, -1e308, 1e308, 2e-38},
    {"erf", erf, EXACT(erf), 2, 4},
    {"normal_cdf", normal_cdf, normal_cdf_exact, normal_cdf_wide, 5, 7, -1e308, 1e308, 1e-38},
    {"rsqrt", rsqrt, rsqrt_exact, rsqrt_wide, 2, 2, 0},
    {"cbrt", cbrt, EXACT(cbrt), 1, 3},
};

class MathExpand : public ::testing::TestWithParam<Case> {};

TEST_P(MathExpand, SinglePrecisionStaysWithinItsBound) {
  const Case& c = GetParam();
  const Function f(DType::f32, [&](Expr x, Expr) { return c.expand(x); });
  std::vector<float> x;
  // Every 4099th of all bit patterns, and the neighbourhoods of what is special.
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 4099)
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (const float center : {0.0f, 1.0f, 0.5f, 2.0f, 0.9375f, 1.5707964f, 3.1415927f, 88.72284f,
                             87.33655f, 103.97f, 104.0f, 128.0f, 149.0f, 89.4f, 32768.0f}) {
    for (uint32_t offset = 0; offset < 1000; ++offset) {
      const uint32_t bits = std::bit_cast<uint32_t>(center);
      for (const uint32_t near : {bits + offset, bits - offset}) {
        x.push_back(std::bit_cast<float>(near));
        x.push_back(-std::bit_cast<float>(near));
      }
    }
  }
  x.insert(x.end(), {kInfinity, -kInfinity, std::nanf("")});
  const auto y = f(x, x);
  double worst = 0;
  float worst_at = 0, worst_value = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = c.exact(static_cast<double>(x[i]));
    if (std::fabs(exact) < c.tiny && std::fabs(static_cast<double>(y[i])) < 2 * c.tiny) continue;
    const double error = ulp_error(y[i], exact);
    if (error > worst) {
      worst = error;
      worst_at = x[i];
      worst_value = y[i];
    }
  }
  EXPECT_LE(worst, c.ulp_single) << c.name << "(" << worst_at << ") gave " << worst_value
                                 << ", not " << c.exact(static_cast<double>(worst_at));
  RecordProperty("ulp", std::to_string(worst));
}

TEST_P(MathExpand, DoublePrecisionStaysWithinItsBound) {
  const Case& c = GetParam();
  const Function f(DType::f64, [&](Expr x, Expr) { return c.expand(x); });
  std::mt19937_64 random(5);
  std::vector<double> x = {0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 710.0, -745.0, 1e-320,
                           // Of all f64 the nearest to a multiple of pi/2.
                           0x1.6ac5b262ca1ffp+849};
  for (int i = 0; i < 100000; ++i) {
    x.push_back(std::uniform_real_distribution(-4.0, 4.0)(random));
    x.push_back(std::exp(std::uniform_real_distribution(-60.0, 60.0)(random)));
    x.push_back(-std::exp(std::uniform_real_distribution(-30.0, 7.0)(random)));
    x.push_back(std::bit_cast<double>(random()));
  }
  std::erase_if(x, [&](double v) { return !(v >= c.low && v <= c.high); });
  const auto y = f(x, x);
  double worst = 0, worst_at = 0, worst_value = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const long double exact = c.exact_wide(static_cast<long double>(x[i]));
    if (std::fabs(exact) < 2.3e-308L || std::fabs(exact) < static_cast<long double>(c.tiny))
      continue;
    const double error = ulp_error(y[i], exact);
    if (error > worst) {
      worst = error;
      worst_at = x[i];
      worst_value = y[i];
    }
  }
  EXPECT_LE(worst, c.ulp_double) << c.name << "(" << worst_at << ") gave " << worst_value
                                 << ", not " << c.exact(worst_at);
  RecordProperty("ulp", std::to_string(worst));
}

INSTANTIATE_TEST_SUITE_P(All, MathExpand, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(MathExpand, PowInSinglePrecision) {
  const Function f(DType::f32, [](Expr x, Expr y) { return pow(x, y); });
  std::mt19937 random(9);
  std::vector<float> x, y;
  const float special[] = {0.0f,          -0.0f, 1.0f,    -1.0f,       2.0f,       -2.0f,
                           3.0f,          -3.0f, 0.5f,    -0.5f,       kInfinity,  -kInfinity,
                           std::nanf(""), 1e30f, -1e-30f, 16777216.0f, 16777217.0f};
  for (const float a : special) {
    for (const float b : special) {
      x.push_back(a);
      y.push_back(b);
    }
  }
  for (int i = 0; i < 300000; ++i) {
    x.push_back(std::exp(std::uniform_real_distribution(-20.0f, 20.0f)(random)));
    y.push_back(std::uniform_real_distribution(-5.0f, 5.0f)(random));
    x.push_back(std::uniform_real_distribution(-10.0f, 10.0f)(random));
    y.push_back(static_cast<float>(static_cast<int>(random() % 41) - 20));
  }
  const auto result = f(x, y);
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = std::pow(static_cast<double>(x[i]), static_cast<double>(y[i]));
    ASSERT_LE(ulp_error(result[i], exact), 1.0)
        << x[i] << " ^ " << y[i] << " gave " << result[i] << ", not " << exact;
  }
}

TEST(MathExpand, Atan2InAllQuadrants) {
  const Function single(DType::f32, [](Expr y, Expr x) { return atan2(y, x); });
  const Function wide(DType::f64, [](Expr y, Expr x) { return atan2(y, x); });
  std::mt19937 random(9);
  std::vector<double> y, x;
  const double infinity = std::numeric_limits<double>::infinity();
  const double special[] = {0.0, -0.0, 1.0, -1.0, infinity, -infinity, std::nan("")};
  for (const double a : special) {
    for (const double b : special) {
      y.push_back(a);
      x.push_back(b);
    }
  }
  std::normal_distribution<double> normal;
  for (int i = 0; i < 200000; ++i) {
    y.push_back(static_cast<double>(static_cast<float>(normal(random))));
    x.push_back(
        static_cast<double>(static_cast<float>(normal(random) * std::exp(3 * normal(random)))));
  }
  const auto narrow = [](const std::vector<double>& v) {
    return std::vector<float>(v.begin(), v.end());
  };
  const auto a = single(narrow(y), narrow(x));
  const auto b = wide(y, x);
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_LE(ulp_error(a[i], std::atan2(y[i], x[i])), 4.0)
        << y[i] << ", " << x[i] << " gave " << a[i];
    ASSERT_LE(
        ulp_error(b[i], std::atan2(static_cast<long double>(y[i]), static_cast<long double>(x[i]))),
        4.0)
        << y[i] << ", " << x[i] << " gave " << b[i];
  }
}

TEST(MathExpand, ErfInvInvertsErf) {
  const Function single(DType::f32, [](Expr x, Expr) { return erf_inv(x); });
  const Function wide(DType::f64, [](Expr x, Expr) { return erf_inv(x); });
  std::vector<float> x = {0.0f, 1.0f, -1.0f, 1.5f, std::nanf("")};
  for (float v = -0.99999f; v < 1.0f; v += 1.7e-5f) x.push_back(v);
  for (int i = 1; i < 24; ++i) x.push_back(1.0f - std::ldexp(1.0f, -i));
  const auto y = single(x, x);
  const std::vector<double> wide_x(x.begin(), x.end());
  const auto wide_y = wide(wide_x, wide_x);
  EXPECT_EQ(y[1], kInfinity);
  EXPECT_EQ(y[2], -kInfinity);
  EXPECT_TRUE(std::isnan(y[3]) && std::isnan(y[4]) && std::isnan(wide_y[3]) &&
              std::isnan(wide_y[4]));
  for (size_t i = 5; i < x.size(); ++i) {
    const long double v = wide_y[i];
    const long double miss = std::erf(v) - static_cast<long double>(x[i]);
    ASSERT_LE(std::fabs(miss), 4e-16L) << x[i];
    // Newton's correction makes the double result exact enough to judge the other by.
    const long double correction = miss / (std::exp(-v * v) * 1.1283791670955125739L);
    ASSERT_LE(ulp_error(y[i], static_cast<double>(v - correction)), 4.0) << x[i];
  }
}

TEST(MathExpand, LogisticReachesZero) {
  const Function f(DType::f32, [](Expr x, Expr) { return logistic(x); });
  const std::vector<float> x = {-88.0f, -1e38f, -kInfinity, std::nanf("")};
  const auto y = f(x, x);
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[1], 0);
  EXPECT_EQ(y[2], 0);
  EXPECT_TRUE(std::isnan(y[3]));
}

TEST(MathExpand, RemainderHasTheSignOfTheDivisor) {
  ExprPool pool;
  const Expr r = remainder(pool.argument(DType::f32, 0), pool.argument(DType::f32, 1));
  EXPECT_EQ(evaluate(r, std::vector{7.0, 3.0}), 1.0);
  EXPECT_EQ(evaluate(r, std::vector{-7.0, 3.0}), 2.0);
  EXPECT_EQ(evaluate(r, std::vector{7.0, -3.0}), -2.0);
  EXPECT_EQ(evaluate(r, std::vector{6.0, 3.0}), 0.0);
  EXPECT_EQ(evaluate(r, std::vector{0.25, 1.0}), 0.25);
}

TEST(MathExpand, RoundAwayAndSign) {
  ExprPool pool;
  const Expr x = pool.argument(DType::f32, 0);
  EXPECT_EQ(evaluate(round_away(x), std::vector{2.5}), 3.0);
  EXPECT_EQ(evaluate(round_away(x), std::vector{-2.5}), -3.0);
  EXPECT_EQ(evaluate(round_away(x), std::vector{-2.4}), -2.0);
  EXPECT_EQ(evaluate(sign(x), std::vector{-0.5}), -1.0);
  EXPECT_EQ(evaluate(sign(x), std::vector{0.0}), 0.0);
}

}  // namespace
}  // namespace tenon
