// Transforms of functions: derivatives, vectorisation, control flow. They compose in any order, and
// take and return trees. Compilation is in jit.h.
//
//   #include <tenon/tensor/numpy.h>
//   given: Tensor x, v;
//   auto f = [](Tensor x) { return sum(sin(x) * exp(-x * x)); };
//   auto df = grad(f);                                       // a function again
//   auto curvature = jvp(grad(f), x, v).tangent;             // Hessian times v
//   auto rows = vmap(f, {.in = {0}});                        // one result per row
//   auto size = cond(f(x) > 0, [](Tensor x) { return x; }, [](Tensor x) { return -x; }, x);
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tenon/tensor/detail/flat.h"
#include "tenon/tensor/detail/flat_transforms.h"
#include "tenon/tensor/detail/value_and_grad.h"
#include "tenon/tensor/tree.h"

namespace tenon {

/// How many nested functions are being traced on this thread.
uint32_t trace_depth();
inline bool is_tracing() { return trace_depth() > 0; }

/// (value, gradient with respect to the first argument) of a function that returns a scalar, or a
/// pair of a scalar and auxiliary results, which are returned as they are: ((value, aux),
/// gradient). Integer leaves get zeros. `value_and_grad<1>(f)` is with respect to the second
/// argument, and `value_and_grad<0, 2>(f)` returns a tuple of gradients.
template <size_t... kBy, class F>
auto value_and_grad(F f) {
  return detail::ValueAndGradBy<F, kBy...>{std::move(f)};
}

/// The gradient with respect to the first argument, or to those given: `grad<1>(f)`.
template <size_t... kBy, class F>
auto grad(F f) {
  return detail::Grad<F, kBy...>{{std::move(f)}};
}

template <class Value>
struct Jvp {
  Value value;
  Value tangent;
};

/// Forward mode: f(primal) and its derivative in the direction `tangent` (a tree of the same
/// structure). A function of several arguments takes a tuple of each:
/// `jvp(f, std::tuple{x, y}, std::tuple{dx, dy})`.
template <class F, class T>
auto jvp(const F& f, const T& primal, const std::type_identity_t<T>& tangent) {
  auto arguments = detail::arguments_for<F>(primal);
  detail::Flat flat(f, arguments);
  std::vector<Tensor> all =
      detail::flat_jvp(flat, leaves_of(arguments),
                       leaves_as(arguments, detail::arguments_for<F>(tangent), "jvp: the tangent"),
                       leaf_paths(arguments));
  std::span<const Tensor> leaves(all);
  using Value = typename decltype(flat)::Result;
  return Jvp<Value>{flat.rebuild(leaves.first(all.size() / 2)),
                    flat.rebuild(leaves.last(all.size() / 2))};
}

/// Reverse mode: f(primals…), and a function from the cotangent of the result to the cotangent of
/// the argument, or to a tuple for several arguments.
template <class F, class... T>
auto vjp(const F& f, const T&... primals) {
  auto arguments = std::make_tuple(detail::as_tree(primals)...);
  detail::Flat flat(f, arguments);
  detail::FlatPullback pullback =
      detail::flat_vjp(flat, leaves_of(arguments), leaf_paths(arguments));
  using Value = typename decltype(flat)::Result;
  Value value = flat.rebuild(pullback.outputs);
  auto pull = [arguments, paths = leaf_paths(value), pull = pullback.pull](const Value& cotangent) {
    std::vector<Tensor> given =
        detail::in_order(paths, leaf_paths(cotangent), leaves_of(cotangent), "vjp: the cotangent");
    auto all = with_leaves(arguments, std::span<const Tensor>(pull(given)));
    if constexpr (sizeof...(T) == 1) {
      return std::get<0>(std::move(all));
    } else {
      return all;
    }
  };
  return std::pair{std::move(value), std::move(pull)};
}

struct VmapAxes {
  /// The mapped axis of each argument's leaves, or `none` (not mapped); empty: axis 0 of all.
  std::vector<std::optional<int64_t>> in = {};
  /// The mapped axis of the results; `none` if they are the same for all, as after all_reduce.
  std::optional<int64_t> out = 0;
  /// The name of the axis for all_reduce and the other collectives in f.
  std::string axis_name = {};
};

/// f on each element along an axis, as one batched computation. If elements take different branches
/// of a `cond`, both are computed for all of them and one result is selected. Elements that do not
/// take a branch are replaced in it by one that does, so they cause neither NaN nor endless loops,
/// and a branch with a loop does not run if no element takes it. A `while_loop` runs until all
/// elements are done; finished elements keep their state.
template <class F>
auto vmap(F f, VmapAxes axes = {}) {
  return [f = std::move(f), axes = std::move(axes)](const auto&... args) {
    auto arguments = std::make_tuple(args...);
    if (!axes.in.empty() && axes.in.size() != sizeof...(args))
      fail(ErrorCode::invalid_argument, "vmap: {} axes for {} arguments", axes.in.size(),
           sizeof...(args));
    detail::Flat flat(f, arguments);
    std::vector<std::optional<int64_t>> leaf_axes;
    size_t i = 0;
    auto add = [&](const auto& argument) {
      std::optional<int64_t> axis = axes.in.empty() ? std::optional<int64_t>(0) : axes.in[i++];
      leaf_axes.insert(leaf_axes.end(), leaves_of(argument).size(), axis);
    };
    (add(args), ...);
    return flat.rebuild(detail::flat_vmap(flat, leaves_of(arguments), leaf_axes, axes.out,
                                          axes.axis_name, leaf_paths(arguments)));
  };
}

/// The Jacobian of a function from a tensor to a tensor with respect to its first argument, in
/// reverse mode (one batch over the result's elements). Shape: the result's, then the argument's.
template <class F>
auto jacobian(F f) {
  return [f = std::move(f)](const Tensor& x, const auto&... rest) {
    auto [value, pull] = vjp([&](const Tensor& x) { return f(x, rest...); }, x);
    Tensor basis = detail::unit_vectors(value.shape(), value.dtype());
    Tensor rows = vmap([&pull = pull](const Tensor& unit) { return pull(unit); })(basis);
    return detail::split_axis(rows, 0, value.shape());
  };
}

/// The same in forward mode: better if the result has more elements than the argument.
template <class F>
auto jacobian_forward(F f) {
  return [f = std::move(f)](const Tensor& x, const auto&... rest) {
    auto push = [&](const Tensor& unit) {
      return jvp([&](const Tensor& x) { return f(x, rest...); }, x, unit).tangent;
    };
    Tensor columns = vmap(push, {.in = {}, .out = -1})(detail::unit_vectors(x.shape(), x.dtype()));
    return detail::split_axis(columns, -1, x.shape());
  };
}

/// The second derivatives of a scalar function of a tensor: forward over reverse mode.
template <class F>
auto hessian(F f) {
  return jacobian_forward(grad(std::move(f)));
}

/// Gradient checkpointing: f, but the backward pass recomputes intermediate values.
template <class F>
auto remat(F f) {
  return [f = std::move(f)](const auto&... args) {
    auto arguments = std::make_tuple(args...);
    detail::Flat flat(f, arguments);
    return flat.rebuild(detail::flat_remat(flat, leaves_of(arguments)));
  };
}

/// f with a custom reverse rule: `forward` returns (result, residuals); `backward` takes residuals
/// and the result's cotangent and returns a tuple of the arguments' cotangents. Captured tensors
/// are constants for differentiation: pass them as arguments to get derivatives by them.
template <class F, class Forward, class Backward>
auto custom_vjp(F f, Forward forward, Backward backward) {
  return [=](const auto&... args) {
    auto arguments = std::make_tuple(args...);
    detail::Flat flat(f, arguments);
    detail::Flat flat_forward(forward, arguments);
    constexpr bool kPair = detail::IsPair<typename decltype(flat_forward)::Result>::value;
    static_assert(kPair, "custom_vjp: forward has to return a pair: the result and residuals");
    auto flat_backward = [&backward, &arguments,
                          &known = flat_forward.result()](std::vector<Tensor> leaves) {
      if constexpr (kPair) {
        const auto& [value, residuals] = *known;
        std::span<const Tensor> all(leaves);
        size_t count = leaves_of(residuals).size();
        return leaves_as(arguments,
                         backward(with_leaves(residuals, all.first(count)),
                                  with_leaves(value, all.subspan(count))),
                         "custom_vjp: what backward returns");
      } else {
        return leaves;
      }
    };
    return flat.rebuild(
        detail::flat_custom_vjp(flat, flat_forward, flat_backward, leaves_of(arguments)));
  };
}

/// then(operands…) if the scalar `predicate` is true, else otherwise(operands…); only one of them
/// runs. Under `vmap` both run, if the predicate differs between elements.
template <class Then, class Otherwise, class... T>
auto cond(const Tensor& predicate, const Then& then, const Otherwise& otherwise,
          const T&... operands) {
  auto arguments = std::make_tuple(operands...);
  detail::Flat flat_then(then, arguments);
  // The second branch is traced after the first, and returns its results in the same order.
  auto otherwise_as_then = [&otherwise, &known = flat_then.result()](const T&... values) {
    auto result = otherwise(values...);
    return with_leaves(*known, leaves_as(*known, result, "cond: the second branch"));
  };
  detail::Flat flat_otherwise(otherwise_as_then, arguments);
  return flat_then.rebuild(
      detail::flat_cond(predicate, flat_then, flat_otherwise, leaves_of(arguments)));
}

/// state = body(state) while condition(state), a scalar bool, is true. Under `vmap`, runs until it
/// is false for all elements.
template <class Condition, class Body, class T>
T while_loop(const Condition& condition, const Body& body, const T& start) {
  auto arguments = std::make_tuple(start);
  detail::Flat flat_condition(condition, arguments);
  auto body_as_start = [&body, &start](const T& state) {
    return with_leaves(start, leaves_as(start, body(state), "while_loop: the state of the body"));
  };
  detail::Flat flat_body(body_as_start, arguments);
  return with_leaves(start, std::span<const Tensor>(
                                detail::flat_while(flat_condition, flat_body, leaves_of(start))));
}

/// (carry, y) = body(carry, x) along axis 0 of xs; returns the last carry and all y, stacked.
template <class Body, class Carry, class Xs>
auto scan(const Body& body, const Carry& carry, const Xs& xs, bool reverse = false) {
  auto arguments = std::make_tuple(carry, xs);
  using Step = typename detail::Invocation<Body, std::tuple<const Carry&, const Xs&>>::Result;
  static_assert(detail::IsPair<Step>::value,
                "scan: the body has to return a pair: the next carry, and what is stacked");
  if constexpr (detail::IsPair<Step>::value) {
    auto body_as_carry = [&body, &carry](const Carry& before, const Xs& x) {
      auto [next, y] = body(before, x);
      return std::pair{with_leaves(carry, leaves_as(carry, next, "scan: the carry of the body")),
                       std::move(y)};
    };
    detail::Flat flat(body_as_carry, arguments);
    return flat.rebuild(detail::flat_scan(flat, leaves_of(carry), leaves_of(xs), reverse));
  }
}

}  // namespace tenon
