#include "tenon/ops/known_op.h"
#include "tenon/tensor/apply.h"
#include "tenon/tensor/tensor.h"

namespace tenon {

namespace {

bool is_whole(const Tensor& x) { return x.has_value() && !is_floating(x.dtype()); }

}  // namespace

Tensor operator+(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("add");
  return apply(op.get(), {a, b});
}
Tensor operator-(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("subtract");
  return apply(op.get(), {a, b});
}
Tensor operator*(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("multiply");
  return apply(op.get(), {a, b});
}
Tensor operator/(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("divide");
  if (is_whole(a) && is_whole(b)) return apply(op.get(), {a.cast(DType::f32), b.cast(DType::f32)});
  return apply(op.get(), {a, b});
}
Tensor operator%(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("remainder");
  return apply(op.get(), {a, b});
}
Tensor operator-(const Tensor& x) {
  static constinit KnownOp op("negate");
  return apply(op.get(), {x});
}

Tensor& operator+=(Tensor& a, const Tensor& b) { return a = a + b; }
Tensor& operator-=(Tensor& a, const Tensor& b) { return a = a - b; }
Tensor& operator*=(Tensor& a, const Tensor& b) { return a = a * b; }
Tensor& operator/=(Tensor& a, const Tensor& b) { return a = a / b; }

Tensor operator<(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("less");
  return apply(op.get(), {a, b});
}
Tensor operator<=(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("less_equal");
  return apply(op.get(), {a, b});
}
Tensor operator>(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("greater");
  return apply(op.get(), {a, b});
}
Tensor operator>=(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("greater_equal");
  return apply(op.get(), {a, b});
}
Tensor operator==(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("equal");
  return apply(op.get(), {a, b});
}
Tensor operator!=(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("not_equal");
  return apply(op.get(), {a, b});
}
Tensor operator&&(const Tensor& a, const Tensor& b) {
  return a.cast(DType::boolean) & b.cast(DType::boolean);
}
Tensor operator||(const Tensor& a, const Tensor& b) {
  return a.cast(DType::boolean) | b.cast(DType::boolean);
}
Tensor operator!(const Tensor& x) { return ~x.cast(DType::boolean); }

Tensor operator&(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("logical_and");
  return apply(op.get(), {a, b});
}
Tensor operator|(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("logical_or");
  return apply(op.get(), {a, b});
}
Tensor operator^(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("logical_xor");
  return apply(op.get(), {a, b});
}
Tensor operator~(const Tensor& x) {
  static constinit KnownOp op("logical_not");
  return apply(op.get(), {x});
}

}  // namespace tenon
