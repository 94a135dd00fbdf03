// The type of a value in a graph: an element type and a shape.
//
//   Type image{DType::f32, {Dim::symbol("batch"), 28, 28, 1}};
//   image.to_string();                    // "f32[batch,28,28,1]"
//   Type::parse("i32[batch]").rank();     // 1
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/base/small_vector.h"
#include "tenon/graph/dim.h"
#include "tenon/graph/dtype.h"

namespace tenon {

using Integers = std::vector<int64_t>;

/// Dimensions from the outermost to the innermost. As everywhere in Tenon, a temporary returns its
/// parts by value, so nothing dangles in `for (Dim d : (a + b).shape())`.
class Shape {
 public:
  using Dims = SmallVector<Dim, 4>;

  Shape() = default;
  Shape(std::initializer_list<Dim> dims) : dims_(dims) {}
  explicit Shape(Dims dims) : dims_(std::move(dims)) {}
  explicit Shape(const std::vector<Dim>& dims) : dims_(dims) {}
  static Shape of(const std::vector<int64_t>& dims) {
    return Shape(Dims(dims.begin(), dims.end()));
  }

  size_t rank() const { return dims_.size(); }
  const Dim& operator[](size_t axis) const& { return dims_[axis]; }
  Dim& operator[](size_t axis) & { return dims_[axis]; }
  Dim operator[](size_t axis) && { return std::move(dims_[axis]); }
  auto begin() const& { return dims_.begin(); }
  auto end() const& { return dims_.end(); }
  auto begin() const&& = delete;  // would dangle: give the shape a name
  auto end() const&& = delete;
  const Dims& dims() const& { return dims_; }
  Dims dims() && { return std::move(dims_); }
  void push_back(Dim dim) { dims_.push_back(std::move(dim)); }
  void insert(size_t axis, Dim dim) { dims_.insert(dims_.begin() + axis, std::move(dim)); }
  void erase(size_t axis) { dims_.erase(dims_.begin() + axis); }

  bool is_constant() const;
  /// The dimensions as numbers; an internal error if one is symbolic.
  std::vector<int64_t> constants() const;
  std::vector<int64_t> evaluate(const SymbolValues& values) const;
  Dim element_count() const;
  std::string to_string() const;  // "[batch,3]"

  friend bool operator==(const Shape&, const Shape&) = default;
  /// `==` for shortcuts that change no result: see Dim::always_equals.
  bool always_equals(const Shape& other) const;

 private:
  Dims dims_;
};

struct Type {
  DType dtype = DType::f32;
  Shape shape;

  size_t rank() const { return shape.rank(); }
  const Dim& dim(size_t axis) const& { return shape[axis]; }
  Dim dim(size_t axis) && { return std::move(shape)[axis]; }
  /// Bytes of a row-major array of this type.
  Dim bytes() const { return shape.element_count() * static_cast<int64_t>(size_of(dtype)); }
  std::string to_string() const;
  static Type parse(std::string_view text);
  friend bool operator==(const Type&, const Type&) = default;
};

/// Converts an axis counted from the end (-1 is the last) to one counted from the start; an error
/// that names `what` if it is out of range.
size_t normalise_axis(int64_t axis, size_t rank, std::string_view what);

}  // namespace tenon
