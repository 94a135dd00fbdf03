// What a call of a jitted function is made of. Private to tensor/jit.h.
//
// What depends on the user's function alone is kept small: all else is instantiated once for the
// types of the arguments and of the result, which many functions share.
#pragma once

#include <any>
#include <bit>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "tenon/tensor/detail/flat.h"

namespace tenon {

struct JitOptions;
struct JitStatistics;
template <class T>
struct Static;

namespace detail {

/// An argument of a call but for its tensors: what tells it apart, and how a message shows it.
struct JitArgument {
  std::string structure, shown;
};

/// A call of a jitted function, but for its tensors.
class JitRequest {
 public:
  JitRequest(FlatFunction function, const char* function_type, const std::string& static_key,
             const std::vector<bool>& is_number)
      : function(function),
        function_type(function_type),
        static_key(static_key),
        is_number(is_number) {}

  FlatFunction function;
  const char* function_type;
  /// Tells apart calls whose numbers, strings or structure differ.
  const std::string& static_key;
  /// Leaves that are C++ numbers, by their place.
  const std::vector<bool>& is_number;

  // Asked when the function is traced.
  virtual std::vector<std::string> leaf_names() const = 0;
  virtual std::vector<JitArgument> arguments() const = 0;
  /// The result with empty tensors.
  virtual std::any structure() const = 0;

 protected:
  ~JitRequest() = default;
};

/// The plans of one jitted function, by the types of its arguments.
class JitCache {
 public:
  struct Results {
    std::vector<Tensor> leaves;
    std::shared_ptr<const std::any> structure;
  };

  explicit JitCache(JitOptions options);
  Results call(const JitRequest& request, std::vector<Tensor> arguments) const;
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
};

/// What the function is given for an argument.
template <class To, class T>
To unwrapped(T& given) {
  if constexpr (std::is_same_v<UnwrappedType<T>, T>) {
    return To(std::move(given));
  } else {
    return To(std::move(given.value));
  }
}
template <class... To, class... T, size_t... kArgument>
std::tuple<To...> unwrapped_all(std::type_identity<std::tuple<To...>>, std::tuple<T...>& given,
                                std::index_sequence<kArgument...>) {
  return {unwrapped<To>(std::get<kArgument>(given))...};
}

/// Of each leaf: whether the argument that it belongs to is a number.
std::vector<bool> numbers_among(std::span<const size_t> leaf_counts,
                                std::initializer_list<bool> is_number);

/// `tree` with empty tensors.
template <class T>
void drop_leaves(T& tree) {
  for_each_leaf(tree, [](Tensor& leaf) { leaf = Tensor(); });
}

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

template <class... T, size_t... kArgument>
std::vector<JitArgument> describe_arguments(const std::tuple<T...>& arguments,
                                            std::index_sequence<kArgument...>) {
  return {describe_argument(std::get<kArgument>(arguments))...};
}

/// The arguments of a call, and their tensors apart from them: held in one place, they may be
/// reused in place.
template <class Arguments>
struct JitArgumentsGiven {
  static constexpr size_t kCount = std::tuple_size_v<Arguments>;
  static constexpr std::make_index_sequence<kCount> kAll{};

  /// `given` is the type of what the user passed: values of different types may read the same, and
  /// the type of the result depends on these.
  JitArgumentsGiven(Arguments arguments, const std::type_info& given,
                    std::initializer_list<bool> numbers)
      : structure(std::move(arguments)),
        leaves(leaves_of(structure)),
        static_key(given.name()),
        is_number(numbers_among(leaf_counts(structure, kAll), numbers)) {
    describe_structure(structure, static_key);
    drop_leaves(structure);
  }

  Arguments structure;
  std::vector<Tensor> leaves;
  std::string static_key;
  std::vector<bool> is_number;
};

template <class Arguments, class Result>
class JitCall final : public JitRequest {
 public:
  using Given = JitArgumentsGiven<Arguments>;
  JitCall(FlatFunction function, const char* function_type, const Given& given,
          const std::optional<Result>& result)
      : JitRequest(function, function_type, given.static_key, given.is_number),
        structure_(given.structure),
        result_(result) {}

  std::vector<std::string> leaf_names() const override { return leaf_paths(structure_); }
  std::vector<JitArgument> arguments() const override {
    return describe_arguments(structure_, Given::kAll);
  }
  std::any structure() const override {
    Result result = *result_;
    drop_leaves(result);
    return result;
  }

  Result run(const JitCache& cache, std::vector<Tensor> leaves) const {
    JitCache::Results results = cache.call(*this, std::move(leaves));
    return with_leaves(std::any_cast<const Result&>(*results.structure),
                       std::span<const Tensor>(results.leaves));
  }

 private:
  const Arguments& structure_;
  const std::optional<Result>& result_;
};

}  // namespace detail

}  // namespace tenon
