// Sums of many terms: of f16 and bf16 as if they were added up exactly and rounded once, of f32 and
// f64 without an error that grows with their number.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tenon/base/parallel.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/op_functions.h"
#include "tenon/tensor/random.h"
#include "tenon/tensor/transforms.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using Function = std::function<Tensor(Tensor)>;

/// Numbers (1 + i mod `period`) / 64, which every floating dtype holds.
Tensor sixtyfourths(int64_t count, int64_t period, DType dtype) {
  Tensor index = arange(count, DType::f64);
  return ((index - floor(index / static_cast<double>(period)) * static_cast<double>(period) + 1) /
          64)
      .cast(dtype);
}

/// How far from the exact result a result of a dtype may be: one and a half units in the last place
/// of the smallest number of its binade.
double allowed(DType dtype, double exact) {
  return 1.5 * std::abs(exact) * (dtype == DType::bf16 ? 0x1p-7 : 0x1p-10);
}

/// f of halves against f of the same numbers in f64.
void expect_rounded_once(const std::string& name, const Function& f, const Tensor& x) {
  for (DType dtype : {DType::bf16, DType::f16}) {
    SCOPED_TRACE(fmt::format("{} in {}", name, name_of(dtype)));
    Tensor got = f(x.cast(dtype));
    ASSERT_EQ(got.dtype(), dtype);
    std::vector<double> rough = values_of(got), exact = values_of(f(x.cast(DType::f64)));
    ASSERT_EQ(rough.size(), exact.size());
    for (size_t i = 0; i < exact.size(); ++i)
      ASSERT_NEAR(rough[i], exact[i], allowed(dtype, exact[i])) << i << " of " << exact.size();
  }
}

void expect_sum(const std::string& name, int64_t count, const Function& f, const Tensor& x) {
  expect_rounded_once(fmt::format("{} of {}", name, count), f, x);
}
void expect_gradient(const std::string& name, int64_t count, const Function& f, const Tensor& x) {
  expect_rounded_once(
      fmt::format("gradient of {} of {}", name, count), [&](Tensor at) { return grad(f)(at); }, x);
}

class HalfSums : public testing::TestWithParam<int64_t> {
 protected:
  int64_t n() const { return GetParam(); }
  Tensor terms() const { return sixtyfourths(n(), 5, DType::f64); }
  /// As many as there are terms, for the dtype of x.
  Tensor weights(const Tensor& x) const { return sixtyfourths(n(), 7, x.dtype()); }
  Tensor places(int64_t count) const { return (arange(n()) * 7).cast(DType::i64) % count; }
};

TEST_P(HalfSums, Reductions) {
  expect_sum("sum", n(), [](Tensor x) { return sum(x); }, terms());
  expect_sum("mean", n(), [](Tensor x) { return mean(x); }, terms() * 32);
  expect_sum("dot", n(), [&](Tensor x) { return dot(x, weights(x)); }, terms());
  expect_sum("norm", n(), [](Tensor x) { return norm(x); }, terms());
  expect_gradient(
      "broadcast", n(), [&](Tensor x) { return sum(broadcast_to(x, {n()}) * weights(x)); },
      Tensor(0.5));
  expect_gradient("max", n(), [](Tensor x) { return max(x); }, full({n()}, 0.25, DType::f64));
}

TEST_P(HalfSums, ScattersAndLookUps) {
  expect_sum(
      "scatter", n(), [&](Tensor x) { return ops::scatter(zeros({4}, x.dtype()), places(3), x); },
      terms());
  expect_sum(
      "scatter of rows", n(),
      [&](Tensor x) {
        Tensor rows = stack({x, x * 2, x}, 1);
        return ops::scatter(zeros({4, 3}, x.dtype()), places(3), rows);
      },
      terms());
  expect_sum(
      "scatter into a large table", n(),
      [&](Tensor x) {
        Tensor table = zeros({8 * n()}, x.dtype());
        return ops::scatter(table, places(2) * (4 * n()), x).slice(0, 0, n() * 8, 4 * n());
      },
      terms());
  expect_gradient(
      "embedding", n(),
      [&](Tensor table) {
        return sum(embedding(table, places(2)) * expand_dims(weights(table), 1));
      },
      full({2, 3}, 0.5, DType::f64));
  expect_gradient(
      "take_along_axis", n(),
      [&](Tensor x) { return sum(take_along_axis(x, places(2), 0) * weights(x)); },
      full({2}, 0.5, DType::f64));
  expect_gradient(
      "scatter max", n(),
      [&](Tensor x) { return sum(ops::scatter(zeros({2}, x.dtype()), places(2), x, 0, 0, "max")); },
      full({n()}, 0.5, DType::f64));
}

TEST_P(HalfSums, CumulativeOnes) {
  expect_sum("cumsum", n(), [](Tensor x) { return cumsum(x, 0); }, terms());
  expect_gradient("cumsum", n(), [&](Tensor x) { return sum(cumsum(x, 0) / 64); }, terms() / 64);
  expect_gradient(
      "cumprod", n(), [](Tensor x) { return sum(cumprod(x, 0) / 64); }, ones({n()}, DType::f64));
  expect_sum(
      "recurrence", n(), [&](Tensor x) { return ops::linear_recurrence(ones_like(x), x, 0); },
      terms());
  expect_gradient(
      "recurrence", n(),
      [&](Tensor x) { return sum(ops::linear_recurrence(ones_like(x), x, 0) / 64); }, terms());
}

TEST_P(HalfSums, Collectives) {
  auto over_participants = [](Function f) {
    return [f](Tensor x) { return vmap(f, {.axis_name = "data"})(x); };
  };
  expect_sum("all_reduce", n(), over_participants([](Tensor x) { return all_reduce(x, "data"); }),
             terms());
  expect_sum(
      "all_reduce of the same", n(),
      [&](Tensor x) {
        return vmap([&](Tensor y) { return all_reduce(x, "data") + 0 * y; },
                    {.axis_name = "data"})(zeros({n()}, x.dtype()))
            .slice(0, 0, 1);
      },
      Tensor(1.0 / 64));
  expect_gradient(
      "all_reduce", n(),
      [&](Tensor x) {
        return sum(
            vmap([](Tensor y) { return all_reduce(y, "data", "mean"); }, {.axis_name = "data"})(x) /
            64);
      },
      terms());
  expect_gradient(
      "all_reduce max", n(),
      [&](Tensor x) {
        return vmap([](Tensor y) { return all_reduce(y, "data", "max"); },
                    {.out = none, .axis_name = "data"})(x);
      },
      full({n()}, 0.25, DType::f64));
}

TEST_P(HalfSums, Windows) {
  expect_sum(
      "average pool", n(), [&](Tensor x) { return average_pool(x.reshape({1, n(), 1}), {n()}); },
      terms());
  expect_sum(
      "global average pool", n(),
      [&](Tensor x) { return global_average_pool(x.reshape({1, n(), 1})); }, terms());
}

TEST_P(HalfSums, Steps) {
  auto loss = [&](Tensor w) {
    auto body = [&](Tensor carry, Tensor x) { return std::pair{carry, w * x}; };
    return sum(scan(body, zeros({}, w.dtype()), weights(w)).second / 4);
  };
  expect_gradient("use in every step", n(), loss, Tensor(0.5));
}

INSTANTIATE_TEST_SUITE_P(Counts, HalfSums, testing::Values(1000, 100000));

// Graphs, and not arrays, that are large.

TEST(HalfSum, OfTheDerivativesOfManyUses) {
  constexpr int64_t kUses = 400;
  expect_gradient(
      "use", kUses,
      [](Tensor x) {
        Tensor total = zeros({}, DType::f32);
        for (int64_t i = 0; i < kUses; ++i)
          total = total + (x * (static_cast<double>(1 + i % 7) / 64)).cast(DType::f32);
        return total.cast(x.dtype());
      },
      Tensor(0.5));
  expect_gradient(
      "slice", kUses,
      [](Tensor x) {
        Tensor total = zeros({1}, DType::f32);
        for (int64_t i = 0; i < kUses; ++i)
          total = total + (x.slice(0, i % 2, i % 2 + 1) / 64).cast(DType::f32);
        return sum(total).cast(x.dtype());
      },
      full({3}, 0.5, DType::f64));
}

TEST(HalfSum, OfOverlappingWindows) {
  expect_gradient(
      "average pool", 300,
      [](Tensor x) { return sum(average_pool(x.reshape({1, 600, 1}), {300}, {1})); },
      sixtyfourths(600, 5, DType::f64));
  expect_gradient(
      "pad", 600, [](Tensor x) { return sum(pad(x, {{300, 300}}, x.slice(0, 0, 1).reshape({}))); },
      sixtyfourths(600, 5, DType::f64));
}

TEST(HalfSum, AThousandLookUpsOfOneRow) {
  Tensor gradient = grad([](Tensor table) {
    return sum(embedding(table, zeros({1000}, DType::i32)));
  })(ones({1, 1}, DType::bf16));
  EXPECT_EQ(gradient.item(), 1000);
}

TEST(LongSum, OfTwentyMillionOnes) {
  constexpr int64_t kCount = 20'000'000;
  Tensor running = cumsum(ones({kCount}), 0);
  EXPECT_EQ(running.item(-1), 2e7);
  EXPECT_EQ(running.item(16'777'216 - 1), 16'777'216);
  EXPECT_EQ(sum(ops::scatter(zeros({1}), zeros({kCount}, DType::i32), ones({kCount}))).item(), 2e7);
}

TEST(LongSum, OfTwentyMillionOnesInReductions) {
  constexpr int64_t kCount = 20'000'000;
  Tensor line = ones({kCount});
  EXPECT_EQ(sum(line).item(), 2e7);
  EXPECT_EQ(dot(line, line).item(), 2e7);
  EXPECT_EQ(sum(line.reshape({kCount, 1}), {0}).item(), 2e7);
  EXPECT_EQ(sum(ones({kCount, 2}), {0}).item(1), 2e7);
  EXPECT_EQ(matmul(ones({2, kCount}), line).item(1), 2e7);
  EXPECT_EQ(average_pool(line.reshape({1, kCount, 1}), {kCount}).item(), 1);
  EXPECT_EQ(norm(ones({4, kCount}), {1}).item(3), static_cast<float>(std::sqrt(2e7)));
}

/// Cut along the inner axis, in whatever order operands lie in memory, with a last block of its
/// own.
TEST(LongSum, OfProductsWithLongInnerAxes) {
  constexpr int64_t kInner = 2 * 262144 + 5;
  for (DType dtype : {DType::f32, DType::bf16}) {
    auto numbers = [&](uint64_t key, const Shape& shape) {
      return (random::uniform(random::key(key), shape) + 0.5).cast(dtype);
    };
    const Tensor a = numbers(1, {2, 3, kInner}), b = numbers(2, {2, kInner, 2});
    const Tensor c = numbers(3, {kInner, 3}), d = numbers(4, {2, kInner});
    auto check = [&](auto product, const Tensor& x, const Tensor& y) {
      const Tensor wanted = product(x.cast(DType::f64), y.cast(DType::f64));
      const Tensor got = product(x, y).cast(DType::f64);
      const double error = max(abs(got - wanted) / wanted).item();
      EXPECT_LT(error, dtype == DType::f32 ? 2e-6 : 8e-3) << name_of(dtype);
    };
    check([](const Tensor& x, const Tensor& y) { return matmul(x, y); }, a, b);
    check([](const Tensor& x, const Tensor& y) { return matmul(transpose(x), transpose(y)); }, c,
          d);
    check([](const Tensor& x, const Tensor& y) { return einsum("bik,bkj->jbi", {x, y}); }, a, b);
  }
}

/// Of tenths in f32, whose sum NumPy's float32 cumsum misses by a hundredth.
TEST(LongSum, StaysNearTheExactOne) {
  constexpr int64_t kCount = 3'000'000;
  for (DType dtype : {DType::f32, DType::f64}) {
    Tensor tenths = full({kCount}, 0.1, dtype);
    double tenth = dtype == DType::f32 ? static_cast<double>(0.1F) : 0.1;
    double exact = static_cast<double>(static_cast<long double>(tenth) * kCount);
    double epsilon = dtype == DType::f32 ? 0x1p-24 : 0x1p-45;
    EXPECT_NEAR(cumsum(tenths, 0).item(-1), exact, exact * epsilon);
    EXPECT_NEAR(ops::cumulative_sum(tenths, 0, true).item(0), exact, exact * epsilon);
    Tensor columns = cumsum(tenths.reshape({kCount / 3, 3}), 0);
    EXPECT_NEAR(columns.item(-1), exact / 3, exact * epsilon);
  }
}

TEST(LongSum, HasTheSameBitsOnAnyNumberOfThreads) {
  Tensor x = random::normal(random::key(1), {300'000}), places = (arange(300'000) * 7) % 1000;
  Tensor rows = random::normal(random::key(2), {3, 1'500'000}).eval();
  std::vector<std::vector<double>> results;
  for (int threads : {1, 2, 8}) {
    set_thread_count(threads);
    results.push_back(values_of(concatenate(
        {cumsum(x, 0), cumsum(x.reshape({3000, 100}), 0).reshape({-1}),
         ops::scatter(zeros({1000}), places, x), matmul(rows, transpose(rows)).reshape({-1})})));
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

}  // namespace
}  // namespace tenon
