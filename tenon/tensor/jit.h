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
  /// but 0 and 1: those broadcast and squeeze, and have plans of their own. So have sizes that the
  /// function compares with others and finds equal.
  bool symbolic = true;
  /// Tensors from outside that the function uses are bound to its plans (Executable::bind): weights
  /// that it captures are brought into the order of kernels once. That order takes memory beside
  /// theirs, and nobody may write to theirs any more.
  bool bind_captures = true;
  /// As for compile().
  int64_t memory_limit = INT64_MAX;
  bool exact_convolutions = false;
  /// Compiled versions that are kept; beyond that, the one that was not used for longest goes.
  size_t max_versions = 64;
  /// Combinations of sizes whose version is found without looking at all of them.
  size_t max_sizes = 4096;
};

/// Of one jitted function since it was made.
struct JitStatistics {
  size_t compilations = 0;
  size_t hits = 0;       ///< calls that found a version
  size_t versions = 0;   ///< held now
  size_t evictions = 0;  ///< dropped for others
};

/// A C++ value among the arguments of a jitted function that is compiled in, one version a value:
/// `f(x, Static{3})`. The function gets the value itself.
template <class T>
struct Static {
  T value;
  constexpr operator const T&() const { return value; }
};
template <class T>
Static(T) -> Static<T>;

namespace detail {

/// An argument of a call but for its tensors: what tells it apart, and how a message shows it.
struct JitArgument {
  std::string structure, shown;
};

/// The plans of one jitted function, by the types of its arguments.
class JitCache {
 public:
  struct Request {
    const FlatFunction& function;
    const char* function_type;
    /// Tells apart calls whose numbers, strings or structure differ.
    const std::string& static_key;
    /// Leaves that are C++ numbers, by their place.
    const std::vector<bool>& is_number;
    /// Asked when the function is traced: paths of the arguments' leaves, the arguments, structure
    /// of the result.
    std::function<std::vector<std::string>()> names;
    std::function<std::vector<JitArgument>()> arguments;
    std::function<std::any()> structure;
  };
  struct Results {
    std::vector<Tensor> leaves;
    std::shared_ptr<const std::any> structure;
  };

  explicit JitCache(JitOptions options);
  Results call(const Request& request, std::vector<Tensor> arguments) const;
  JitStatistics statistics() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

template <class T>
struct Unwrapped : std::type_identity<T> {};
template <class T>
struct Unwrapped<Static<T>> : std::type_identity<T> {};
template <class T>
using UnwrappedType = typename Unwrapped<T>::type;

/// What F is called with: Tensors for those numbers in whose place it takes them, one after the
/// other. `Done` are decided.
template <class F, class Done, class... Rest>
struct JitArguments;
template <class F, class... Done>
struct JitArguments<F, std::tuple<Done...>> : std::type_identity<std::tuple<Done...>> {};
template <class F, class... Done, class Next, class... Rest>
struct JitArguments<F, std::tuple<Done...>, Next, Rest...> {
  static constexpr bool kIsTraced =
      std::conjunction_v<std::is_arithmetic<Next>,
                         std::is_invocable<const F&, Done..., Tensor, UnwrappedType<Rest>...>>;
  using Decided = std::conditional_t<kIsTraced, Tensor, UnwrappedType<Next>>;
  using type = typename JitArguments<F, std::tuple<Done..., Decided>, Rest...>::type;
};

/// The arguments of a call as F takes them. Functions that take all numbers as Tensors are asked
/// for nothing else: a generic body need not compile for both.
template <class F, class Given>
struct JitSignature;
template <class F, class... T>
struct JitSignature<F, std::tuple<T...>> {
  template <class Each>
  using Traced = std::conditional_t<std::is_arithmetic_v<Each>, Tensor, UnwrappedType<Each>>;
  using Arguments = typename std::conditional_t<std::is_invocable_v<const F&, Traced<T>...>,
                                                std::type_identity<std::tuple<Traced<T>...>>,
                                                JitArguments<F, std::tuple<>, T...>>::type;

  static Arguments arguments(std::tuple<T...>&& given) {
    return std::apply([](T&... each) { return Arguments(unwrapped(std::move(each))...); }, given);
  }

  /// By the leaves of arguments().
  static std::vector<bool> is_number(const Arguments& arguments) {
    std::vector<bool> result;
    std::apply(
        [&](const auto&... each) {
          (for_each_leaf(each, [&](const Tensor&) { result.push_back(std::is_arithmetic_v<T>); }),
           ...);
        },
        arguments);
    return result;
  }

 private:
  template <class Each>
  static UnwrappedType<Each> unwrapped(Each&& each) {
    if constexpr (std::is_same_v<UnwrappedType<Each>, Each>) {
      return std::move(each);
    } else {
      return std::move(each.value);
    }
  }
};

std::string shown_number(double value);

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

template <class T>
JitArgument describe_argument(const T& argument) {
  JitArgument result;
  describe_structure(argument, result.structure);
  if constexpr (std::is_same_v<T, std::string>) {
    result.shown = "'" + argument + "'";
  } else if constexpr (std::is_floating_point_v<T>) {
    result.shown = shown_number(static_cast<double>(argument));
  } else if constexpr (std::is_arithmetic_v<T>) {
    result.shown = std::to_string(argument);
  }
  return result;
}

}  // namespace detail

/// What jit() returns; copies share their plans. May be called from several threads.
template <class F>
class Jitted {
 public:
  Jitted(F f, JitOptions options) : f_(std::move(f)), cache_(options) {}

  template <class... T>
  auto operator()(T&&... args) const {
    using Given = std::tuple<std::remove_cvref_t<T>...>;
    using Signature = detail::JitSignature<F, Given>;
    auto arguments = Signature::arguments(Given(std::forward<T>(args)...));
    // Values of different types may read the same, and the result's type depends on these.
    std::string key = typeid(Given).name();
    detail::describe_structure(arguments, key);
    std::vector<Tensor> leaves = leaves_of(arguments);
    const std::vector<bool> is_number = Signature::is_number(arguments);
    // The structure stays, its tensors go: otherwise no argument could be reused in place.
    for_each_leaf(arguments, [](Tensor& leaf) { leaf = Tensor(); });
    detail::Flat flat(f_, arguments);
    using Result = typename decltype(flat)::Result;
    auto described = [&] {
      return std::apply(
          [](const auto&... each) {
            return std::vector<detail::JitArgument>{detail::describe_argument(each)...};
          },
          arguments);
    };
    auto structure = [&] {
      Result result = flat.structure();
      for_each_leaf(result, [](Tensor& leaf) { leaf = Tensor(); });
      return std::any(std::move(result));
    };
    detail::JitCache::Request request{
        flat.call(), typeid(F).name(), key, is_number, [&] { return leaf_paths(arguments); },
        described,   structure};
    detail::JitCache::Results results = cache_.call(request, std::move(leaves));
    return with_leaves(std::any_cast<const Result&>(*results.structure),
                       std::span<const Tensor>(results.leaves));
  }

  /// How often a plan was compiled.
  size_t compilations() const { return statistics().compilations; }
  JitStatistics statistics() const { return cache_.statistics(); }

 private:
  F f_;
  detail::JitCache cache_;
};

/// Compiles f on its first call with arguments of given types; later calls run the plan. Tensors
/// from outside that f uses keep the values of that first call.
///
/// A C++ number among the arguments is an input too, if f takes a Tensor in its place (a parameter
/// of type Tensor or auto): other values run the same plan, and as all numbers it gives way to the
/// dtypes that it meets. Where f asks for a double or an int, in structures, and as `Static{3}`,
/// numbers are compiled in. Inside another traced function, f is just called.
template <class F>
Jitted<F> jit(F f, JitOptions options = {}) {
  return Jitted<F>(std::move(f), options);
}

}  // namespace tenon
