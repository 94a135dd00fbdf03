// The tensor that users hold: lazy, cheap to copy, evaluated when it is looked at.
//
//   Tensor x{1.0, 2.0, 3.0};               // f32[3]
//   Tensor y = sin(x) * exp(-x * x);       // nothing is computed yet
//   y.item(0);                             // now it is
//   x.slice(0, 1, 3);                      // f32[2]
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tenon/base/error.h"
#include "tenon/graph/attributes.h"
#include "tenon/graph/op.h"
#include "tenon/graph/type.h"
#include "tenon/runtime/buffer.h"

namespace tenon {

namespace detail {
struct TensorNode;
}

/// A handle on a value: memory, a pending computation, or, while a function is traced, one of its
/// arguments.
class Tensor {
 public:
  /// No value; using it is an error that says so.
  Tensor() = default;
  Tensor(double value);  // f32[]
  Tensor(float value);
  Tensor(int value);  // i32[]
  Tensor(int64_t value);
  Tensor(bool value);
  Tensor(std::initializer_list<double> values);                       // f32[n]
  Tensor(std::initializer_list<std::initializer_list<double>> rows);  // f32[m,n]
  Tensor(const Literal& literal);
  Tensor(Buffer buffer);
  template <class T>
  static Tensor of(const std::vector<T>& values, std::vector<int64_t> shape) {
    return Tensor(Literal::of<T>(std::move(shape), values));
  }
  /// A view onto the user's row-major memory, which must outlive all that is computed from it.
  template <class T>
  static Tensor view(T* data, std::vector<int64_t> shape) {
    return Tensor(Buffer::borrow(dtype_of<T>(), std::move(shape), data));
  }

  explicit operator bool() const { return node_ != nullptr; }
  const Type& type() const;
  DType dtype() const { return type().dtype; }
  /// Dimensions are numbers outside of traced functions; inside they may be symbols.
  const Shape& shape() const { return type().shape; }
  size_t rank() const { return type().rank(); }
  const Dim& dim(int64_t axis) const;

  /// Computes the value if it is pending. Error while a function is traced, naming the tensor.
  const Tensor& eval() const;
  bool is_evaluated() const;
  const Buffer& buffer() const;  // evaluates
  Literal literal() const;       // evaluates and copies
  template <class T>
  std::span<const T> values() const;  // evaluates; the dtype must be T's
  /// One element as a double; row-major index.
  double item(int64_t index = 0) const;
  int64_t item_int(int64_t index = 0) const;

  // The commonest reshapings as members; functions.h has all ops as functions.
  Tensor reshape(const Shape& shape) const;            // one dimension may be -1
  Tensor transpose(const Integers& order = {}) const;  // default: reversed axes
  /// Elements [start, limit) along an axis; negative numbers count from the end.
  Tensor slice(int64_t axis, int64_t start, int64_t limit, int64_t stride = 1) const;
  Tensor operator[](int64_t index) const;          // along axis 0, which goes away
  Tensor operator[](const Tensor& indices) const;  // gather along axis 0
  Tensor cast(DType dtype) const;

  std::string to_string() const;  // evaluates; long arrays are abbreviated

  detail::TensorNode* node() const { return node_.get(); }
  const std::shared_ptr<detail::TensorNode>& node_ref() const { return node_; }
  explicit Tensor(std::shared_ptr<detail::TensorNode> node) : node_(std::move(node)) {}

 private:
  std::shared_ptr<detail::TensorNode> node_;
};

/// Records a call of an op: promotes dtypes and broadcasts elementwise operands, checks types,
/// computes nothing.
Tensor apply(const OpDef& op, std::span<const Tensor> inputs, Attributes attributes = {});
std::vector<Tensor> apply_multi(const OpDef& op, std::span<const Tensor> inputs,
                                Attributes attributes = {});
Tensor apply(std::string_view op, std::initializer_list<Tensor> inputs, Attributes attributes = {});

/// Computes many pending tensors in one plan.
void eval(std::span<const Tensor> tensors);
void eval(std::initializer_list<Tensor> tensors);

/// While alive, calls recorded on this thread carry this label; labels nest as "outer.inner".
class LabelScope {
 public:
  explicit LabelScope(std::string_view label);
  ~LabelScope();
  LabelScope(const LabelScope&) = delete;
  LabelScope& operator=(const LabelScope&) = delete;

 private:
  size_t previous_size_;
};

Tensor operator+(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& a, const Tensor& b);
Tensor operator*(const Tensor& a, const Tensor& b);
Tensor operator/(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& x);
// Numbers take the tensor's dtype (a fraction with an integer tensor gives f32).
Tensor operator+(const Tensor& a, double b);
Tensor operator-(const Tensor& a, double b);
Tensor operator*(const Tensor& a, double b);
Tensor operator/(const Tensor& a, double b);
Tensor operator+(double a, const Tensor& b);
Tensor operator-(double a, const Tensor& b);
Tensor operator*(double a, const Tensor& b);
Tensor operator/(double a, const Tensor& b);
Tensor operator<(const Tensor& a, const Tensor& b);
Tensor operator<=(const Tensor& a, const Tensor& b);
Tensor operator>(const Tensor& a, const Tensor& b);
Tensor operator>=(const Tensor& a, const Tensor& b);
Tensor operator<(const Tensor& a, double b);
Tensor operator<=(const Tensor& a, double b);
Tensor operator>(const Tensor& a, double b);
Tensor operator>=(const Tensor& a, double b);
Tensor operator==(const Tensor& a, const Tensor& b);  // elementwise
Tensor operator!=(const Tensor& a, const Tensor& b);
Tensor operator&&(const Tensor& a, const Tensor& b);
Tensor operator||(const Tensor& a, const Tensor& b);
Tensor operator!(const Tensor& x);

Tensor zeros(const Shape& shape, DType dtype = DType::f32);
Tensor ones(const Shape& shape, DType dtype = DType::f32);
Tensor full(const Shape& shape, double value, DType dtype = DType::f32);
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
Tensor arange(int64_t count, DType dtype = DType::i32);
Tensor eye(int64_t n, DType dtype = DType::f32);

template <class T>
std::span<const T> Tensor::values() const {
  const Buffer& memory = buffer();
  if (memory.dtype() != dtype_of<T>()) {
    throw Error(ErrorCode::type_mismatch, "values() of another dtype than " + type().to_string());
  }
  return {memory.as<T>(), static_cast<size_t>(memory.size())};
}

}  // namespace tenon
