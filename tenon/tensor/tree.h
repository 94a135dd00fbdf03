// Nested structures of tensors. Tensors, vectors, tuples, pairs, string maps, optionals, plain
// aggregates and Tree are all trees: every transform takes and returns them.
//
//   struct State { Tree parameters; Tensor step; } state;  // any aggregate works
//   state.parameters["encoder.weight"] = zeros({4, 4});
//   state.step = 1;
//   std::vector<std::string> paths = leaf_paths(state);    // "parameters.encoder.weight", "step"
//   Tensor weight = state.parameters.child("encoder").at("weight");
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tenon/tensor/detail/leaves.h"
#include "tenon/tensor/named_tree.h"

namespace tenon {

/// A type that transforms take and return. Numbers and strings in it are constants.
template <class T>
concept TreeLike = std::is_void_v<detail::WrongPart<T>>;

/// f(path, leaf), or f(leaf), for each leaf in a fixed order.
template <class T, class F>
void for_each_leaf(T& tree, F f) {
  if constexpr (!TreeLike<T>) {
    static_assert(detail::NotATree<detail::WrongPart<T>>::value);
  } else if constexpr (std::is_invocable_v<F, const std::string&, Tensor&>) {
    detail::visit_leaves(tree, std::string(), f);
  } else {
    auto without_path = [&f](detail::NoPath, auto& leaf) { f(leaf); };
    detail::visit_leaves(tree, detail::NoPath(), without_path);
  }
}

/// The paths of the leaves in order.
template <class T>
std::vector<std::string> leaf_paths(const T& tree) {
  std::vector<std::string> paths;
  for_each_leaf(tree, [&](const std::string& path, const Tensor&) { paths.push_back(path); });
  return paths;
}

/// The leaves in order.
template <class T>
std::vector<Tensor> leaves_of(const T& tree) {
  std::vector<Tensor> leaves;
  for_each_leaf(tree, [&](const Tensor& leaf) { leaves.push_back(leaf); });
  return leaves;
}

/// The leaves of a tree in the order of the same paths in `like`, since two Trees may have been
/// filled in different orders. If a path is missing or superfluous, throws invalid_argument with a
/// message that begins with `what`.
template <class Like, class T>
std::vector<Tensor> leaves_as(const Like& like, const T& tree, std::string_view what) {
  return detail::in_order(leaf_paths(like), leaf_paths(tree), leaves_of(tree), what);
}

/// A tree of the same structure with other leaves, of the same number.
template <class T>
T with_leaves(const T& like, std::span<const Tensor> leaves) {
  T result = like;
  size_t next = 0;
  for_each_leaf(result, [&](Tensor& leaf) {
    if (next < leaves.size()) leaf = leaves[next];
    ++next;
  });
  if (next != leaves.size())
    fail(ErrorCode::invalid_argument, "with_leaves: {} tensors for {} leaves", leaves.size(), next);
  return result;
}

/// f on each leaf (and on the leaves at the same paths of other trees, which must match exactly).
template <class T, class F, class... Others>
T map_leaves(F f, const T& tree, const Others&... others) {
  T result = tree;
  size_t i = 0;
  auto visit = [&](const auto&... lists) {
    for_each_leaf(result, [&](Tensor& leaf) {
      leaf = f(leaf, lists[i]...);
      ++i;
    });
  };
  visit(leaves_as(tree, others, "map_leaves")...);
  return result;
}

/// The leaves of any tree by their paths.
template <class T>
Tree to_tree(const T& structure) {
  if constexpr (std::is_same_v<T, Tree>) {
    return structure;
  } else {
    Tree tree;
    for_each_leaf(structure,
                  [&](const std::string& path, const Tensor& leaf) { tree.set(path, leaf); });
    return tree;
  }
}

/// `like` with its leaves replaced by those of `tree` at the same paths; other leaves of `tree` are
/// ignored. Error not_found or type_mismatch names the path.
template <class T>
T from_tree(const Tree& tree, T like) {
  for_each_leaf(like, [&](const std::string& path, Tensor& leaf) {
    leaf = detail::replacement(tree, path, leaf);
  });
  return like;
}

}  // namespace tenon
