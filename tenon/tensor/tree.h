// Nested structures of tensors. Tensors, vectors, tuples, pairs, string maps, optionals, plain
// aggregates and Tree are all trees: every transform takes and returns them.
//
//   struct State { Tree parameters; Tensor step; } state;  // any aggregate will do
//   state.parameters["encoder.weight"] = zeros({4, 4});
//   state.step = 1;
//   std::vector<std::string> paths = leaf_paths(state);    // "parameters.encoder.weight", "step"
//   Tensor weight = state.parameters.child("encoder").at("weight");
#pragma once

#include <boost/pfr/core.hpp>
#include <boost/pfr/tuple_size.hpp>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tenon/tensor/field_name.h"
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

namespace detail {

/// Children whose leaves may be set; their names stay.
struct TreeAccess {
  static const auto& children(const Tree& tree) { return tree.children_; }
  static auto& children(Tree& tree) { return tree.children_; }
};

inline std::string join_path(const std::string& prefix, std::string_view name) {
  std::string path = prefix;
  if (!path.empty()) path += '.';
  return path += name;
}
inline std::string join_path(const std::string& prefix, size_t index) {
  return join_path(prefix, std::to_string(index));
}

/// Stands for the path where nobody asks for it.
struct NoPath {};
template <class Name>
NoPath join_path(NoPath, const Name&) {
  return {};
}

template <class T>
struct IsVector : std::false_type {};
template <class T, class A>
struct IsVector<std::vector<T, A>> : std::true_type {};
template <class T>
struct IsStringMap : std::false_type {};
template <class T, class C, class A>
struct IsStringMap<std::map<std::string, T, C, A>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
concept TupleLike = requires { std::tuple_size<T>::value; };
template <class T>
concept StaticLeaf = std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, std::string>;

template <class... T>
struct Types {};

/// The types that a tree of type T holds, or nothing at all (void) where T is no tree.
template <class T>
constexpr auto parts_of() {
  if constexpr (std::is_same_v<T, Tensor> || std::is_same_v<T, Tree> || StaticLeaf<T>) {
    return Types<>();
  } else if constexpr (IsVector<T>::value || IsOptional<T>::value) {
    return Types<typename T::value_type>();
  } else if constexpr (IsStringMap<T>::value) {
    return Types<typename T::mapped_type>();
  } else if constexpr (TupleLike<T>) {
    return []<size_t... kPart>(std::index_sequence<kPart...>) {
      return Types<std::tuple_element_t<kPart, T>...>();
    }(std::make_index_sequence<std::tuple_size_v<T>>());
  } else if constexpr (std::is_aggregate_v<T> && !std::is_array_v<T>) {
    return []<size_t... kPart>(std::index_sequence<kPart...>) {
      return Types<boost::pfr::tuple_element_t<kPart, T>...>();
    }(std::make_index_sequence<boost::pfr::tuple_size_v<T>>());
  }
}

constexpr std::type_identity<void> first_of() { return {}; }
template <class T, class... Rest>
constexpr auto first_of(std::type_identity<T> found, Rest... rest) {
  if constexpr (std::is_void_v<T>) {
    return first_of(rest...);
  } else {
    return found;
  }
}

/// The part of T that keeps it from being a tree, or void. `Outer` are the types that T is inside
/// of: a type may hold vectors of itself.
template <class T, class... Outer>
constexpr auto wrong_part() {
  if constexpr ((std::is_same_v<T, Outer> || ...)) {
    return std::type_identity<void>();
  } else if constexpr (std::is_void_v<decltype(parts_of<T>())>) {
    return std::type_identity<T>();
  } else {
    return []<class... Part>(Types<Part...>) {
      return first_of(wrong_part<std::remove_cvref_t<Part>, Outer..., T>()...);
    }(parts_of<T>());
  }
}
template <class T>
using WrongPart = typename decltype(wrong_part<std::remove_cvref_t<T>>())::type;

/// A class, so that compilers report each wrong type once however often it is met.
template <class Wrong>
struct NotATree : std::true_type {
  static_assert(std::is_void_v<Wrong>,
                "this type is no tree, nor is what holds it: a tree is a Tensor, Tree, number, "
                "string, vector, map<string, …>, optional, tuple, pair, or an aggregate of these");
};

/// Calls f(path, Tensor&) for each leaf of a TreeLike in a fixed order; `T` may be const.
template <class T, class Path, class F>
void visit_leaves(T& tree, const Path& path, F& f) {
  using Plain = std::remove_const_t<T>;
  if constexpr (std::is_same_v<Plain, Tensor>) {
    f(path, tree);
  } else if constexpr (std::is_same_v<Plain, Tree>) {
    if (tree.is_leaf()) f(path, tree.leaf());
    for (auto& [name, child] : TreeAccess::children(tree))
      visit_leaves(child, join_path(path, name), f);
  } else if constexpr (StaticLeaf<Plain>) {
    // Numbers and strings in a structure are part of its shape, not tensors.
  } else if constexpr (IsVector<Plain>::value) {
    for (size_t i = 0; i < tree.size(); ++i) visit_leaves(tree[i], join_path(path, i), f);
  } else if constexpr (IsStringMap<Plain>::value) {
    for (auto& [name, child] : tree) visit_leaves(child, join_path(path, name), f);
  } else if constexpr (IsOptional<Plain>::value) {
    if (tree) visit_leaves(*tree, path, f);
  } else if constexpr (TupleLike<Plain>) {
    std::apply(
        [&](auto&... items) {
          size_t i = 0;
          (visit_leaves(items, join_path(path, i++), f), ...);
        },
        tree);
  } else {
    boost::pfr::for_each_field(tree, [&](auto& field, auto i) {
      visit_leaves(field, join_path(path, field_name<Plain, i>()), f);
    });
  }
}

/// The tensor at a path, if its type is that of `old` or `old` has no value.
const Tensor& replacement(const Tree& tree, const std::string& path, const Tensor& old);
/// `leaves`, which are at `paths`, in the order of `wanted`. Error invalid_argument names `what`
/// and the first path that only one side has.
std::vector<Tensor> in_order(const std::vector<std::string>& wanted,
                             const std::vector<std::string>& paths, std::vector<Tensor> leaves,
                             std::string_view what);

}  // namespace detail

/// What transforms take and return. Numbers and strings in it are constants.
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

/// The leaves of a tree in the order in which `like` has leaves of the same paths: a Tree keeps the
/// order in which it was filled, which need not be that of another. Error invalid_argument, which
/// begins with `what`, when a path is missing or one too many.
template <class Like, class T>
std::vector<Tensor> leaves_as(const Like& like, const T& tree, std::string_view what) {
  return detail::in_order(leaf_paths(like), leaf_paths(tree), leaves_of(tree), what);
}

/// A tree of the same structure with other leaves, as many as it has.
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

/// f on each leaf (and on the leaves at the same paths of other trees, which must have just those).
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

/// `like` with the leaves that `tree` has at the same paths. Error not_found or type_mismatch names
/// the path; what else `tree` has is left alone.
template <class T>
T from_tree(const Tree& tree, T like) {
  for_each_leaf(like, [&](const std::string& path, Tensor& leaf) {
    leaf = detail::replacement(tree, path, leaf);
  });
  return like;
}

}  // namespace tenon
