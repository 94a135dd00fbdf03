// Functions compiled once and run many times.
//
//   #include <tenon/tensor/numpy.h>
//   given: Tensor weights, images;
//   auto loss = [](Tensor w, Tensor x) { return mean(square(matmul(x, w))); };
//   auto step = jit([&](Tensor w, Tensor x) { return w - 0.1 * grad(loss)(w, x); });
//   weights = step(std::move(weights), images);              // moved in: updated in place
//   step.compilations();                                     // 1
#pragma once

#include <any>
#include <bit>
#include <string>
#include <typeinfo>

#include "tenon/tensor/transforms.h"

namespace tenon {

struct JitOptions {
  /// Arguments that are moved in, and that nobody else holds, lend their memory to the results.
  bool donate = true;
  /// A dimension that changes between calls becomes a symbol, so that one plan serves every size
  /// but 0 and 1: those broadcast and squeeze, and have plans of their own.
  bool symbolic = true;
  /// As for compile().
  int64_t memory_limit = INT64_MAX;
  bool exact_convolutions = false;
};

namespace detail {

/// The plans of one jitted function, by the types of its arguments.
class JitCache {
 public:
  struct Request {
    const FlatFunction& function;
    /// Tells apart calls whose numbers, strings or structure differ.
    const std::string& static_key;
    /// Asked when the function is traced: paths of the arguments' leaves, structure of the result.
    std::function<std::vector<std::string>()> names;
    std::function<std::any()> structure;
  };
  struct Results {
    std::vector<Tensor> leaves;
    std::shared_ptr<const std::any> structure;
  };

  explicit JitCache(JitOptions options);
  Results call(const Request& request, std::vector<Tensor> arguments) const;
  size_t compilations() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

inline void describe_name(const std::string& name, std::string& out) {
  out += std::to_string(name.size()) + "\"" + name;
}

/// Text that tells apart the numbers, strings and structure of trees of one type (not their
/// tensors).
template <class T>
void describe_structure(const T& tree, std::string& out) {
  using Plain = std::remove_cvref_t<T>;
  if constexpr (std::is_same_v<Plain, Tensor>) {
    out += 't';
  } else if constexpr (std::is_same_v<Plain, Tree>) {
    out += tree.is_leaf() ? "t{" : "{";
    for (const auto& [name, child] : tree.children()) {
      describe_name(name, out);
      describe_structure(child, out);
    }
    out += '}';
  } else if constexpr (std::is_same_v<Plain, std::string>) {
    describe_name(tree, out);
  } else if constexpr (std::is_enum_v<Plain>) {
    out += std::to_string(static_cast<int64_t>(tree)) + ",";
  } else if constexpr (std::is_floating_point_v<Plain>) {
    out += std::to_string(std::bit_cast<uint64_t>(static_cast<double>(tree))) + ",";
  } else if constexpr (std::is_arithmetic_v<Plain>) {
    out += std::to_string(tree) + ",";
  } else if constexpr (IsVector<Plain>::value) {
    out += '[';
    for (const auto& item : tree) describe_structure(item, out);
    out += ']';
  } else if constexpr (IsStringMap<Plain>::value) {
    out += '{';
    for (const auto& [name, child] : tree) {
      describe_name(name, out);
      describe_structure(child, out);
    }
    out += '}';
  } else if constexpr (IsOptional<Plain>::value) {
    out += tree ? '?' : '-';
    if (tree) describe_structure(*tree, out);
  } else if constexpr (TupleLike<Plain>) {
    out += '(';
    std::apply([&](const auto&... items) { (describe_structure(items, out), ...); }, tree);
    out += ')';
  } else if constexpr (std::is_aggregate_v<Plain>) {
    out += '<';
    boost::pfr::for_each_field(tree, [&](const auto& field) { describe_structure(field, out); });
    out += '>';
  }
}

}  // namespace detail

/// What jit() returns; copies share their plans. May be called from several threads.
template <class F>
class Jitted {
 public:
  Jitted(F f, JitOptions options) : f_(std::move(f)), cache_(options) {}

  template <class... T>
  auto operator()(T&&... args) const {
    std::tuple<std::remove_cvref_t<T>...> arguments(std::forward<T>(args)...);
    // Values of different types may read the same, and the result's type depends on these.
    std::string key = typeid(arguments).name();
    detail::describe_structure(arguments, key);
    std::vector<Tensor> leaves = leaves_of(arguments);
    // The structure stays, its tensors go: otherwise no argument could be reused in place.
    for_each_leaf(arguments, [](Tensor& leaf) { leaf = Tensor(); });
    detail::Flat flat(f_, arguments);
    using Result = typename decltype(flat)::Result;
    detail::JitCache::Request request{flat.call(), key, [&] { return leaf_paths(arguments); },
                                      [&] {
                                        Result structure = flat.structure();
                                        for_each_leaf(structure,
                                                      [](Tensor& leaf) { leaf = Tensor(); });
                                        return std::any(std::move(structure));
                                      }};
    detail::JitCache::Results results = cache_.call(request, std::move(leaves));
    return with_leaves(std::any_cast<const Result&>(*results.structure),
                       std::span<const Tensor>(results.leaves));
  }

  /// How often a plan was compiled.
  size_t compilations() const { return cache_.compilations(); }

 private:
  F f_;
  detail::JitCache cache_;
};

/// Compiles f on its first call with arguments of given types; later calls run the plan. Tensors
/// from outside that f uses keep the values of that first call; C++ numbers among the arguments are
/// compiled in. Inside another traced function, f is just called.
template <class F>
Jitted<F> jit(F f, JitOptions options = {}) {
  return Jitted<F>(std::move(f), options);
}

}  // namespace tenon
