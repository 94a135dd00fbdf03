// Functions of functions: derivatives, vectorisation, control flow. They compose in any order, and
// take and return trees; jit.h has the one that compiles.
//
//   #include <tenon/tensor/numpy.h>
//   given: Tensor x, v;
//   auto f = [](Tensor x) { return sum(sin(x) * exp(-x * x)); };
//   auto df = grad(f);                                       // a function again
//   auto curvature = jvp(grad(f), x, v).tangent;             // Hessian times v
//   auto rows = vmap(f, {.in = {0}});                        // one result a row
//   auto size = cond(f(x) > 0, [](Tensor x) { return x; }, [](Tensor x) { return -x; }, x);
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/tensor/tree.h"

namespace tenon {

using FlatFunction = std::function<std::vector<Tensor>(std::vector<Tensor>)>;

/// A function recorded as a graph. Its inputs are the arguments' leaves, then `captures`: tensors
/// from outside that the function used.
struct Traced {
  GraphRef graph;
  std::vector<Tensor> captures;
};
/// `names` (one an argument, or none) are what errors and printed graphs call the arguments.
Traced trace(const FlatFunction& f, std::span<const Type> arguments, std::string name = "traced",
             std::span<const std::string> names = {});
/// Records the nodes of `graph` as calls on `inputs`. Symbols of its input types may stand for the
/// numbers of concrete inputs.
std::vector<Tensor> apply_graph(const Graph& graph, std::span<const Tensor> inputs);
/// Whether a function is being traced on this thread.
bool is_tracing();

namespace detail {

using Names = std::span<const std::string>;

/// Outputs, then the gradients of output 0 by the first `wanted` arguments.
std::vector<Tensor> flat_value_and_grad(const FlatFunction& f, std::span<const Tensor> arguments,
                                        size_t wanted, Names names);
/// Outputs, then the tangents of the outputs.
std::vector<Tensor> flat_jvp(const FlatFunction& f, std::span<const Tensor> primals,
                             std::span<const Tensor> tangents, Names names);
struct FlatPullback {
  std::vector<Tensor> outputs;
  std::function<std::vector<Tensor>(std::span<const Tensor>)> pull;
};
FlatPullback flat_vjp(const FlatFunction& f, std::span<const Tensor> primals, Names names);
std::vector<Tensor> flat_vmap(const FlatFunction& f, std::span<const Tensor> arguments,
                              std::span<const std::optional<int64_t>> in_axes,
                              std::optional<int64_t> out_axis, const std::string& axis_name,
                              Names names);
std::vector<Tensor> flat_checkpoint(const FlatFunction& f, std::span<const Tensor> arguments);
/// `forward` gives outputs, then residuals; `backward` takes residuals, then cotangents.
std::vector<Tensor> flat_custom_vjp(const FlatFunction& f, const FlatFunction& forward,
                                    const FlatFunction& backward,
                                    std::span<const Tensor> arguments);
std::vector<Tensor> flat_cond(const Tensor& predicate, const FlatFunction& then,
                              const FlatFunction& otherwise, std::span<const Tensor> operands);
std::vector<Tensor> flat_while(const FlatFunction& condition, const FlatFunction& body,
                               std::span<const Tensor> start);
/// Final carries, then the stacked results.
std::vector<Tensor> flat_scan(const FlatFunction& body, std::span<const Tensor> carries,
                              std::span<const Tensor> xs, bool reverse);

/// Wraps `f`, a function of a tuple of trees, as a function of flat leaves; keeps its result's
/// structure.
template <class F, class Arguments>
class Flat {
 public:
  using Result = std::remove_cvref_t<decltype(std::apply(std::declval<const F&>(),
                                                         std::declval<Arguments>()))>;

  Flat(const F& f, const Arguments& like)
      : result_(std::make_shared<std::optional<Result>>()),
        call_([f, like, result = result_](std::vector<Tensor> leaves) {
          *result = std::apply(f, with_leaves(like, leaves));
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

}  // namespace detail

/// (value, gradient by the first argument) of a function whose result is a scalar tensor, or a pair
/// of one and anything else (auxiliary results, which come back as they are: ((value, aux),
/// gradient)). Integer leaves get zeros.
template <class F>
auto value_and_grad(F f) {
  return [f = std::move(f)](const auto& first, const auto&... rest) {
    auto variable = detail::as_tree(first);
    auto arguments = std::make_tuple(variable, rest...);
    detail::Flat flat(f, arguments);
    std::vector<Tensor> leaves = leaves_of(arguments);
    size_t wanted = leaves_of(variable).size();
    std::vector<Tensor> all =
        detail::flat_value_and_grad(flat.call(), leaves, wanted, leaf_paths(arguments));
    std::span<const Tensor> results(all);
    return std::pair{flat.rebuild(results.first(all.size() - wanted)),
                     with_leaves(variable, results.last(wanted))};
  };
}

/// The gradient by the first argument.
template <class F>
auto grad(F f) {
  return [g = value_and_grad(std::move(f))](const auto&... arguments) {
    return g(arguments...).second;
  };
}

template <class Value>
struct Jvp {
  Value value;
  Value tangent;
};

/// Forward mode: f(primal) and its derivative in the direction `tangent` (a tree of the same
/// structure).
template <class F, class T>
auto jvp(const F& f, const T& primal, const std::type_identity_t<T>& tangent) {
  auto start = detail::as_tree(primal);
  auto arguments = std::make_tuple(start);
  detail::Flat flat(f, arguments);
  std::vector<Tensor> all = detail::flat_jvp(
      flat.call(), leaves_of(start), leaves_of(detail::as_tree(tangent)), leaf_paths(arguments));
  std::span<const Tensor> leaves(all);
  using Value = typename decltype(flat)::Result;
  return Jvp<Value>{flat.rebuild(leaves.first(all.size() / 2)),
                    flat.rebuild(leaves.last(all.size() / 2))};
}

/// Reverse mode: f(primal), and a function from a cotangent of the result to one of the argument.
template <class F, class T>
auto vjp(const F& f, const T& primal) {
  auto start = detail::as_tree(primal);
  auto arguments = std::make_tuple(start);
  detail::Flat flat(f, arguments);
  detail::FlatPullback pullback =
      detail::flat_vjp(flat.call(), leaves_of(start), leaf_paths(arguments));
  using Value = typename decltype(flat)::Result;
  auto pull = [start, pull = pullback.pull](const Value& cotangent) {
    return with_leaves(start, std::span<const Tensor>(pull(leaves_of(cotangent))));
  };
  return std::pair{flat.rebuild(pullback.outputs), std::move(pull)};
}

struct VmapAxes {
  /// The axis of each argument's leaves that is mapped over, or `none`; empty: axis 0 of all.
  std::vector<std::optional<int64_t>> in = {};
  /// Where the results carry it; `none` where they are the same for all, as after all_reduce.
  std::optional<int64_t> out = 0;
  /// What all_reduce and the other collectives in f call it: the elements are their participants.
  std::string axis_name = {};
};

/// f on each element along an axis, as one batched computation.
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
    return flat.rebuild(detail::flat_vmap(flat.call(), leaves_of(arguments), leaf_axes, axes.out,
                                          axes.axis_name, leaf_paths(arguments)));
  };
}

/// f, but its intermediate values are computed again in reverse mode instead of being kept.
template <class F>
auto checkpoint(F f) {
  return [f = std::move(f)](const auto&... args) {
    auto arguments = std::make_tuple(args...);
    detail::Flat flat(f, arguments);
    return flat.rebuild(detail::flat_checkpoint(flat.call(), leaves_of(arguments)));
  };
}

/// f with its own reverse rule: `forward` gives (result, residuals), `backward` takes residuals and
/// the result's cotangent and gives a tuple of the arguments' cotangents.
template <class F, class Forward, class Backward>
auto custom_vjp(F f, Forward forward, Backward backward) {
  return [=](const auto&... args) {
    auto arguments = std::make_tuple(args...);
    detail::Flat flat(f, arguments);
    detail::Flat flat_forward(forward, arguments);
    FlatFunction flat_backward = [backward,
                                  known = flat_forward.result()](std::vector<Tensor> leaves) {
      const auto& [value, residuals] = **known;
      std::span<const Tensor> all(leaves);
      size_t count = leaves_of(residuals).size();
      return leaves_of(backward(with_leaves(residuals, all.first(count)),
                                with_leaves(value, all.subspan(count))));
    };
    return flat.rebuild(detail::flat_custom_vjp(flat.call(), flat_forward.call(), flat_backward,
                                                leaves_of(arguments)));
  };
}

/// then(operands…) where the scalar `predicate` holds, else otherwise(operands…); only one of them
/// runs.
template <class Then, class Otherwise, class... T>
auto cond(const Tensor& predicate, const Then& then, const Otherwise& otherwise,
          const T&... operands) {
  auto arguments = std::make_tuple(operands...);
  detail::Flat flat_then(then, arguments);
  detail::Flat flat_otherwise(otherwise, arguments);
  return flat_then.rebuild(
      detail::flat_cond(predicate, flat_then.call(), flat_otherwise.call(), leaves_of(arguments)));
}

/// state = body(state) for as long as condition(state), a scalar bool, holds.
template <class Condition, class Body, class T>
T while_loop(const Condition& condition, const Body& body, const T& start) {
  auto arguments = std::make_tuple(start);
  detail::Flat flat_condition(condition, arguments);
  detail::Flat flat_body(body, arguments);
  return with_leaves(start, std::span<const Tensor>(detail::flat_while(
                                flat_condition.call(), flat_body.call(), leaves_of(start))));
}

/// (carry, y) = body(carry, x) along axis 0 of xs; returns the last carry and all y, stacked.
template <class Body, class Carry, class Xs>
auto scan(const Body& body, const Carry& carry, const Xs& xs, bool reverse = false) {
  auto arguments = std::make_tuple(carry, xs);
  detail::Flat flat(body, arguments);
  return flat.rebuild(detail::flat_scan(flat.call(), leaves_of(carry), leaves_of(xs), reverse));
}

}  // namespace tenon
