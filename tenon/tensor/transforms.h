// Functions of functions: derivatives, vectorisation, compilation. They compose in any order, and
// take and return trees.
//
//   auto f = [](Tensor x) { return sum(sin(x) * exp(-x * x)); };
//   auto df = grad(f);                                       // a function again
//   auto curvature = jvp(grad(f), x, v).tangent;             // Hessian times v
//   auto fast = jit(df);                                     // compiled once
//   auto rows = vmap(f, {.in = {0}});                        // one result a row
#pragma once

#include <any>
#include <functional>
#include <memory>
#include <optional>
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
Traced trace(const FlatFunction& f, std::span<const Type> arguments, std::string name = "traced");
/// Records the nodes of `graph` as calls on `inputs`.
std::vector<Tensor> apply_graph(const Graph& graph, std::span<const Tensor> inputs);
/// Whether a function is being traced on this thread.
bool is_tracing();

namespace detail {

std::vector<Tensor> flat_value_and_grad(const FlatFunction& f, std::span<const Tensor> arguments,
                                        size_t wanted);
/// Outputs, then the tangents of the outputs.
std::vector<Tensor> flat_jvp(const FlatFunction& f, std::span<const Tensor> primals,
                             std::span<const Tensor> tangents);
struct FlatPullback {
  std::vector<Tensor> outputs;
  std::function<std::vector<Tensor>(std::span<const Tensor>)> pull;
};
FlatPullback flat_vjp(const FlatFunction& f, std::span<const Tensor> primals);
std::vector<Tensor> flat_vmap(const FlatFunction& f, std::span<const Tensor> arguments,
                              std::span<const std::optional<int64_t>> in_axes, int64_t out_axis);
std::vector<Tensor> flat_checkpoint(const FlatFunction& f, std::span<const Tensor> arguments);
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

/// Keeps the plans of one jitted function, by the types of its arguments.
class JitCache {
 public:
  struct Options {
    bool donate = true;
  };
  explicit JitCache(Options options);
  /// `static_key` tells apart calls whose non-tensor arguments differ. Arguments that nobody else
  /// holds are reused in place.
  std::vector<Tensor> call(const FlatFunction& f, std::vector<Tensor> arguments,
                           const std::string& static_key) const;
  size_t compilations() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Text that tells apart the numbers, strings and structure of a tree (not its tensors).
template <class T>
void describe_structure(const T& tree, std::string& out) {
  using Plain = std::remove_cvref_t<T>;
  if constexpr (std::is_same_v<Plain, Tensor>) {
    out += 't';
  } else if constexpr (std::is_same_v<Plain, Tree>) {
    out += tree.is_leaf() ? "t{" : "{";
    for (const auto& [name, child] : tree.children()) {
      out += name + ":";
      describe_structure(child, out);
    }
    out += '}';
  } else if constexpr (std::is_same_v<Plain, std::string>) {
    out += std::to_string(tree.size()) + "\"" + tree;
  } else if constexpr (std::is_enum_v<Plain>) {
    out += std::to_string(static_cast<int64_t>(tree)) + ",";
  } else if constexpr (std::is_arithmetic_v<Plain>) {
    out += std::to_string(tree) + ",";
  } else if constexpr (IsVector<Plain>::value) {
    out += '[';
    for (const auto& item : tree) describe_structure(item, out);
    out += ']';
  } else if constexpr (IsStringMap<Plain>::value) {
    out += '{';
    for (const auto& [name, child] : tree) {
      out += name + ":";
      describe_structure(child, out);
    }
    out += '}';
  } else if constexpr (TupleLike<Plain>) {
    out += '(';
    std::apply([&](const auto&... items) { (describe_structure(items, out), ...); }, tree);
    out += ')';
  } else {
    out += '<';
    boost::pfr::for_each_field(tree, [&](const auto& field) { describe_structure(field, out); });
    out += '>';
  }
}

/// Wraps `f`, a function of a tuple of trees, as a function of flat leaves; keeps its result's
/// structure.
template <class F, class Arguments>
auto flat_function(const F& f, const Arguments& like) {
  using Result = std::remove_cvref_t<decltype(std::apply(f, like))>;
  struct Flat {
    FlatFunction call;
    std::shared_ptr<std::optional<Result>> result;
  };
  auto result = std::make_shared<std::optional<Result>>();
  FlatFunction call = [f, like, result](std::vector<Tensor> leaves) {
    Arguments arguments = unflatten(like, leaves);
    Result value = std::apply(f, std::move(arguments));
    *result = value;
    return flatten(value);
  };
  return Flat{std::move(call), std::move(result)};
}

template <class T>
struct IsPair : std::false_type {};
template <class A, class B>
struct IsPair<std::pair<A, B>> : std::true_type {};

}  // namespace detail

/// (value, gradient by the first argument) of a function whose result is a scalar tensor, or a pair
/// of one and anything else (auxiliary results, which come back as they are: ((value, aux),
/// gradient)). Integer leaves get zeros.
template <class F>
auto value_and_grad(F f) {
  return [f = std::move(f)]<class First, class... Rest>(const First& first, const Rest&... rest) {
    std::tuple<First, Rest...> arguments(first, rest...);
    auto flat = detail::flat_function(f, arguments);
    std::vector<Tensor> leaves = flatten(arguments);
    size_t wanted = flatten(first).size();
    std::vector<Tensor> all = detail::flat_value_and_grad(flat.call, leaves, wanted);
    std::span<const Tensor> results(all.data(), all.size() - wanted);
    auto value = unflatten(**flat.result, results);
    First gradient = unflatten(first, std::span<const Tensor>(all).last(wanted));
    return std::pair{std::move(value), std::move(gradient)};
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
auto jvp(const F& f, const T& primal, const T& tangent) {
  std::tuple<T> arguments(primal);
  auto flat = detail::flat_function(f, arguments);
  std::vector<Tensor> all = detail::flat_jvp(flat.call, flatten(primal), flatten(tangent));
  std::span<const Tensor> leaves(all);
  using Value = std::remove_cvref_t<decltype(**flat.result)>;
  size_t half = leaves.size() / 2;
  return Jvp<Value>{unflatten(**flat.result, leaves.first(half)),
                    unflatten(**flat.result, leaves.last(half))};
}

/// Reverse mode: f(primal) and a function from a cotangent of the result to one of the argument.
template <class F, class T>
auto vjp(const F& f, const T& primal) {
  std::tuple<T> arguments(primal);
  auto flat = detail::flat_function(f, arguments);
  detail::FlatPullback pullback = detail::flat_vjp(flat.call, flatten(primal));
  auto value = unflatten(**flat.result, std::span<const Tensor>(pullback.outputs));
  using Value = decltype(value);
  auto pull = [primal, pull = pullback.pull](const Value& cotangent) {
    return unflatten(primal, std::span<const Tensor>(pull(flatten(cotangent))));
  };
  return std::pair{std::move(value), std::move(pull)};
}

inline constexpr std::nullopt_t none = std::nullopt;

struct VmapOptions {
  /// The axis of each argument's leaves that is mapped over, or `none`; empty: axis 0 of all.
  std::vector<std::optional<int64_t>> in = {};
  int64_t out = 0;
};

/// f on each element along an axis, as one batched computation.
template <class F>
auto vmap(F f, VmapOptions options = {}) {
  return [f = std::move(f), options = std::move(options)]<class... T>(const T&... args) {
    std::tuple<T...> arguments(args...);
    auto flat = detail::flat_function(f, arguments);
    std::vector<std::optional<int64_t>> axes;
    size_t i = 0;
    auto add = [&](const auto& argument) {
      std::optional<int64_t> axis =
          options.in.empty() ? std::optional<int64_t>(0) : options.in.at(i);
      axes.insert(axes.end(), flatten(argument).size(), axis);
      ++i;
    };
    (add(args), ...);
    std::vector<Tensor> leaves =
        detail::flat_vmap(flat.call, flatten(arguments), axes, options.out);
    return unflatten(**flat.result, std::span<const Tensor>(leaves));
  };
}

/// Compiles f on its first call with arguments of given types; later calls run the plan. Arguments
/// that are moved in are updated in place. When a dimension changes between calls it becomes a
/// symbol, and that plan serves every size.
template <class F>
auto jit(F f, detail::JitCache::Options options = {}) {
  return
      [f = std::move(f), cache = detail::JitCache(options),
       structures = std::make_shared<std::map<std::string, std::any>>()]<class... T>(T&&... args) {
        std::tuple<std::remove_cvref_t<T>...> arguments(std::forward<T>(args)...);
        std::string key;
        detail::describe_structure(arguments, key);
        std::vector<Tensor> leaves = flatten(arguments);
        // The structure stays, its tensors go: otherwise no argument could be reused in place.
        for_each_leaf(arguments, [](const std::string&, Tensor& leaf) { leaf = Tensor(); });
        auto flat = detail::flat_function(f, arguments);
        using Result = std::remove_cvref_t<decltype(**flat.result)>;
        std::vector<Tensor> results = cache.call(flat.call, std::move(leaves), key);
        std::any& known = (*structures)[key];
        if (flat.result->has_value()) {
          Result structure = **flat.result;
          for_each_leaf(structure, [](const std::string&, Tensor& leaf) { leaf = Tensor(); });
          known = std::move(structure);
        }
        return unflatten(std::any_cast<const Result&>(known), std::span<const Tensor>(results));
      };
}

/// f, but its intermediate values are computed again in reverse mode instead of being kept.
template <class F>
auto checkpoint(F f) {
  return [f = std::move(f)]<class... T>(const T&... args) {
    std::tuple<T...> arguments(args...);
    auto flat = detail::flat_function(f, arguments);
    std::vector<Tensor> leaves = detail::flat_checkpoint(flat.call, flatten(arguments));
    return unflatten(**flat.result, std::span<const Tensor>(leaves));
  };
}

/// f with its own reverse rule: `forward` gives (result, residuals), `backward` takes residuals and
/// the result's cotangent and gives a tuple of the arguments' cotangents.
template <class F, class Forward, class Backward>
auto custom_vjp(F f, Forward forward, Backward backward) {
  return [=]<class... T>(const T&... args) {
    std::tuple<T...> arguments(args...);
    auto flat = detail::flat_function(f, arguments);
    auto flat_forward = detail::flat_function(forward, arguments);
    FlatFunction flat_backward = [=](std::vector<Tensor> leaves) {
      const auto& [value, residuals] = **flat_forward.result;  // known once forward was traced
      size_t count = flatten(residuals).size();
      std::span<const Tensor> all(leaves);
      return flatten(
          backward(unflatten(residuals, all.first(count)), unflatten(value, all.subspan(count))));
    };
    std::vector<Tensor> leaves =
        detail::flat_custom_vjp(flat.call, flat_forward.call, flat_backward, flatten(arguments));
    return unflatten(**flat.result, std::span<const Tensor>(leaves));
  };
}

/// then(operands…) where the scalar `predicate` holds, else otherwise(operands…); only one of them
/// runs.
template <class Then, class Otherwise, class... T>
auto cond(const Tensor& predicate, const Then& then, const Otherwise& otherwise,
          const T&... operands) {
  std::tuple<T...> arguments(operands...);
  auto flat_then = detail::flat_function(then, arguments);
  auto flat_otherwise = detail::flat_function(otherwise, arguments);
  auto leaves =
      detail::flat_cond(predicate, flat_then.call, flat_otherwise.call, flatten(arguments));
  return unflatten(**flat_then.result, std::span<const Tensor>(leaves));
}

/// state = body(state) for as long as condition(state), a scalar bool, holds.
template <class Condition, class Body, class T>
T while_loop(const Condition& condition, const Body& body, const T& start) {
  std::tuple<T> arguments(start);
  auto flat_condition = detail::flat_function(condition, arguments);
  auto flat_body = detail::flat_function(body, arguments);
  auto leaves = detail::flat_while(flat_condition.call, flat_body.call, flatten(start));
  return unflatten(start, std::span<const Tensor>(leaves));
}

/// (carry, y) = body(carry, x) along axis 0 of xs; returns the last carry and all y, stacked.
template <class Body, class Carry, class Xs>
auto scan(const Body& body, const Carry& carry, const Xs& xs, bool reverse = false) {
  std::tuple<Carry, Xs> arguments(carry, xs);
  auto flat = detail::flat_function(body, arguments);
  auto leaves = detail::flat_scan(flat.call, flatten(carry), flatten(xs), reverse);
  return unflatten(**flat.result, std::span<const Tensor>(leaves));
}

}  // namespace tenon
