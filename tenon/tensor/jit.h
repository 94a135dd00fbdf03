// Functions compiled once and run many times.
//
//   #include <tenon/tensor/numpy.h>
//   given: Tensor weights, images;
//   auto loss = [](Tensor w, Tensor x) { return mean(square(matmul(x, w))); };
//   auto step = jit([&](Tensor w, Tensor x) { return w - 0.1 * grad(loss)(w, x); });
//   weights = step(std::move(weights), images);              // moved in: updated in place
//   step.compilations();                                     // 1
#pragma once

#include <cstddef>
#include <cstdint>

#include "tenon/tensor/detail/jit_call.h"
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

/// What jit() returns; copies share their plans. May be called from several threads.
template <class F>
class Jitted {
 public:
  Jitted(F f, JitOptions options) : f_(std::move(f)), cache_(options) {}

  template <class... T>
  auto operator()(T&&... args) const {
    using Given = std::tuple<std::remove_cvref_t<T>...>;
    using Arguments = typename detail::JitSignature<F, Given>::Arguments;
    Given taken(std::forward<T>(args)...);
    detail::JitArgumentsGiven<Arguments> given(
        detail::unwrapped_all(std::type_identity<Arguments>(), taken,
                              std::index_sequence_for<T...>()),
        typeid(Given), {std::is_arithmetic_v<std::remove_cvref_t<T>>...});
    detail::Flat flat(f_, given.structure);
    using Result = typename decltype(flat)::Result;
    const detail::JitCall<Arguments, Result> call(flat, typeid(F).name(), given, flat.result());
    return call.run(cache_, std::move(given.leaves));
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
