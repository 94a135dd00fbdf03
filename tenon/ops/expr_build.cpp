// The operators and functions on Expr: thin, since ExprPool::make does the work.
#include "tenon/base/error.h"
#include "tenon/ops/expr.h"

namespace tenon {
namespace {

Expr unary(ExprOp op, Expr a) { return a.pool().make(op, a.dtype(), std::span(&a, 1)); }

Expr binary(ExprOp op, Expr a, Expr b) {
  const Expr operands[] = {a, b};
  return a.pool().make(op, a.dtype(), operands);
}

Expr ternary(ExprOp op, Expr a, Expr b, Expr c) {
  const Expr operands[] = {a, b, c};
  return a.pool().make(op, c.dtype(), operands);
}

Expr compare(ExprOp op, Expr a, Expr b) {
  const Expr operands[] = {a, b};
  return a.pool().make(op, DType::boolean, operands);
}

Expr like(Expr a, double value) { return a.pool().constant(a.dtype(), value); }

}  // namespace

Expr operator+(Expr a, Expr b) { return binary(ExprOp::add, a, b); }
Expr operator-(Expr a, Expr b) { return binary(ExprOp::sub, a, b); }
Expr operator*(Expr a, Expr b) { return binary(ExprOp::mul, a, b); }
Expr operator/(Expr a, Expr b) {
  check(is_floating(a.dtype()), "operator/ divides floating point; integers use floor_div");
  return binary(ExprOp::div, a, b);
}
Expr operator-(Expr a) { return unary(ExprOp::neg, a); }
Expr operator+(Expr a, double b) { return a + like(a, b); }
Expr operator-(Expr a, double b) { return a - like(a, b); }
Expr operator*(Expr a, double b) { return a * like(a, b); }
Expr operator/(Expr a, double b) { return a / like(a, b); }
Expr operator+(double a, Expr b) { return like(b, a) + b; }
Expr operator-(double a, Expr b) { return like(b, a) - b; }
Expr operator*(double a, Expr b) { return like(b, a) * b; }
Expr operator/(double a, Expr b) { return like(b, a) / b; }
Expr floor_div(Expr a, Expr b) { return binary(ExprOp::floor_div, a, b); }
Expr floor_mod(Expr a, Expr b) { return binary(ExprOp::floor_mod, a, b); }
Expr fma(Expr a, Expr b, Expr c) { return ternary(ExprOp::fma, a, b, c); }
Expr fma(Expr a, Expr b, double c) { return fma(a, b, like(a, c)); }
Expr fma(Expr a, double b, Expr c) { return fma(a, like(a, b), c); }
Expr fma(Expr a, double b, double c) { return fma(a, like(a, b), like(a, c)); }
Expr min(Expr a, Expr b) { return binary(ExprOp::min, a, b); }
Expr max(Expr a, Expr b) { return binary(ExprOp::max, a, b); }
Expr min(Expr a, double b) { return min(a, like(a, b)); }
Expr max(Expr a, double b) { return max(a, like(a, b)); }
Expr abs(Expr a) { return unary(ExprOp::abs, a); }
Expr sqrt(Expr a) { return unary(ExprOp::sqrt, a); }
Expr floor(Expr a) { return unary(ExprOp::floor, a); }
Expr ceil(Expr a) { return unary(ExprOp::ceil, a); }
Expr trunc(Expr a) { return unary(ExprOp::trunc, a); }
Expr round_even(Expr a) { return unary(ExprOp::round_even, a); }

Expr equal(Expr a, Expr b) { return compare(ExprOp::equal, a, b); }
Expr not_equal(Expr a, Expr b) { return compare(ExprOp::not_equal, a, b); }
Expr operator<(Expr a, Expr b) { return compare(ExprOp::less, a, b); }
Expr operator<=(Expr a, Expr b) { return compare(ExprOp::less_equal, a, b); }
Expr operator>(Expr a, Expr b) { return compare(ExprOp::less, b, a); }
Expr operator>=(Expr a, Expr b) { return compare(ExprOp::less_equal, b, a); }
Expr operator<(Expr a, double b) { return a < like(a, b); }
Expr operator<=(Expr a, double b) { return a <= like(a, b); }
Expr operator>(Expr a, double b) { return a > like(a, b); }
Expr operator>=(Expr a, double b) { return a >= like(a, b); }
Expr equal(Expr a, double b) { return equal(a, like(a, b)); }
Expr is_nan(Expr a) { return not_equal(a, a); }

Expr select(Expr condition, Expr a, Expr b) { return ternary(ExprOp::select, condition, a, b); }
Expr select(Expr condition, Expr a, double b) { return select(condition, a, like(a, b)); }
Expr select(Expr condition, double a, Expr b) { return select(condition, like(b, a), b); }
Expr guard(Expr condition, Expr a, Expr b) { return ternary(ExprOp::guard, condition, a, b); }
Expr rare(Expr condition, Expr a, Expr b) { return ternary(ExprOp::rare, condition, a, b); }

Expr operator&(Expr a, Expr b) { return binary(ExprOp::bit_and, a, b); }
Expr operator|(Expr a, Expr b) { return binary(ExprOp::bit_or, a, b); }
Expr operator^(Expr a, Expr b) { return binary(ExprOp::bit_xor, a, b); }
Expr operator~(Expr a) { return unary(ExprOp::bit_not, a); }
Expr operator!(Expr a) {
  check(a.dtype() == DType::boolean, "logical not takes a boolean");
  return unary(ExprOp::bit_not, a);
}
Expr shift_left(Expr a, Expr count) { return binary(ExprOp::shift_left, a, count); }
Expr shift_right(Expr a, Expr count) { return binary(ExprOp::shift_right, a, count); }
Expr shift_right_logical(Expr a, Expr count) {
  return binary(ExprOp::shift_right_logical, a, count);
}
Expr shift_left(Expr a, int count) { return shift_left(a, like(a, count)); }
Expr shift_right(Expr a, int count) { return shift_right(a, like(a, count)); }
Expr shift_right_logical(Expr a, int count) { return shift_right_logical(a, like(a, count)); }

Expr cast(Expr a, DType to) { return a.pool().make(ExprOp::cast, to, std::span(&a, 1)); }
Expr bitcast(Expr a, DType to) {
  check(size_of(a.dtype()) == size_of(to), "bitcast between types of one size");
  return a.pool().make(ExprOp::bitcast, to, std::span(&a, 1));
}

DType compute_type(DType dtype) {
  return dtype == DType::f16 || dtype == DType::bf16 ? DType::f32 : dtype;
}

}  // namespace tenon
