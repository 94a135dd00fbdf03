// The tensor that users hold: lazy, cheap to copy, evaluated when it is looked at.
//
//   Tensor x{1.0, 2.0, 3.0};               // f32[3]
//   Tensor y = (x - 1) / x;                // nothing is computed yet
//   double last = y.item(2);               // now it is
//   Tensor part = x.slice(0, 1, 3);        // f32[2]
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
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
  /// A number: f32[], i32[] (i64[] beyond its range) or bool[]. Next to a tensor it takes that
  /// tensor's dtype; a fraction next to integers makes f32 of both.
  template <class T>
    requires std::is_arithmetic_v<T>
  Tensor(T value) : Tensor(number(value)) {}
  Tensor(std::initializer_list<double> values);                       // f32[n]
  Tensor(std::initializer_list<std::initializer_list<double>> rows);  // f32[m,n]
  explicit Tensor(const Literal& literal);
  explicit Tensor(Buffer buffer);
  template <class T>
  static Tensor of(const std::vector<T>& values, std::vector<int64_t> shape) {
    if (element_count(shape) != static_cast<int64_t>(values.size()))
      fail(ErrorCode::shape_mismatch, "{} values do not fill {}", values.size(),
           Shape::of(shape).to_string());
    return Tensor(Literal::of<T>(std::move(shape), values));
  }
  /// A view onto the user's row-major memory, which must outlive all that is computed from it.
  template <class T>
  static Tensor view(T* data, std::vector<int64_t> shape) {
    return Tensor(Buffer::borrow(dtype_of<T>(), std::move(shape), data));
  }

  bool has_value() const { return node_ != nullptr; }
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
  /// The same as an integer; exact for integer dtypes.
  int64_t item_int(int64_t index = 0) const;

  // The commonest reshapings as members; functions.h has all ops as functions.
  Tensor reshape(const Shape& shape) const;            // one dimension may be -1
  Tensor transpose(const Integers& order = {}) const;  // default: reversed axes
  /// Elements [start, limit) along an axis; negative numbers count from the end, and limits beyond
  /// the end stop there, as in Python.
  Tensor slice(int64_t axis, int64_t start, int64_t limit = INT64_MAX, int64_t stride = 1) const;
  Tensor operator[](int64_t index) const;          // along axis 0, which goes away
  Tensor operator[](const Tensor& indices) const;  // gather along axis 0
  Tensor cast(DType dtype) const;

  std::string to_string() const;  // evaluates; long arrays are abbreviated

  /// Whether both are handles on one value.
  bool same_as(const Tensor& other) const { return node_ == other.node_; }
  const std::shared_ptr<detail::TensorNode>& node() const { return node_; }
  explicit Tensor(std::shared_ptr<detail::TensorNode> node) : node_(std::move(node)) {}

 private:
  static Tensor number(bool value);
  static Tensor number(int64_t value);
  static Tensor number(double value);
  template <class T>
  static Tensor number(T value) {
    if constexpr (std::is_integral_v<T>) {
      return number(static_cast<int64_t>(value));
    } else {
      return number(static_cast<double>(value));
    }
  }

  std::shared_ptr<detail::TensorNode> node_;
};

/// Records a call of an op: promotes dtypes and broadcasts elementwise operands, checks types,
/// computes nothing.
Tensor apply(const OpDef& op, std::span<const Tensor> inputs, Attributes attributes = {});
Tensor apply(const OpDef& op, std::initializer_list<Tensor> inputs, Attributes attributes = {});
Tensor apply(const OpDef& op, std::vector<Tensor> inputs, Attributes attributes = {});
/// One of the core ops by its name.
Tensor apply(std::string_view op, std::initializer_list<Tensor> inputs, Attributes attributes = {});
/// For ops with several results.
std::vector<Tensor> apply_multi(const OpDef& op, std::span<const Tensor> inputs,
                                Attributes attributes = {});

/// Computes many pending tensors in one plan.
void eval(std::span<const Tensor> tensors);
void eval(std::initializer_list<Tensor> tensors);

/// While alive, calls recorded on this thread carry this label; labels nest as "outer.inner".
/// Errors, profiles and printed graphs show it.
class LabelScope {
 public:
  explicit LabelScope(std::string_view label);
  ~LabelScope();
  LabelScope(const LabelScope&) = delete;
  LabelScope& operator=(const LabelScope&) = delete;

 private:
  size_t previous_size_;
};

// Elementwise. Shapes broadcast as in NumPy, dtypes promote; either side may be a number.
Tensor operator+(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& a, const Tensor& b);
Tensor operator*(const Tensor& a, const Tensor& b);
Tensor operator/(const Tensor& a, const Tensor& b);  // of integers: f32
Tensor operator%(const Tensor& a, const Tensor& b);  // the sign of a, as in C++
Tensor operator-(const Tensor& x);
Tensor& operator+=(Tensor& a, const Tensor& b);
Tensor& operator-=(Tensor& a, const Tensor& b);
Tensor& operator*=(Tensor& a, const Tensor& b);
Tensor& operator/=(Tensor& a, const Tensor& b);
Tensor operator<(const Tensor& a, const Tensor& b);
Tensor operator<=(const Tensor& a, const Tensor& b);
Tensor operator>(const Tensor& a, const Tensor& b);
Tensor operator>=(const Tensor& a, const Tensor& b);
Tensor operator==(const Tensor& a, const Tensor& b);
Tensor operator!=(const Tensor& a, const Tensor& b);
Tensor operator&&(const Tensor& a, const Tensor& b);  // both sides are evaluated
Tensor operator||(const Tensor& a, const Tensor& b);
Tensor operator!(const Tensor& x);

/// Dimensions may be those of a traced argument, which are symbols.
Tensor zeros(const Shape& shape, DType dtype = DType::f32);
Tensor ones(const Shape& shape, DType dtype = DType::f32);
Tensor full(const Shape& shape, double value, DType dtype = DType::f32);
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
/// 0 … count-1.
Tensor arange(const Dim& count, DType dtype = DType::i32);
Tensor eye(const Dim& n, DType dtype = DType::f32);

template <class T>
std::span<const T> Tensor::values() const {
  const Buffer& memory = buffer();
  if (memory.dtype() != dtype_of<T>()) {
    fail(ErrorCode::type_mismatch, "values of {} are asked for as {}", type().to_string(),
         name_of(dtype_of<T>()));
  }
  return {memory.as<T>(), static_cast<size_t>(memory.size())};
}

}  // namespace tenon
