// What value_and_grad() and grad() return.
#pragma once

#include <cstddef>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tenon/tensor/detail/flat.h"
#include "tenon/tensor/detail/flat_transforms.h"

namespace tenon::detail {

/// Of the tuple (value, gradients…): pairs of them where there is one.
template <class Value, class... Gradients>
auto value_and_gradients(Value value, std::tuple<Gradients...> gradients) {
  if constexpr (sizeof...(Gradients) == 1) {
    return std::pair{std::move(value), std::get<0>(std::move(gradients))};
  } else {
    return std::pair{std::move(value), std::move(gradients)};
  }
}

template <class F, size_t... kBy>
struct ValueAndGrad {
  F f;

  template <class... T>
  auto operator()(const T&... args) const {
    static_assert(((kBy < sizeof...(T)) && ...), "the function has no such argument");
    const auto arguments = with_trees<kBy...>(std::index_sequence_for<T...>(), args...);
    const Flat flat(f, arguments);
    const std::vector<size_t> wanted =
        leaf_places(leaf_counts(arguments, std::index_sequence_for<T...>()), {kBy...});
    const std::vector<Tensor> all =
        flat_value_and_grad(flat, leaves_of(arguments), wanted, leaf_paths(arguments));
    const std::span<const Tensor> results(all);
    return value_and_gradients(
        flat.rebuild(results.first(all.size() - wanted.size())),
        with_leaves(std::make_tuple(std::get<kBy>(arguments)...), results.last(wanted.size())));
  }
};

/// By the first argument where none is named.
template <class F, size_t... kBy>
using ValueAndGradBy =
    std::conditional_t<sizeof...(kBy) == 0, ValueAndGrad<F, 0>, ValueAndGrad<F, kBy...>>;

template <class F, size_t... kBy>
struct Grad {
  ValueAndGradBy<F, kBy...> value_and_grad;

  template <class... T>
  auto operator()(const T&... arguments) const {
    return value_and_grad(arguments...).second;
  }
};

}  // namespace tenon::detail
