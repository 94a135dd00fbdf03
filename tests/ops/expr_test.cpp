#include "tenon/ops/expr.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tenon {
namespace {

TEST(Expr, SharesEqualNodes) {
  ExprPool pool;
  const Expr x = pool.argument(DType::f32, 0), y = pool.argument(DType::f32, 1);
  EXPECT_TRUE((x + y).same_as(y + x));
  EXPECT_FALSE((x - y).same_as(y - x));
}

TEST(Expr, FoldsConstants) {
  ExprPool pool;
  const Expr three = pool.constant(DType::f32, 3.0);
  EXPECT_EQ((three * 2.0 + 1.0).as_double(), 7.0);
  EXPECT_EQ(sqrt(pool.constant(DType::f64, 2.0)).as_double(), std::sqrt(2.0));
  EXPECT_EQ(floor_div(pool.index(-7), pool.index(2)).as_integer(), -4);
  EXPECT_EQ(floor_mod(pool.index(-7), pool.index(2)).as_integer(), 1);
  EXPECT_EQ(floor_div(pool.index(7), pool.index(0)).as_integer(), 0);
  EXPECT_EQ(cast(pool.constant(DType::f32, 1e20), DType::i32).as_integer(),
            std::numeric_limits<int32_t>::max());
  EXPECT_EQ(cast(pool.constant(DType::f32, std::nan("")), DType::i32).as_integer(), 0);
  EXPECT_EQ(shift_right_logical(pool.integer(DType::i32, -1), 28).as_integer(), 15);
}

TEST(Expr, DropsNeutralElements) {
  ExprPool pool;
  const Expr x = pool.argument(DType::f32, 0);
  EXPECT_TRUE((x + 0.0).same_as(x));
  EXPECT_TRUE((x * 1.0).same_as(x));
  EXPECT_TRUE((-(-x)).same_as(x));
  EXPECT_TRUE(select(pool.integer(DType::boolean, 1), x, x * 2.0).same_as(x));
  EXPECT_EQ(to_string(x / 4.0), "a0*0.25");
}

TEST(Expr, PrintsWithFewParentheses) {
  ExprPool pool;
  const Expr x = pool.argument(DType::f32, 0);
  EXPECT_EQ(to_string(select(x > 0.0, x, 0.125 * x)), "select(0.0 < a0, a0, a0*0.125)");
  const Expr sum = x + 1.0, difference = x - 2.0;
  EXPECT_EQ(to_string(sum * difference), "(a0 + 1.0)*(a0 - 2.0)");
}

TEST(Expr, MinAndMaxKeepNaN) {
  ExprPool pool;
  const Expr x = pool.argument(DType::f32, 0), y = pool.argument(DType::f32, 1);
  const double nan = std::nan("");
  EXPECT_TRUE(std::isnan(evaluate(max(x, y), std::vector{nan, 1.0})));
  EXPECT_TRUE(std::isnan(evaluate(max(x, y), std::vector{1.0, nan})));
  EXPECT_TRUE(std::isnan(evaluate(min(x, 0.0), std::vector{nan})));
}

TEST(Expr, SubstitutesArguments) {
  ExprPool pool;
  const Expr x = pool.argument(DType::f32, 0);
  ExprPool target;
  const Expr a = target.argument(DType::f32, 7);
  const Expr arguments[] = {a * 2.0};
  EXPECT_EQ(to_string(substitute_arguments(x * x + 1.0, arguments)), "a7*2.0*(a7*2.0) + 1.0");
}

class IndexExpr : public ::testing::Test {
 protected:
  ExprPool pool;
  Expr n = pool.symbol("n");
  Expr i = pool.loop_index("i", n);
  Expr j = pool.loop_index("j", pool.index(8));
};

TEST_F(IndexExpr, SumsHaveOneForm) {
  EXPECT_TRUE(((i + j) * 8 + 3).same_as(8 * j + 3 + i * 8));
  EXPECT_EQ((i - i).as_integer(), 0);
}

TEST_F(IndexExpr, QuotientsFollowFromRanges) {
  const Expr eight = pool.index(8);
  EXPECT_TRUE(floor_div(i * 8 + j, eight).same_as(i));
  EXPECT_TRUE(floor_mod(i * 8 + j, eight).same_as(j));
  EXPECT_TRUE(floor_div(i * 16 + j, eight).same_as(i * 2));
  const Expr k = pool.loop_index("k", pool.index(4));
  EXPECT_TRUE(floor_div((i * 8 + j) * 4 + k, pool.index(32)).same_as(i));
  EXPECT_TRUE(floor_mod((j * n + i), n).same_as(i));
  EXPECT_TRUE(floor_div((j * n + i), n).same_as(j));
  // Nothing is known here.
  EXPECT_EQ(to_string(floor_div(i, eight)), "i/8");
}

TEST_F(IndexExpr, QuotientsOfQuotientsAreOneWhereTheProductFits) {
  const auto twice = [&](int64_t first, int64_t second) {
    return to_string(floor_div(floor_div(i, pool.index(first)), pool.index(second)));
  };
  EXPECT_EQ(twice(3, 5), "i/15");
  EXPECT_EQ(twice(int64_t{1} << 32, (int64_t{1} << 31) - 1), "i/9223372032559808512");
  // 2^63 is the smallest number of 64 bits, 2^64 is 0.
  EXPECT_EQ(twice(int64_t{1} << 33, int64_t{1} << 30), "i/8589934592/1073741824");
  EXPECT_EQ(twice(int64_t{1} << 33, int64_t{1} << 31), "i/8589934592/2147483648");
}

TEST_F(IndexExpr, QuotientAndRestJoinAgain) {
  const Expr c = pool.index(5);
  EXPECT_TRUE((floor_div(i, c) * 5 + floor_mod(i, c)).same_as(i));
  const Expr back = (floor_div(i, c) * 5 + floor_mod(i, c)) * 8 + j;
  EXPECT_TRUE(back.same_as(i * 8 + j));
}

TEST_F(IndexExpr, ComparisonsFollowFromRanges) {
  EXPECT_EQ((i < n).as_integer(), 1);
  EXPECT_EQ((j <= 7.0).as_integer(), 1);
  EXPECT_EQ((j < 0.0).as_integer(), 0);
  EXPECT_FALSE((i < 4.0).is_constant());
  EXPECT_TRUE(min(j, pool.index(7)).same_as(j));
}

TEST_F(IndexExpr, CoefficientsOfAffineExpressions) {
  EXPECT_EQ(coefficient(i * 8 + j, i)->as_integer(), 8);
  EXPECT_EQ(coefficient(i * 8 + j, j)->as_integer(), 1);
  EXPECT_TRUE(coefficient(j * n + i, j)->same_as(n));
  EXPECT_FALSE(coefficient(floor_div(i, pool.index(3)), i).has_value());
  EXPECT_FALSE(coefficient(i * i, i).has_value());
}

TEST_F(IndexExpr, TensorArithmeticIsNotRearranged) {
  const Expr a = pool.argument(DType::i64, 0);
  // a*8 may wrap around, so this is not a.
  EXPECT_EQ(to_string(floor_div(a * 8, pool.index(8))), "a0*8/8");
}

TEST(Expr, StorageTypesAreNotComputedWith) {
  ExprPool pool;
  const Expr h = pool.argument(DType::bf16, 0);
  EXPECT_THROW(h + h, std::exception);
  EXPECT_EQ(cast(cast(h, DType::f32), DType::bf16).id(), h.id());
}

TEST(Expr, ProductsThatAreSquaredAgainAndAgainStaySmall) {
  ExprPool pool;
  Expr x = pool.argument(DType::i64, 0);
  for (int i = 0; i < 40; ++i) x = x * x + 1.0;
  EXPECT_LT(pool.size(), 1000u);
}

}  // namespace
}  // namespace tenon
