// The data types of reference semantics: arrays of doubles (or of 64-bit integers), and a
// call.
//
//   void reversed(ReferenceCall& call) {                   // a vector: .reference(reversed)
//     const RefArray& x = call.input(0);
//     for (int64_t i = 0; i < x.size(); ++i) call.output(0).set(i, x.get(x.size() - 1 - i));
//   }
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tenon/graph/attributes.h"
#include "tenon/graph/literal.h"

namespace tenon {

/// A row-major array. Floating dtypes are held as doubles and never rounded (only `cast` rounds);
/// integers and bools as 64-bit integers that wrap to the dtype's width when set.
class RefArray {
 public:
  RefArray() = default;
  RefArray(DType dtype, std::vector<int64_t> shape);
  static RefArray from(const Literal& literal);
  /// Rounds to the dtype.
  Literal to_literal() const;

  DType dtype() const { return dtype_; }
  bool is_real() const { return is_floating(dtype_); }
  const std::vector<int64_t>& shape() const { return shape_; }
  int64_t dim(size_t axis) const { return shape_[axis]; }
  size_t rank() const { return shape_.size(); }
  int64_t size() const { return static_cast<int64_t>(is_real() ? real_.size() : integer_.size()); }

  double get(int64_t i) const {
    return is_real() ? real_[static_cast<size_t>(i)]
                     : static_cast<double>(integer_[static_cast<size_t>(i)]);
  }
  int64_t get_int(int64_t i) const {
    return is_real() ? saturated<int64_t>(real_[static_cast<size_t>(i)])
                     : integer_[static_cast<size_t>(i)];
  }
  void set(int64_t i, double value);
  void set_int(int64_t i, int64_t value);
  void add(int64_t i, double value) { set(i, get(i) + value); }
  /// Copies one element of an array of the same kind, exactly.
  void copy_element(int64_t to, const RefArray& from, int64_t index);

 private:
  DType dtype_ = DType::f32;
  std::vector<int64_t> shape_;
  std::vector<double> real_;
  std::vector<int64_t> integer_;
};

/// Row-major strides in elements.
std::vector<int64_t> row_major_strides(std::span<const int64_t> shape);

/// Walks all positions of a box in row-major order.
class BoxIndex {
 public:
  explicit BoxIndex(std::vector<int64_t> shape);
  bool done() const { return done_; }
  void next();
  const std::vector<int64_t>& position() const { return position_; }
  int64_t linear() const { return linear_; }

 private:
  std::vector<int64_t> shape_, position_;
  int64_t linear_ = 0;
  bool done_ = false;
};

/// Calls visit(first, stride, count) for every line of the array along `axis`.
template <class Visit>
void for_each_line(const RefArray& array, size_t axis, Visit visit) {
  std::vector<int64_t> others = array.shape();
  int64_t count = others[axis], stride = row_major_strides(others)[axis];
  others[axis] = 1;
  for (BoxIndex at(others); !at.done(); at.next()) {
    int64_t first = 0;
    for (size_t i = 0; i < others.size(); ++i) first = first * array.dim(i) + at.position()[i];
    visit(first, stride, count);
  }
}

class ReferenceCall {
 public:
  using Evaluate = std::function<std::vector<RefArray>(const Graph&, std::vector<RefArray>)>;
  ReferenceCall(const Attributes& attributes, std::vector<RefArray> inputs,
                std::vector<RefArray> outputs, Evaluate evaluate)
      : attributes_(attributes),
        inputs_(std::move(inputs)),
        outputs_(std::move(outputs)),
        evaluate_(std::move(evaluate)) {}

  const Attributes& attributes() const { return attributes_; }
  size_t input_count() const { return inputs_.size(); }
  const RefArray& input(size_t i) const { return inputs_[i]; }
  /// Allocated with the inferred type, zeros.
  RefArray& output(size_t i) { return outputs_[i]; }
  size_t output_count() const { return outputs_.size(); }
  std::vector<RefArray> take_outputs() { return std::move(outputs_); }
  /// Runs a region.
  std::vector<RefArray> evaluate(const Graph& region, std::vector<RefArray> arguments) {
    return evaluate_(region, std::move(arguments));
  }

 private:
  const Attributes& attributes_;
  std::vector<RefArray> inputs_;
  std::vector<RefArray> outputs_;
  Evaluate evaluate_;
};

}  // namespace tenon
