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
  /// Results may overwrite arguments that are moved in and have no other handle.
  bool donate = true;
  /// A dimension that changes between calls becomes a symbol, so that one plan serves every size
  /// except 0 and 1, which broadcast and squeeze and so have their own plans. So do sizes that the
  /// function compares with others and finds equal.
  bool symbolic = true;
  /// Captured tensors are bound to the plans (Executable::bind): captured weights are packed once
  /// for the kernels. Packed copies need additional memory, and the captured memory itself becomes
  /// read-only.
  bool bind_captures = true;
  /// As for compile().
  int64_t memory_limit = INT64_MAX;
  bool exact_convolutions = false;
  /// Compiled versions to keep; beyond that, the least recently used one is dropped.
  size_t max_versions = 64;
  /// Combinations of sizes whose version is found without searching all versions.
  size_t max_sizes = 4096;
};

/// Counters of one jitted function since it was created.
struct JitStatistics {
  size_t compilations = 0;
  size_t hits = 0;       ///< calls that found a version
  size_t versions = 0;   ///< held now
  size_t evictions = 0;  ///< dropped to make room
};

/// A C++ argument of a jitted function that is compiled in, one version per value (like JAX's
/// static arguments): `f(x, Static{3})`. The function gets the value itself.
template <class T>
struct Static {
  T value;
  constexpr operator const T&() const { return value; }
};
template <class T>
Static(T) -> Static<T>;

/// The result of jit(). Copies share their plans. Thread-safe.
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
/// that f captures keep their values of that first call.
///
/// A C++ number passed for a parameter of type Tensor or auto is an input, too: other values run
/// the same plan, and like all C++ numbers it is weakly typed and adopts the dtype of the other
/// operand. Numbers for double or int parameters, in structures, and as `Static{3}`, are compiled
/// in. Inside another traced function, f is simply called.
template <class F>
Jitted<F> jit(F f, JitOptions options = {}) {
  return Jitted<F>(std::move(f), options);
}

}  // namespace tenon
