// Reductions, searches and rounding, each with every dtype; and what is close, as in mathematics.
#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <limits>

#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/op_functions.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr DType kAll[] = {DType::boolean, DType::u8,   DType::i8,  DType::i32, DType::i64,
                          DType::f16,     DType::bf16, DType::f32, DType::f64};

// What the results of a dtype have as theirs.
DType same(DType dtype) { return dtype; }
DType counted(DType dtype) { return dtype == DType::boolean ? DType::i32 : dtype; }
DType summed(DType dtype) { return is_floating(dtype) || dtype == DType::i64 ? dtype : DType::i32; }
DType real(DType dtype) { return is_floating(dtype) ? dtype : DType::f32; }
DType truth(DType) { return DType::boolean; }
DType position(DType) { return DType::i32; }
DType wide_position(DType) { return DType::i64; }

struct Case {
  const char* name;
  std::function<Tensor(const Tensor&)> f;
  DType (*result)(DType);
};

const std::vector<Case>& cases() {
  static const auto& list = *new std::vector<Case>{
      {"max", [](const Tensor& x) { return max(x); }, same},
      {"max of an axis", [](const Tensor& x) { return max(x, {1}, true); }, same},
      {"min", [](const Tensor& x) { return min(x, {0}); }, same},
      {"reduce_max", [](const Tensor& x) { return ops::reduce_max(x, {0}); }, same},
      {"reduce_min", [](const Tensor& x) { return ops::reduce_min(x, {0, 1}); }, same},
      {"sum", [](const Tensor& x) { return sum(x, {0}); }, summed},
      {"prod", [](const Tensor& x) { return prod(x, {1}); }, summed},
      {"reduce_sum", [](const Tensor& x) { return ops::reduce_sum(x, {1}); }, counted},
      {"reduce_product", [](const Tensor& x) { return ops::reduce_product(x, {1}); }, counted},
      {"cumsum", [](const Tensor& x) { return cumsum(x, 1); }, summed},
      {"cumprod", [](const Tensor& x) { return cumprod(x, 0); }, summed},
      {"cumulative_sum", [](const Tensor& x) { return ops::cumulative_sum(x, 0); }, counted},
      {"cumulative_product", [](const Tensor& x) { return ops::cumulative_product(x, 1); },
       counted},
      {"cumulative_max", [](const Tensor& x) { return ops::cumulative_max(x, 1); }, same},
      {"cumulative_min", [](const Tensor& x) { return ops::cumulative_min(x, 1, true); }, same},
      {"mean", [](const Tensor& x) { return mean(x, {0}); }, real},
      {"variance", [](const Tensor& x) { return variance(x, {1}); }, real},
      {"standard_deviation", [](const Tensor& x) { return standard_deviation(x, {1}); }, real},
      {"norm", [](const Tensor& x) { return norm(x, {0}); }, real},
      {"median", [](const Tensor& x) { return median(x, {1}); }, real},
      {"quantile", [](const Tensor& x) { return quantile(x, 0.25, {1}); }, real},
      {"all", [](const Tensor& x) { return all(x, {1}); }, truth},
      {"any", [](const Tensor& x) { return any(x, {1}); }, truth},
      {"argmax", [](const Tensor& x) { return argmax(x); }, position},
      {"argmax of an axis", [](const Tensor& x) { return argmax(x, 1); }, position},
      {"argmin", [](const Tensor& x) { return argmin(x); }, position},
      {"argmin of an axis", [](const Tensor& x) { return argmin(x, 0); }, position},
      {"sort", [](const Tensor& x) { return sort(x); }, same},
      {"sort descending", [](const Tensor& x) { return sort(x, 0, true); }, same},
      {"argsort", [](const Tensor& x) { return argsort(x, 1); }, position},
      {"top_k", [](const Tensor& x) { return top_k(x, 2)[0]; }, same},
      {"positions of top_k", [](const Tensor& x) { return top_k(x, 3)[1]; }, wide_position},
      {"searchsorted", [](const Tensor& x) { return searchsorted(sort(x.reshape({-1})), x, true); },
       position},
      {"is_close", [](const Tensor& x) { return is_close(x, x.transpose()); }, truth},
      {"floor", [](const Tensor& x) { return floor(x); }, counted},
      {"ceil", [](const Tensor& x) { return ceil(x); }, counted},
      {"round", [](const Tensor& x) { return round(x); }, counted},
      {"trunc", [](const Tensor& x) { return trunc(x); }, same},
  };
  return list;
}

/// Numbers that all dtypes hold: the results differ by their dtypes alone.
TEST(DTypes, OfReductionsSearchesAndRounding) {
  const Tensor wide = Tensor{{0, 1, 1}, {1, 0, 1}, {0, 0, 1}}.cast(DType::f64);
  for (const Case& c : cases()) {
    auto jitted = jit([&c](Tensor x) { return c.f(x); });
    const Tensor exact = c.f(wide);
    for (DType dtype : kAll) {
      SCOPED_TRACE(std::string(c.name) + " of " + std::string(name_of(dtype)));
      const Tensor x = wide.cast(dtype), wanted = exact.cast(c.result(dtype));
      Tensor got;
      ASSERT_NO_THROW(got = c.f(x).eval());
      EXPECT_EQ(got.literal(), wanted.literal());
      EXPECT_EQ(jitted(x).literal(), wanted.literal());
    }
  }
}

TEST(DTypes, RoundingKeepsIntegersAsTheyAre) {
  const Tensor x = Tensor::of<int64_t>({INT64_MAX, INT64_MIN, (int64_t{1} << 53) + 1, 0}, {4});
  for (auto f : {floor, ceil, round, trunc}) EXPECT_EQ(f(x).literal(), x.literal());
}

// --- what is close ---

const std::vector<std::pair<double, double>> kTolerances = {
    {0, 0}, {0, 0.5}, {0, 1}, {1e-5, 1e-8}, {0, 1e300}, {1.5, 0}, {0.3, 1e18}, {0, kInfinity}};

/// In 64 bits of mantissa, which hold differences of two i64.
bool close(long double a, long double b, double relative, double absolute) {
  if (a == b) return true;
  if (!std::isfinite(a) || !std::isfinite(b)) return false;
  return std::abs(a - b) <= static_cast<long double>(absolute) + relative * std::abs(b);
}

template <class T>
void expect_close_as_in_mathematics(const std::vector<T>& values, DType dtype) {
  const auto n = static_cast<int64_t>(values.size());
  const Tensor x = Tensor::of(values, {n, 1}).cast(dtype), y = x.reshape({n});
  for (const auto& [relative, absolute] : kTolerances) {
    auto f = [relative = relative, absolute = absolute](Tensor a, Tensor b) {
      return is_close(a, b, relative, absolute);
    };
    const Tensor eager = f(x, y), jitted = jit(f)(x, y);
    for (int64_t i = 0; i < n * n; ++i) {
      const auto element = [&](const Tensor& t, int64_t k) -> long double {
        return is_floating(dtype) ? static_cast<long double>(t.item(k))
                                  : static_cast<long double>(t.item_int(k));
      };
      const long double a = element(x, i / n), b = element(y, i % n);
      const double wanted = close(a, b, relative, absolute) ? 1 : 0;
      EXPECT_EQ(eager.item(i), wanted) << name_of(dtype) << " " << a << " " << b << " " << absolute;
      EXPECT_EQ(jitted.item(i), wanted) << name_of(dtype) << " " << a << " " << b;
    }
  }
}

TEST(IsClose, AsInMathematics) {
  const int64_t large = int64_t{1} << 53;
  const std::vector<int64_t> whole = {
      0,         1,      -1,        127,       -128,          large,        large + 1,
      large + 2, -large, INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1};
  expect_close_as_in_mathematics(whole, DType::i64);
  expect_close_as_in_mathematics<int64_t>({0, 1, INT32_MAX, INT32_MIN, INT32_MAX - 1}, DType::i32);
  expect_close_as_in_mathematics<int64_t>({0, 1, 254, 255}, DType::u8);
  expect_close_as_in_mathematics<int64_t>({0, 1}, DType::boolean);
  const std::vector<double> reals = {0,      -0.0,   1,     1.00390625, -1,
                                     65504,  3e38,   -3e38, 1.7e308,    -1.7e308,
                                     5e-324, 1e-310, NAN,   kInfinity,  -kInfinity};
  for (DType dtype : {DType::f64, DType::f32, DType::bf16, DType::f16})
    expect_close_as_in_mathematics(reals, dtype);
}

/// Known or not, a number is what was written, though the dtype of the tensor may lack it.
TEST(IsClose, ToNumbersThatTheDTypeLacks) {
  for (DType dtype : {DType::u8, DType::i64, DType::f16, DType::bf16, DType::f32, DType::f64}) {
    const Tensor x = Tensor{1, 100, 3}.cast(dtype);
    for (const auto& [relative, absolute] : kTolerances) {
      auto f = [relative = relative, absolute = absolute](Tensor a, Tensor b) {
        return std::pair{is_close(a, b, relative, absolute), is_close(b, a, relative, absolute)};
      };
      auto jitted = jit(f);
      auto expect_right = [&](auto number) {
        auto [eager, eager_back] = f(x, number);
        auto [traced, traced_back] = jitted(x, number);
        for (int64_t i = 0; i < 3; ++i) {
          const auto a = static_cast<long double>(x.item(i));
          const auto b = static_cast<long double>(number);
          EXPECT_EQ(eager.item(i), close(a, b, relative, absolute)) << name_of(dtype) << number;
          EXPECT_EQ(traced.item(i), close(a, b, relative, absolute)) << name_of(dtype) << number;
          EXPECT_EQ(eager_back.item(i), close(b, a, relative, absolute));
          EXPECT_EQ(traced_back.item(i), close(b, a, relative, absolute));
        }
      };
      for (double number : {1.0, 1.5, 1e6, -1e39, 1e300, kInfinity}) expect_right(number);
      for (int64_t number : {int64_t{3}, int64_t{300}, int64_t{1} << 40}) expect_right(number);
    }
  }
}

}  // namespace
}  // namespace tenon
