// Functions of trees as functions of flat lists of tensors: what the transforms are written with.
//
//   auto f = [](Tensor x, Tensor y) { return std::pair{x + y, x}; };
//   std::tuple arguments{x, y};
//   detail::Flat flat(f, arguments);
//   std::vector<Tensor> leaves = flat({x, y});
//   std::pair<Tensor, Tensor> result = flat.rebuild(leaves);
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tenon/tensor/tree.h"

namespace tenon {

/// A function of a flat list of tensors that lives elsewhere, while something is called with it.
/// (One std::function for each lambda of a user would be a third of what compiling them takes.)
class FlatFunction {
 public:
  template <class F>
    requires(!std::is_same_v<F, FlatFunction>)
  FlatFunction(const F& f) : f_(&f), call_(call<F>) {}
  template <class F>
    requires(!std::is_same_v<F, FlatFunction>)
  FlatFunction(const F&& f) = delete;  // it would be gone already: give the function a name

  std::vector<Tensor> operator()(std::vector<Tensor> leaves) const {
    return call_(f_, std::move(leaves));
  }

 private:
  template <class F>
  static std::vector<Tensor> call(const void* f, std::vector<Tensor>&& leaves) {
    return (*static_cast<const F*>(f))(std::move(leaves));
  }

  const void* f_;
  std::vector<Tensor> (*call_)(const void*, std::vector<Tensor>&&);
};

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

/// f(arguments…)
template <class F, class... T, size_t... kArgument>
decltype(auto) call_with(const F& f, std::tuple<T...>&& arguments,
                         std::index_sequence<kArgument...>) {
  return f(std::forward<T>(std::get<kArgument>(arguments))...);
}

/// `f`, a function of a tuple of trees, as a function of flat leaves, which keeps its result's
/// structure. Refers to `f` and to `like`.
template <class F, class... T>
class Flat {
 public:
  using Called = Invocation<F, std::tuple<T...>>;
  using Result = typename Called::Result;

  Flat(const F& f, const std::tuple<T...>& like) : f_(f), like_(like) {}

  std::vector<Tensor> operator()(std::vector<Tensor> leaves) const {
    if constexpr (Called::kWorks) {
      result_ = call_with(f_, with_leaves(like_, std::span<const Tensor>(leaves)),
                          std::index_sequence_for<T...>());
    }
    return leaves_of(*result_);
  }
  /// Known once the function was called.
  const std::optional<Result>& result() const { return result_; }
  Result rebuild(std::span<const Tensor> leaves) const { return with_leaves(*result_, leaves); }

 private:
  const F& f_;
  const std::tuple<T...>& like_;
  mutable std::optional<Result> result_;
};
template <class F, class... T>
Flat(const F&, const std::tuple<T...>&) -> Flat<F, T...>;

/// C++ numbers are tensors where a tree is needed.
template <class T>
auto as_tree(const T& argument) {
  if constexpr (std::is_arithmetic_v<T>) {
    return Tensor(argument);
  } else {
    return argument;
  }
}

/// An argument, as a tensor where it is a number and `kIsBy`.
template <bool kIsBy, class T>
auto as_tree_if(const T& argument) {
  if constexpr (kIsBy) {
    return as_tree(argument);
  } else {
    return argument;
  }
}
template <size_t... kBy>
constexpr bool is_among(size_t argument) {
  return ((kBy == argument) || ...);
}
/// The arguments, with numbers as tensors where `kBy` names them.
template <size_t... kBy, size_t... kAll, class... T>
auto with_trees(std::index_sequence<kAll...>, const T&... arguments) {
  return std::make_tuple(as_tree_if<is_among<kBy...>(kAll)>(arguments)...);
}

template <class T>
size_t leaf_count(const T& tree) {
  size_t count = 0;
  for_each_leaf(tree, [&](const Tensor&) { ++count; });
  return count;
}
template <class... T, size_t... kAll>
std::vector<size_t> leaf_counts(const std::tuple<T...>& arguments, std::index_sequence<kAll...>) {
  return {leaf_count(std::get<kAll>(arguments))...};
}
/// The places of the leaves of those arguments among all leaves; `counts`: of each argument.
std::vector<size_t> leaf_places(std::span<const size_t> counts,
                                std::initializer_list<size_t> arguments);

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
