// A tree of tensors whose structure is data: what models' parameters live in.
//
//   Tree parameters;
//   parameters["encoder.weight"] = zeros({4, 4});
//   parameters.at("encoder.weight").shape();            // [4,4]
//   Tree& encoder = parameters.child("encoder");
//   encoder.paths();                                    // {"weight"}
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/tensor/tensor.h"

namespace tenon {

namespace detail {
struct TreeAccess;
}

/// A named tree whose structure is data: what models' parameters live in. Children keep the order
/// of insertion.
class Tree {
 public:
  Tree() = default;
  Tree(Tensor leaf) : leaf_(std::move(leaf)), is_leaf_(true) {}

  bool is_leaf() const { return is_leaf_; }
  bool empty() const { return !is_leaf_ && children_.empty(); }
  const Tensor& leaf() const& { return leaf_; }
  Tensor& leaf() & { return leaf_; }
  Tensor leaf() && { return std::move(leaf_); }
  using Children = std::vector<std::pair<std::string, Tree>>;
  const Children& children() const& { return children_; }
  Children children() && { return std::move(children_); }

  /// Paths are names joined by dots. `at` throws Error(not_found) with the closest path.
  const Tensor& at(std::string_view path) const&;
  Tensor& at(std::string_view path) &;
  Tensor at(std::string_view path) && { return at(path); }
  const Tree* find(std::string_view path) const&;
  const Tree* find(std::string_view path) const&& = delete;
  /// The leaf at a path, made if absent; of a const tree, as `at`. A leaf that was made and read
  /// before it was set is an error that names the path.
  Tensor& operator[](std::string_view path) &;
  const Tensor& operator[](std::string_view path) const& { return at(path); }
  Tensor operator[](std::string_view path) && { return at(path); }
  void set(std::string_view path, Tensor value) { make_leaf(path) = std::move(value); }
  /// A subtree, made if absent.
  Tree& child(std::string_view path) &;
  size_t leaf_count() const;
  std::vector<std::string> paths() const;
  std::string to_string() const;  // one line a leaf: path and type

 private:
  friend detail::TreeAccess;

  Tensor& make_leaf(std::string_view path);
  const Tree* child_named(std::string_view name) const;
  Tree& add_child(std::string_view name);

  Tensor leaf_;
  bool is_leaf_ = false;
  Children children_;
  std::vector<uint32_t> by_name_;  // once they are many: their places, in the order of their names
};

}  // namespace tenon
