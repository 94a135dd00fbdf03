// How the leaves of trees are found. Private to tensor/tree.h.
#pragma once

#include <boost/pfr/core.hpp>
#include <boost/pfr/tuple_size.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tenon/tensor/detail/field_name.h"
#include "tenon/tensor/named_tree.h"

namespace tenon {

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

template <class T, class Path, class F>
void visit_leaves(T& tree, const Path& path, F& f);

template <class T, class Path, class F, size_t... kMember>
void visit_members(T& members, const Path& path, F& f, std::index_sequence<kMember...>) {
  (visit_leaves(std::get<kMember>(members), join_path(path, kMember), f), ...);
}

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
    visit_members(tree, path, f, std::make_index_sequence<std::tuple_size_v<Plain>>());
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

}  // namespace tenon
