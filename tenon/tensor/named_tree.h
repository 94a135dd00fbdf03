// A tree of tensors with a structure chosen at run time: it holds the parameters of models.
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

/// A named tree with a structure chosen at run time, such as the parameters of a model. Children
/// keep the order of insertion.
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
  /// The leaf at a path, created if absent; for a const tree, the same as `at`. Reading a created
  /// leaf before it is set is an error that names the path.
  Tensor& operator[](std::string_view path) &;
  const Tensor& operator[](std::string_view path) const& { return at(path); }
  Tensor operator[](std::string_view path) && { return at(path); }
  void set(std::string_view path, Tensor value) { make_leaf(path) = std::move(value); }
  /// A subtree, created if absent.
  Tree& child(std::string_view path) &;
  size_t leaf_count() const;
  std::vector<std::string> paths() const;
  std::string to_string() const;  // one line per leaf: path and type

 private:
  friend detail::TreeAccess;

  Tensor& make_leaf(std::string_view path);
  const Tree* child_named(std::string_view name) const;
  Tree& add_child(std::string_view name);

  Tensor leaf_;
  bool is_leaf_ = false;
  Children children_;
  std::vector<uint32_t> by_name_;  // when there are many: their indices, sorted by name
};

}  // namespace tenon
