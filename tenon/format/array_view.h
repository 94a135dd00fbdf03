#pragma once

//   #include "tenon/format/npy.h"
//   #include "tenon/format/safetensors.h"
//   given: std::vector<float> floats(4);
//   Literal weight = Literal::of<float>({2, 2}, {1, 2, 3, 4});
//   write_npy("weight.npy", weight);                           // a Literal is an ArrayView
//   ArrayView view{DType::f32, {2, 2}, std::as_bytes(std::span(floats))};
//   write_safetensors("model.safetensors", {{"fc1.weight", view}});   // nothing is copied

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tenon/graph/literal.h"

namespace tenon {

/// A row-major contiguous array owned by someone else: the argument of file writers.
struct ArrayView {
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;

  ArrayView() = default;
  ArrayView(DType dtype_, std::vector<int64_t> shape_, std::span<const std::byte> bytes_)
      : dtype(dtype_), shape(std::move(shape_)), bytes(bytes_) {}
  // Implicit, so that file writers accept a Literal.
  ArrayView(const Literal& literal)  // NOLINT(google-explicit-constructor)
      : ArrayView(literal.dtype(), literal.shape(), {literal.data(), literal.bytes()}) {}
};

/// Arrays by name, as npz and safetensors files hold them.
using NamedLiterals = std::map<std::string, Literal>;
using NamedViews = std::map<std::string, ArrayView>;

inline NamedViews views_of(const NamedLiterals& literals) {
  return {literals.begin(), literals.end()};
}

}  // namespace tenon
