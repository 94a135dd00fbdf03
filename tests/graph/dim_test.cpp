#include "tenon/graph/dim.h"

#include <gtest/gtest.h>

#include <random>

#include "tenon/base/error.h"
#include "tenon/graph/type.h"
#include "tests/support.h"

namespace tenon {
namespace {

TEST(Dim, EqualExpressionsAreEqual) {
  Dim n = Dim::symbol("n");
  Dim m = Dim::symbol("m");
  EXPECT_EQ((n + 1) * (m + 2), m * n + 2 * n + m + 2);
  EXPECT_EQ(n - n, Dim(0));
  EXPECT_NE(n, m);
  EXPECT_TRUE((n - n + 3).is(3));
}

TEST(Dim, DividesExactlyOrNotAtAll) {
  Dim n = Dim::symbol("n");
  Dim m = Dim::symbol("m");
  EXPECT_EQ((n * m * 12).divided_by(m * 4), n * 3);
  EXPECT_EQ((n * n + n * 2).divided_by(n), n + 2);
  EXPECT_EQ((n * 3 + 1).divided_by(3), std::nullopt);
  EXPECT_EQ(n.divided_by(m), std::nullopt);
  EXPECT_EQ(Dim(12).divided_by(5), std::nullopt);
}

TEST(Dim, FloorDivisionKeepsWholeParts) {
  Dim n = Dim::symbol("n");
  EXPECT_EQ(Dim::floor_div(n * 4 + 6, 2), n * 2 + 3);
  Dim odd = Dim::floor_div(n - 1, 2);
  EXPECT_EQ(odd.to_string(), "floor(n+1,2)-1");
  EXPECT_EQ(odd.evaluate({{"n", 8}}), 3);
  EXPECT_EQ(odd.evaluate({{"n", 0}}), -1);
  EXPECT_TRUE(Dim::floor_div(Dim(-3), 2).is(-2));
}

TEST(Dim, PrintsAndParsesBack) {
  for (const char* text : {"0", "-7", "n", "64*batch+1", "-n+3", "a*b*2-c", "floor(n+1,2)-1",
                           "floor(floor(h+1,2)+1,2)*w"}) {
    Dim dim = Dim::parse(text);
    EXPECT_EQ(Dim::parse(dim.to_string()), dim) << text;
  }
  EXPECT_THROW(Dim::parse("3+"), Error);
  EXPECT_THROW(Dim::parse("floor(n,0)"), Error);
  EXPECT_THROW(Dim::parse("99999999999999999999"), Error);
}

TEST(Dim, SubstitutesAndBounds) {
  Dim n = Dim::symbol("n");
  Dim tokens = n * 64 - Dim::symbol("skip");
  EXPECT_EQ(tokens.substitute({{"n", Dim(2)}, {"skip", Dim(1)}}), Dim(127));
  EXPECT_EQ(tokens.range({{"n", {1, 8}}, {"skip", {3, 5}}}), (DimRange{59, 509}));
  EXPECT_EQ(tokens.range({}), (DimRange{}));
  EXPECT_EQ((n * Dim::symbol("m") + 3).range({}), (DimRange{3, std::nullopt}));
  // Below zero the floor goes down.
  Dim half = Dim::floor_div(n * -1, 2);
  EXPECT_EQ(half.range({{"n", {0, 5}}}), (DimRange{-3, 0}));
  EXPECT_EQ((half * n).range({{"n", {0, 5}}}), (DimRange{-15, 0}));
  EXPECT_EQ((half * n).range({}), (DimRange{}));
}

TEST(Type, PrintsAndParsesBack) {
  for (const char* text : {"f32[]", "i64[3]", "bf16[batch,28,floor(h+1,2)]", "bool[0]"}) {
    EXPECT_EQ(Type::parse(text).to_string(), text);
  }
  EXPECT_THROW(Type::parse("f33[2]"), Error);
  EXPECT_THROW(Type::parse("f32[2"), Error);
  Error error = thrown_by([] { Type::parse("float32[3]"); });
  EXPECT_EQ(error.code(), ErrorCode::parse);
  EXPECT_EQ(error.notes(), std::vector<std::string>{"did you mean 'f32'?"});
  EXPECT_THROW(Type::parse("f32[-2]"), Error);
}

TEST(Dim, WhatExceeds64BitsIsAnError) {
  Dim big(int64_t{1} << 62), n = Dim::symbol("n");
  EXPECT_THROW(big * 2, Error);
  EXPECT_THROW(big + big, Error);
  EXPECT_THROW(n * big * 2, Error);
  EXPECT_THROW((n * big).evaluate({{"n", 2}}), Error);
}

/// A polynomial and its value for n = 2, m = 3 with all the digits that it needs.
__extension__ using Wide = __int128;
struct Extreme {
  Dim dim;
  Wide value;
};

Extreme random_dim(std::mt19937& random) {
  constexpr int64_t kNumbers[] = {
      INT64_MIN,     INT64_MIN + 1, INT64_MIN / 2, -3,       -1, 0, 1, 2, 7,
      INT64_MAX / 3, INT64_MAX / 2, INT64_MAX - 1, INT64_MAX};
  auto number = [&] { return kNumbers[random() % std::size(kNumbers)]; };
  int64_t a = number(), b = number(), c = number();
  Dim dim = Dim(a) * Dim::symbol("n") + Dim(b) * Dim::symbol("m") + c;
  return {dim, Wide{a} * 2 + Wide{b} * 3 + c};
}

/// What it gives where it gives something: an error says that a number is too large.
template <class F>
std::optional<Dim> fitting(F f) {
  try {
    return f();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_range) << error.what();
    return std::nullopt;
  }
}

TEST(Dim, ExtremeNumbersAreExactOrAnError) {
  std::mt19937 random(1);
  const SymbolValues values{{"n", 2}, {"m", 3}};
  int fit = 0;
  auto check = [&](const std::optional<Dim>& dim, Wide value, const std::string& what) {
    if (!dim) return;
    EXPECT_EQ(Dim::parse(dim->to_string()), *dim) << what;
    dim->range({{"n", {2, 2}}, {"m", {3, 3}}});
    std::optional<Dim> number = fitting([&] { return Dim(dim->evaluate(values)); });
    if (!number) return;
    ++fit;
    EXPECT_TRUE(Wide{number->constant()} == value) << what << " " << dim->to_string();
    EXPECT_EQ(
        fitting([&] { return dim->substitute({{"n", Dim(2)}, {"m", Dim(3)}}); }).value_or(*number),
        *number);
  };
  for (int i = 0; i < 3000; ++i) {
    std::optional<Extreme> x, y;
    if (!fitting([&] { return (x = random_dim(random))->dim; }) ||
        !fitting([&] { return (y = random_dim(random))->dim; }))
      continue;
    check(x->dim, x->value, "itself");
    check(fitting([&] { return x->dim + y->dim; }), x->value + y->value, "+");
    check(fitting([&] { return x->dim - y->dim; }), x->value - y->value, "-");
    check(fitting([&] { return x->dim * Dim(-1); }), -x->value, "*");
    Wide product = 0;
    if (!__builtin_mul_overflow(x->value, y->value, &product))
      check(fitting([&] { return x->dim * y->dim; }), product, "*");
    for (int64_t divisor : {int64_t{1}, int64_t{3}, INT64_MAX}) {
      Wide floor = x->value / divisor - (x->value % divisor < 0 ? 1 : 0);
      check(fitting([&] { return Dim::floor_div(x->dim, divisor); }), floor, "floor");
    }
    for (const Dim& divisor : {Dim(-1), Dim(0), Dim(INT64_MIN), Dim(3), y->dim}) {
      std::optional<Dim> quotient;
      fitting([&] { return (quotient = x->dim.divided_by(divisor)).value_or(0); });
      if (quotient)
        fitting([&] {
          EXPECT_EQ(*quotient * divisor, x->dim);
          return Dim(0);
        });
    }
  }
  EXPECT_GT(fit, 1000);
  EXPECT_EQ(Dim::parse("-9223372036854775808*n-9223372036854775808").to_string(),
            "-9223372036854775808*n-9223372036854775808");
  EXPECT_THROW(Dim::parse("9223372036854775808"), Error);
  EXPECT_THROW(Dim::floor_div(Dim::symbol("n"), 0), Error);
  EXPECT_THROW(Dim::floor_div(Dim::symbol("n"), -2), Error);
}

}  // namespace
}  // namespace tenon
