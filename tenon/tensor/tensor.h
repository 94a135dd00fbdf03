// The user's tensor: lazy, cheap to copy, evaluated when its value is read.
//
//   Tensor x{1.0, 2.0, 3.0};               // f32[3]
//   Tensor y = (x - 1) / x;                // nothing is computed yet
//   double last = y.item(2);               // now it is
//   Tensor part = x.slice(0, 1, 3);        // f32[2]
//   Tensor last_two = x[{Slice{-2, none}}];   // f32[2], as x[-2:] in NumPy
//   Tensor other = x.at(0).set(5);         // [5 2 3]; x is unchanged
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tenon/base/error.h"
#include "tenon/graph/number.h"
#include "tenon/graph/type.h"
#include "tenon/runtime/buffer.h"

namespace tenon {

namespace detail {
struct TensorNode;
}

class Index;
class TensorAt;
inline constexpr std::nullopt_t none = std::nullopt;

/// Axes of a reduction: `{0, -1}`, `1`, or all.
class Axes {
 public:
  Axes() = default;
  Axes(std::initializer_list<int64_t> axes) : some_(axes) {}
  Axes(Integers axes) : some_(std::move(axes)) {}
  Axes(int64_t axis) : some_(Integers{axis}) {}
  Axes(int axis) : Axes(static_cast<int64_t>(axis)) {}

  /// Ascending, counted from the start, without duplicates; `what` is for errors.
  Integers resolve(size_t rank, std::string_view what) const;

 private:
  std::optional<Integers> some_;
};

/// A handle to a value: memory, a pending computation, or an argument of a function that is being
/// traced.
class Tensor {
 public:
  /// No value; using it is an error.
  Tensor() = default;
  /// A number: f32[] (f64[] beyond its range), i32[] (i64[] beyond its range; an error beyond that)
  /// or bool[]. Combined with a tensor it takes the tensor's dtype, which must be able to hold it;
  /// a floating-point number with integers gives f32. Comparisons take any number.
  template <class T>
    requires std::is_arithmetic_v<T>
  Tensor(T value) : Tensor(number(value)) {}
  /// A number in braces. A class of its own, so that `Tensor{{1}, {2}}` is rows of one number each.
  struct Element {
    double value;
    template <class T>
      requires std::is_arithmetic_v<T>
    Element(T number) : value(static_cast<double>(number)) {}
  };
  Tensor(std::initializer_list<Element> values);                      // f32[n]
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
  /// A read-only view of the user's row-major memory, which must outlive everything computed from
  /// it.
  template <class T>
  static Tensor view(T* data, std::vector<int64_t> shape) {
    using Element = std::remove_const_t<T>;
    return Tensor(
        Buffer::borrow(dtype_of<Element>(), std::move(shape), const_cast<Element*>(data)));
  }

  bool has_value() const;
  /// A temporary tensor returns these by value, so that no reference dangles.
  const Type& type() const&;
  Type type() && { return type(); }
  DType dtype() const { return type().dtype; }
  /// Dimensions are numbers outside traced functions; inside they may be symbols.
  const Shape& shape() const& { return type().shape; }
  Shape shape() && { return type().shape; }
  size_t rank() const { return type().rank(); }
  const Dim& dim(int64_t axis) const&;
  Dim dim(int64_t axis) && { return dim(axis); }

  /// Computes the value if it is pending. While a function is traced, an error names the tensor.
  const Tensor& eval() const&;
  Tensor eval() && { return eval(); }
  bool is_evaluated() const;
  const Buffer& buffer() const&;  // evaluates
  Buffer buffer() && { return buffer(); }
  Literal literal() const;  // evaluates and copies
  /// The memory itself, for as long as this tensor lives; evaluates. The dtype must be T's.
  template <class T>
  std::span<const T> values() const&;
  template <class T>
  std::span<const T> values() const&& = delete;  // would dangle: use to_vector, or name the tensor
  /// A row-major copy of all elements, converted as by cast() if T is not the dtype's type;
  /// evaluates.
  template <class T>
  std::vector<T> to_vector() const;
  /// The only element as a double, or one by its row-major index.
  double item() const;
  double item(int64_t index) const;
  /// The same as an integer: exact for integer dtypes, otherwise converted as by cast().
  int64_t item_int() const;
  int64_t item_int(int64_t index) const;

  // The most common reshapings as members; functions.h has all ops as functions.
  Tensor reshape(const Shape& shape) const;            // one dimension may be -1
  Tensor transpose(const Integers& order = {}) const;  // default: reversed axes
  /// Elements [start, limit) along an axis. As in Python, negative numbers count from the end,
  /// limits beyond the end are clamped, and negative strides go backwards.
  Tensor slice(int64_t axis, int64_t start, int64_t limit = INT64_MAX, int64_t stride = 1) const;
  Tensor operator[](int64_t index) const;  // along axis 0, which is removed
  /// Integers: slices along axis 0. Negative ones count from the end; out-of-range ones read zero.
  /// Bools: the elements of the leading axes where the mask is true; evaluates the mask.
  Tensor operator[](const Tensor& indices) const;
  /// One index per axis, as in NumPy: `x[{0, Slice{1, none, 2}, ellipsis, new_axis, indices}]`.
  Tensor operator[](std::initializer_list<Index> indices) const;
  Tensor cast(DType dtype) const;
  Tensor T() const;  // all axes in reverse order
  /// Functional updates as in JAX: `x.at({0, Slice{1}}).set(y)` is a copy of x with these elements
  /// replaced. Takes the same indices as operator[].
  TensorAt at(int64_t index) const;
  TensorAt at(const Tensor& indices) const;
  TensorAt at(std::initializer_list<Index> indices) const;

  // The most common reductions as members; numpy.h has all of them as functions.
  Tensor sum(const Axes& axes = {}, bool keep = false) const;
  Tensor mean(const Axes& axes = {}, bool keep = false) const;
  Tensor max(const Axes& axes = {}, bool keep = false) const;
  Tensor min(const Axes& axes = {}, bool keep = false) const;

  std::string to_string() const;  // evaluates; long arrays are abbreviated

  /// Sets the name of this value in errors: "encoder.weight, loaded from old.safetensors". All
  /// handles to the value share it; call it before there are other handles.
  Tensor& set_name(std::string name) &;
  Tensor set_name(std::string name) && { return set_name(std::move(name)); }
  /// That name, or the label of the call that computes the value, or empty.
  std::string name() const;
  /// Whether both are handles to the same value.
  bool same_as(const Tensor& other) const { return node_ == other.node_; }
  const std::shared_ptr<detail::TensorNode>& node() const& { return node_; }
  std::shared_ptr<detail::TensorNode> node() && { return std::move(node_); }
  explicit Tensor(std::shared_ptr<detail::TensorNode> node) : node_(std::move(node)) {}

 private:
  static Tensor number(bool value);
  static Tensor number(int64_t value);
  static Tensor number(double value);
  [[noreturn]] static void fail_too_large(uint64_t value);
  template <class T>
  static Tensor number(T value) {
    if constexpr (std::is_integral_v<T>) {
      if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof(int64_t)) {
        if (value > INT64_MAX) fail_too_large(value);
      }
      return number(static_cast<int64_t>(value));
    } else {
      return number(static_cast<double>(value));
    }
  }

  std::shared_ptr<detail::TensorNode> node_;
};

/// Python's start:limit:stride along one axis; omitted bounds extend to the ends.
struct Slice {
  std::optional<int64_t> start = none;
  std::optional<int64_t> limit = none;
  int64_t stride = 1;  // negative: backwards
};
/// All axes that the other indices leave, as in Python.
inline constexpr struct Ellipsis {
} ellipsis{};
/// A new axis of size 1.
inline constexpr struct NewAxis {
} new_axis{};

/// The index of one axis in `x[{…}]`. At most one may be a tensor of integers; its axes replace the
/// axis that it indexes.
class Index {
 public:
  using What = std::variant<int64_t, Slice, Ellipsis, NewAxis, Tensor>;
  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  Index(T position)
      : what_(std::is_signed_v<T> || static_cast<uint64_t>(position) <= uint64_t{INT64_MAX}
                  ? static_cast<int64_t>(position)
                  : INT64_MAX) {}
  Index(Slice slice) : what_(slice) {}
  Index(Ellipsis) : what_(ellipsis) {}
  Index(NewAxis) : what_(new_axis) {}
  Index(Tensor indices) : what_(std::move(indices)) {}
  const What& what() const& { return what_; }
  What what() && { return std::move(what_); }

 private:
  What what_;
};

/// Functional updates of some elements of a tensor. The tensor does not change: each function
/// returns a new one. `y` broadcasts to the indexed shape; its dtype must promote to the tensor's
/// (error type_mismatch). Out-of-range indices are ignored, as they read zero.
class TensorAt {
 public:
  TensorAt(Tensor x, std::vector<Index> indices) : x_(std::move(x)), indices_(std::move(indices)) {}
  TensorAt(Tensor x, Tensor mask) : x_(std::move(x)), mask_(std::move(mask)) {}

  Tensor get() const;
  Tensor set(const Tensor& y) const;  // if an element is indexed twice, the last value wins
  Tensor add(const Tensor& y) const;  // if an element is indexed twice, both are added
  Tensor max(const Tensor& y) const;
  Tensor min(const Tensor& y) const;

 private:
  Tensor combined(const Tensor& y, const char* mode) const;
  bool is_first_axis_alone() const;

  Tensor x_, mask_;
  std::vector<Index> indices_;
};

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
Tensor operator%(const Tensor& a, const Tensor& b);  // remainder: the sign of b, as in Python
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
Tensor operator&&(const Tensor& a, const Tensor& b);  // numbers other than 0 are true
Tensor operator||(const Tensor& a, const Tensor& b);
Tensor operator!(const Tensor& x);
Tensor operator&(const Tensor& a, const Tensor& b);  // bit by bit on integers
Tensor operator|(const Tensor& a, const Tensor& b);
Tensor operator^(const Tensor& a, const Tensor& b);
Tensor operator~(const Tensor& x);

/// Dimensions may be symbolic, such as those of a traced argument.
Tensor zeros(const Shape& shape, DType dtype = DType::f32);
Tensor ones(const Shape& shape, DType dtype = DType::f32);
/// Error out_of_range if the number does not fit the dtype: 300 in u8, 1e5 in f16.
Tensor full(const Shape& shape, Number value, DType dtype = DType::f32);
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
/// 0 … count-1: i32 (i64 beyond its range) or `dtype`, which must hold these numbers.
Tensor arange(const Dim& count, std::optional<DType> dtype = none);
Tensor eye(const Dim& n, DType dtype = DType::f32);

template <class T>
std::span<const T> Tensor::values() const& {
  const Buffer& memory = buffer();
  if (memory.dtype() != dtype_of<T>()) {
    fail(ErrorCode::type_mismatch, "values of {} were requested as {}", type().to_string(),
         name_of(dtype_of<T>()));
  }
  return {memory.as<T>(), static_cast<size_t>(memory.size())};
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Literal copy = literal();
  std::vector<T> result(static_cast<size_t>(copy.size()));
  for (int64_t i = 0; i < copy.size(); ++i) {
    auto&& to = result[static_cast<size_t>(i)];
    if (!is_floating(copy.dtype())) {
      to = static_cast<T>(copy.to_int(i));
    } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      to = saturated<T>(copy.to_double(i));
    } else {
      to = static_cast<T>(copy.to_double(i));
    }
  }
  return result;
}

}  // namespace tenon
