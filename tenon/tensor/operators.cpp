#include "tenon/ops/registry.h"
#include "tenon/tensor/tensor.h"

namespace tenon {

namespace {

bool is_whole(const Tensor& x) { return x.has_value() && !is_floating(x.dtype()); }

}  // namespace

Tensor operator+(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("add");
  return apply(op, {a, b});
}
Tensor operator-(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("subtract");
  return apply(op, {a, b});
}
Tensor operator*(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("multiply");
  return apply(op, {a, b});
}
Tensor operator/(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("divide");
  if (is_whole(a) && is_whole(b)) return apply(op, {a.cast(DType::f32), b.cast(DType::f32)});
  return apply(op, {a, b});
}
Tensor operator%(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("remainder");
  return apply(op, {a, b});
}
Tensor operator-(const Tensor& x) {
  static const OpDef& op = core_ops().get("negate");
  return apply(op, {x});
}

Tensor& operator+=(Tensor& a, const Tensor& b) { return a = a + b; }
Tensor& operator-=(Tensor& a, const Tensor& b) { return a = a - b; }
Tensor& operator*=(Tensor& a, const Tensor& b) { return a = a * b; }
Tensor& operator/=(Tensor& a, const Tensor& b) { return a = a / b; }

Tensor operator<(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("less");
  return apply(op, {a, b});
}
Tensor operator<=(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("less_equal");
  return apply(op, {a, b});
}
Tensor operator>(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("greater");
  return apply(op, {a, b});
}
Tensor operator>=(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("greater_equal");
  return apply(op, {a, b});
}
Tensor operator==(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("equal");
  return apply(op, {a, b});
}
Tensor operator!=(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("not_equal");
  return apply(op, {a, b});
}
Tensor operator&&(const Tensor& a, const Tensor& b) {
  return a.cast(DType::boolean) & b.cast(DType::boolean);
}
Tensor operator||(const Tensor& a, const Tensor& b) {
  return a.cast(DType::boolean) | b.cast(DType::boolean);
}
Tensor operator!(const Tensor& x) { return ~x.cast(DType::boolean); }

Tensor operator&(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("logical_and");
  return apply(op, {a, b});
}
Tensor operator|(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("logical_or");
  return apply(op, {a, b});
}
Tensor operator^(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("logical_xor");
  return apply(op, {a, b});
}
Tensor operator~(const Tensor& x) {
  static const OpDef& op = core_ops().get("logical_not");
  return apply(op, {x});
}

}  // namespace tenon
