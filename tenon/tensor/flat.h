// Functions of trees as functions of flat lists of tensors: what the transforms are written with.
//
//   auto f = [](Tensor x, Tensor y) { return std::pair{x + y, x}; };
//   detail::Flat flat(f, std::tuple{x, y});
//   std::vector<Tensor> leaves = flat.call()({x, y});
//   std::pair<Tensor, Tensor> result = flat.rebuild(leaves);
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tenon/tensor/tree.h"

namespace tenon {

using FlatFunction = std::function<std::vector<Tensor>(std::vector<Tensor>)>;

namespace detail {

/// What F gives for arguments of some types. Where it cannot be called with them, one message says
/// so, and a Tensor stands for the result.
template <class F, class Arguments>
struct Invocation;
template <class F, class... T>
struct Invocation<F, std::tuple<T...>> {
  static constexpr bool kTakesThem = std::is_invocable_v<const F&, T...>;
  static_assert(kTakesThem,
                "the function does not take these arguments: they are too many, too few or of "
                "other types, or it is mutable");
  using Given = typename std::conditional_t<kTakesThem, std::invoke_result<const F&, T...>,
                                            std::type_identity<Tensor>>::type;
  static_assert(!std::is_void_v<Given>, "the function has to return its results");
  static constexpr bool kWorks = kTakesThem && !std::is_void_v<Given>;
  using Result = std::conditional_t<kWorks, std::remove_cvref_t<Given>, Tensor>;
};

template <class T>
struct IsPair : std::false_type {};
template <class A, class B>
struct IsPair<std::pair<A, B>> : std::true_type {};
template <class A, class B>
struct IsPair<std::tuple<A, B>> : std::true_type {};

/// Wraps `f`, a function of a tuple of trees, as a function of flat leaves; keeps its result's
/// structure.
template <class F, class Arguments>
class Flat {
 public:
  using Called = Invocation<F, Arguments>;
  using Result = typename Called::Result;

  Flat(const F& f, const Arguments& like)
      : result_(std::make_shared<std::optional<Result>>()),
        call_([f, like, result = result_](std::vector<Tensor> leaves) {
          if constexpr (Called::kWorks) *result = std::apply(f, with_leaves(like, leaves));
          return leaves_of(**result);
        }) {}

  const FlatFunction& call() const { return call_; }
  /// Known once the function was called.
  const Result& structure() const { return **result_; }
  const std::shared_ptr<std::optional<Result>>& result() const { return result_; }
  Result rebuild(std::span<const Tensor> leaves) const { return with_leaves(structure(), leaves); }

 private:
  std::shared_ptr<std::optional<Result>> result_;
  FlatFunction call_;
};

/// C++ numbers are tensors where a tree is needed.
template <class T>
auto as_tree(const T& argument) {
  if constexpr (std::is_arithmetic_v<T>) {
    return Tensor(argument);
  } else {
    return argument;
  }
}

/// The arguments, with numbers as tensors where `kBy` names them.
template <size_t... kBy, size_t... kAll, class Arguments>
auto with_trees(std::index_sequence<kAll...>, const Arguments& arguments) {
  auto at = [&]<size_t kIndex>(std::integral_constant<size_t, kIndex>) {
    const auto& argument = std::get<kIndex>(arguments);
    if constexpr (((kBy == kIndex) || ...)) {
      return as_tree(argument);
    } else {
      return argument;
    }
  };
  return std::make_tuple(at(std::integral_constant<size_t, kAll>())...);
}

/// The number of leaves before each argument, and of all.
template <class... T>
std::vector<size_t> first_leaves(const std::tuple<T...>& arguments) {
  std::vector<size_t> first = {0};
  auto add = [&](const auto& argument) {
    size_t count = 0;
    for_each_leaf(argument, [&](const Tensor&) { ++count; });
    first.push_back(first.back() + count);
  };
  std::apply([&](const auto&... each) { (add(each), ...); }, arguments);
  return first;
}

/// The arguments of f: a tree, or the members of a tuple, whichever it takes.
template <class F, class T>
auto arguments_for(const T& primal) {
  if constexpr (TupleLike<T> && !std::is_invocable_v<const F&, const T&>) {
    return std::apply([](const auto&... each) { return std::make_tuple(as_tree(each)...); },
                      primal);
  } else {
    return std::make_tuple(as_tree(primal));
  }
}

}  // namespace detail

}  // namespace tenon
