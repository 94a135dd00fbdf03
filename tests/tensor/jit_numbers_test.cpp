// C++ numbers among the arguments of jitted functions.
#include <gmock/gmock.h>

#include <thread>

#include "tenon/base/log.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/op_functions.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

TEST(JitNumbers, AChangingLearningRateIsOneCompilation) {
  auto step = jit([](Tensor w, Tensor g, Tensor rate) { return w - rate * g; });
  Tensor w = zeros({3}) + 0.0, g = ones({3});
  double sum = 0;
  for (int i = 0; i < 300; ++i) {
    const double rate = 1.0 / (1 + i);
    w = step(std::move(w), g, rate);
    sum += rate;
  }
  EXPECT_NEAR(w.item(0), -sum, 1e-5);
  EXPECT_EQ(step.compilations(), 1u);
}

TEST(JitNumbers, AnyParameterThatTakesATensorWillDo) {
  auto generic = jit([](const auto& x, const auto& a, auto b) { return x * a + b; });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(generic(Tensor{1, 2}, 0.5 * i, i).item(1), 2 * 0.5 * i + i);
  EXPECT_EQ(generic.compilations(), 1u);
  // The exponent is asked for as an int, and compiled in.
  auto mixed = jit([](Tensor x, int power, Tensor scale) {
    Tensor y = scale * 1.0;
    for (int i = 0; i < power; ++i) y = y * x;
    return y;
  });
  EXPECT_EQ(mixed(Tensor{3}, 2, 0.5).item(), 4.5);
  EXPECT_EQ(mixed(Tensor{3}, 2, 2.0).item(), 18);
  EXPECT_EQ(mixed(Tensor{3}, 3, 2.0).item(), 54);
  EXPECT_EQ(mixed.compilations(), 2u);
}

TEST(JitNumbers, StaticOnesAreCompiledIn) {
  auto f = jit([](Tensor x, auto times) {
    for (int i = 1; i < times; ++i) x = x * 2;
    return x;
  });
  for (int times : {1, 2, 3, 2, 1}) EXPECT_EQ(f(Tensor{1}, Static{times}).item(), 1 << (times - 1));
  EXPECT_EQ(f.compilations(), 3u);
  auto power = jit([](Tensor x, double scale) { return x * scale; });
  EXPECT_EQ(power(Tensor{1}, 2.0).item(), 2);
  EXPECT_EQ(power(Tensor{1}, Static{3.0}).item(), 3);
  EXPECT_EQ(power.compilations(), 2u);
}

/// What a program gives for a number that is jitted is what it gives for the number in C++.
template <class F, class Number>
void expect_as_in_cpp(F f, Number number) {
  for (DType dtype : {DType::f32, DType::f64, DType::bf16, DType::f16, DType::i32, DType::i64,
                      DType::u8, DType::boolean}) {
    Tensor x = Tensor{1, 0, 3}.cast(dtype);
    Tensor fast = jit(f)(x, number), eager = f(x, number);
    EXPECT_EQ(fast.dtype(), eager.dtype()) << name_of(dtype) << " " << number;
    EXPECT_EQ(fast.literal(), eager.literal()) << name_of(dtype) << " " << number;
  }
}

TEST(JitNumbers, GiveWayToTheDTypesTheyMeet) {
  auto all = [](auto number) {
    expect_as_in_cpp([](auto x, auto a) { return x * a; }, number);
    expect_as_in_cpp([](auto x, auto a) { return a + x; }, number);
    expect_as_in_cpp([](auto x, auto a) { return where(x > a, x, a); }, number);
    expect_as_in_cpp([](auto x, auto a) { return maximum(x, a); }, number);
  };
  all(2);
  all(int64_t{3});
  all(0.1);
  all(0.1f);
  all(true);
  // Arithmetic of numbers is in double, and a number again.
  auto fractions = [](double number) {
    expect_as_in_cpp([](auto x, auto a) { return x * (1 - a * 0.5); }, number);
    expect_as_in_cpp([](auto x, auto a) { return x / (a + 2) - a; }, number);
  };
  fractions(0.1);
  fractions(1e-9);
  expect_as_in_cpp([](auto x, auto a) { return x * (a * 2 + 1); }, 3);
}

/// As in eager code, where a number that the dtype does not hold is compared all the same.
TEST(JitNumbers, AreComparedWithIntegersThatDoNotHoldThem) {
  auto compare = [](const Tensor& x, const Tensor& n) {
    return std::vector<Tensor>{x < n, x <= n, x == n, x != n, n > x, n >= x};
  };
  auto jitted = jit(compare);
  for (DType dtype : {DType::u8, DType::i8, DType::i32, DType::i64}) {
    const Tensor x = Tensor{3, 4, 0, 1}.cast(dtype);
    auto expect_equal = [&](auto number) {
      std::vector<Tensor> wanted = compare(x, number), got = jitted(x, number);
      for (size_t i = 0; i < wanted.size(); ++i)
        EXPECT_EQ(got[i].literal(), wanted[i].literal()) << name_of(dtype) << i << " " << number;
    };
    for (int number : {-1, 3, 255, 256, 300, 16777217}) expect_equal(number);
    for (int64_t number : {int64_t{1} << 40, INT64_MAX, INT64_MIN, int64_t{4}})
      expect_equal(number);
    for (double number : {-1.5, 3.0, 3.5, 1e12, -1e300}) expect_equal(number);
  }
}

template <class T>
std::vector<Tensor> comparisons(const Tensor& x, const T& n) {
  return {x < n, x <= n, x == n, x != n, x > n, x >= n,
          n > x, n >= x, n == x, n != x, n < x, n <= x};
}

/// Known or not: 2^53 + 1 is above 2^53 and 2^63 above every i64, though in f64 they are equal; no
/// finite number is an infinity, though it becomes one in f16.
TEST(JitNumbers, AreComparedAsInMathematics) {
  const int64_t large = int64_t{1} << 53;
  const Tensor whole = Tensor::of<int64_t>(
      {0, 3, large, large + 1, large + 2, -large - 1, INT64_MAX, INT64_MAX - 1, INT64_MIN}, {9});
  const Tensor reals = Tensor{0, 3, -3, 65504, -65504, INFINITY, -INFINITY, NAN};
  for (DType dtype : {DType::i64, DType::i32, DType::u8, DType::f16, DType::bf16, DType::f32}) {
    const Tensor x = dtype == DType::i64 ? whole : reals.cast(dtype);
    auto jitted = jit([](Tensor x, Tensor n) { return comparisons(x, n); });
    auto expect_right = [&](auto number) {
      const auto n = static_cast<long double>(number);
      const std::vector<Tensor> eager = comparisons(x, Tensor(number)), traced = jitted(x, number);
      for (int64_t i = 0; i < x.dim(0).constant(); ++i) {
        const long double a = is_floating(dtype) ? static_cast<long double>(x.item(i))
                                                 : static_cast<long double>(x.item_int(i));
        const bool wanted[] = {a < n, a <= n, a == n, a != n, a > n, a >= n,
                               n > a, n >= a, n == a, n != a, n < a, n <= a};
        for (size_t k = 0; k < eager.size(); ++k) {
          EXPECT_EQ(eager[k].item(i), wanted[k]) << name_of(dtype) << k << " " << a << " " << n;
          EXPECT_EQ(traced[k].item(i), wanted[k]) << name_of(dtype) << k << " " << a << " " << n;
        }
      }
    };
    for (double number : {0.0, 3.0, -3.0, 0x1p53, -0x1p53, 0x1p63, -0x1p63, 1e300, -1e300,
                          double{INFINITY}, -double{INFINITY}, double{NAN}})
      expect_right(number);
    for (int number : {0, 3, 1000, -5}) expect_right(number);
    if (!is_floating(dtype)) {
      for (int64_t number : {large + 1, INT64_MAX, INT64_MIN}) expect_right(number);
      expect_right(0.5);
    }
  }
}

/// Known, they would be no bound, or an error.
TEST(JitNumbers, ThatIntegersDoNotHoldAreTheNearestThatTheyDo) {
  auto bounds = jit([](Tensor x, Tensor low, Tensor high) { return clip(x, low, high); });
  const Tensor x = Tensor{3, 4, 200}.cast(DType::u8);
  EXPECT_EQ(bounds(x, -5, 300).literal(), x.literal());
  EXPECT_EQ(bounds(x, 4, 300).literal(), (Tensor{4, 4, 200}.cast(DType::u8).literal()));
  const int64_t far = int64_t{1} << 40;
  EXPECT_EQ(bounds(x.cast(DType::i32), -far, far).literal(), x.cast(DType::i32).literal());
  auto shift = jit([](Tensor t, Tensor by) { return ops::shift_left(t, by); });
  for (int by : {256, 8, -1, -129})
    EXPECT_EQ(shift(x, by).literal(), zeros({3}, DType::u8).literal()) << by;
}

TEST(JitNumbers, HaveTheirOwnDTypeByThemselves) {
  auto type = [](auto number) { return jit([](auto a) { return a; })(number).type().to_string(); };
  EXPECT_EQ(type(0.5), "f32[]");
  EXPECT_EQ(type(0.5f), "f32[]");
  EXPECT_EQ(type(3), "i32[]");
  EXPECT_EQ(type(int64_t{1} << 40), "i64[]");
  EXPECT_EQ(type(true), "bool[]");
  auto digits = jit([](auto a) { return a.cast(DType::f64); });
  EXPECT_EQ(digits(0.1).item(), 0.1);
  auto dtype =
      jit([](auto x, auto a) { return x + Tensor(static_cast<int>(a.dtype() == DType::f32)); });
  EXPECT_EQ(dtype(Tensor{1}, 0.5).item(), 2);
}

TEST(JitNumbers, HaveDerivativesAndNest) {
  auto slope = jit([](Tensor x, Tensor a) {
    return grad<1>([](Tensor x, Tensor a) { return sum(x * a * a); })(x, a);
  });
  for (double a : {1.0, 2.0, 3.0}) EXPECT_EQ(slope(Tensor{1, 2}, a).item(), 6 * a);
  EXPECT_EQ(slope.compilations(), 1u);
  auto branches = jit([](Tensor x, Tensor a) {
    Tensor rows = vmap([&](Tensor row) { return row * a; })(x);
    Tensor chosen = cond(
        sum(x) > a, [&](Tensor x) { return x * a; }, [&](Tensor x) { return x - a * 2; }, rows);
    return scan([&](Tensor c, Tensor r) { return std::pair{c * a + r, c}; }, chosen[0], chosen);
  });
  for (double a : {0.5, 2.0, 100.0}) {
    Tensor x = Tensor{{1, 2}, {3, 4}}.cast(DType::bf16);
    auto [last, all] = branches(x, a);
    EXPECT_EQ(last.type().to_string(), "bf16[2]");
    const double sign = 10 > a ? a * a : a, shift = 10 > a ? 0 : 2 * a;
    auto at = [&](double value) { return value * sign - shift; };
    EXPECT_NEAR(last.item(0), (at(1) * a + at(1)) * a + at(3), 0.02 * std::abs(last.item(0)));
  }
  EXPECT_EQ(branches.compilations(), 1u);
  auto inner = jit([](Tensor x, Tensor a) { return x * a; });
  auto outer = jit([&](Tensor x) { return inner(x, 0.5) + inner(x, 2); });
  EXPECT_EQ(outer(Tensor{2}.cast(DType::bf16)).type().to_string(), "bf16[1]");
  EXPECT_EQ(outer(Tensor{2}).item(), 5);
}

struct Settings {
  Tensor x;
  double scale = 1;
};

/// The warnings that f logs.
template <class F>
std::vector<std::string> warnings_of(F f) {
  std::vector<std::string> lines;
  (Tensor{1} + 2).eval();  // what is said of the build is said before
  const LogLevel before = log_level();
  set_log_level(LogLevel::warning);
  set_log_sink([&](LogLevel, std::string_view text) { lines.emplace_back(text); });
  f();
  set_log_sink(nullptr);
  set_log_level(before);
  return lines;
}

TEST(JitNumbers, ManyCompilationsAreReportedOnceWithTheArgumentThatChanged) {
  auto by_number = warnings_of([] {
    auto f = jit([](Tensor x, double scale) { return x * scale; });
    for (int i = 0; i < 40; ++i) f(Tensor{1}, 0.5 * i);
  });
  ASSERT_THAT(by_number, SizeIs(1));
  EXPECT_THAT(by_number[0], HasSubstr("was compiled 16 times"));
  EXPECT_THAT(by_number[0], HasSubstr("argument 1 changed from 7.5 to 8"));
  auto by_structure = warnings_of([] {
    auto f = jit([](Settings s) { return s.x * s.scale; });
    for (int i = 0; i < 20; ++i) f(Settings{Tensor{1}, 0.5 * i});
  });
  ASSERT_THAT(by_structure, SizeIs(1));
  EXPECT_THAT(by_structure[0], HasSubstr("what argument 0 holds besides tensors changed"));
  auto by_size = warnings_of([] {
    auto f = jit([](Tensor x) { return x * static_cast<double>(x.dim(0).constant()); });
    for (int64_t n = 2; n < 30; ++n) f(ones({n}));
  });
  ASSERT_THAT(by_size, SizeIs(1));
  EXPECT_THAT(by_size[0], HasSubstr("argument '0' changed from f32[17] to f32[18]"));
  EXPECT_THAT(warnings_of([] {
                auto f = jit([](Tensor x, Tensor scale) { return x * scale; });
                for (int i = 0; i < 40; ++i) f(ones({2 + i}), 0.5 * i);
              }),
              SizeIs(0));
}

TEST(JitGrowth, VersionsAreDroppedThatWereNotUsedForLongest) {
  auto f = jit([](Tensor x, int times) { return x * times; }, {.max_versions = 3, .max_sizes = 8});
  for (int times = 0; times < 5; ++times) EXPECT_EQ(f(Tensor{2}, times).item(), 2 * times);
  JitStatistics first = f.statistics();
  EXPECT_EQ(first.compilations, 5u);
  EXPECT_EQ(first.versions, 3u);
  EXPECT_EQ(first.evictions, 2u);
  EXPECT_EQ(first.hits, 0u);
  f(Tensor{2}, 2);  // held, and now used last
  f(Tensor{2}, 7);
  EXPECT_EQ(f(Tensor{2}, 2).item(), 4);
  EXPECT_EQ(f.statistics().hits, 2u);
  EXPECT_EQ(f.compilations(), 6u);
  EXPECT_EQ(f(Tensor{2}, 0).item(), 0);  // was dropped
  EXPECT_EQ(f.compilations(), 7u);
}

TEST(JitGrowth, ManySizesOfOneVersionCompileNothing) {
  auto f = jit([](Tensor x) { return sum(x); }, {.max_sizes = 4});
  for (int round = 0; round < 2; ++round) {
    for (int64_t n = 2; n < 40; ++n) EXPECT_EQ(f(ones({n})).item(), n);
  }
  EXPECT_EQ(f.compilations(), 2u);
  EXPECT_EQ(f.statistics().versions, 2u);
}

TEST(JitGrowth, AVersionThatRunsElsewhereMayBeDropped) {
  auto f = jit([](Tensor x, int times) { return sum(x * times); }, {.max_versions = 2});
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        const int times = (i + static_cast<int>(t)) % 5;
        wrong[t] += f(ones({3}), times).item() != 3 * times;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, testing::Each(0));
  EXPECT_LE(f.statistics().versions, 3u);
  EXPECT_GT(f.statistics().evictions, 0u);
}

}  // namespace
}  // namespace tenon
