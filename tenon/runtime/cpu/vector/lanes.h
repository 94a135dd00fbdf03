// Vectors of floats as wide as the instruction set has them, for sources that are compiled once for
// each set. Such a source calls nothing of the standard library: a function of it that was made for
// one set could be linked into the rest of the program.
#pragma once

#include <cstdint>
#include <utility>

#if defined(__AVX512F__)
#define TENON_LANES 16
#elif defined(__AVX2__) && defined(__FMA__)
#define TENON_LANES 8
#else
#define TENON_LANES 4  // no source is compiled so, only these headers alone, for their checks
#endif

namespace tenon {
namespace {

constexpr int kLanes = TENON_LANES;

using Vector = float __attribute__((vector_size(kLanes * sizeof(float))));

// Copies are instructions for any address; a vector type of lower alignment is one to GCC only.
[[gnu::always_inline]] inline Vector load(const float* from) {
  Vector v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
[[gnu::always_inline]] inline void store(float* to, Vector v) {
  __builtin_memcpy(to, &v, sizeof v);
}
[[gnu::always_inline]] inline Vector broadcast(float x) { return x - Vector{}; }

/// The first `count` lanes, and zeros behind them.
inline Vector load(const float* from, int64_t count) {
  Vector v{};
  for (int64_t i = 0; i < count; ++i) v[i] = from[i];
  return v;
}
inline void store(float* to, Vector v, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = v[i];
}

/// Exchanges the lanes of `a` in which the bit kStep is set with those of `b` in which it is not.
template <int kStep, int... kLane>
[[gnu::always_inline]] inline void exchange(Vector& a, Vector& b,
                                            std::integer_sequence<int, kLane...>) {
  const Vector first = a;
  a = __builtin_shufflevector(first, b, (kLane & kStep ? kLane - kStep + kLanes : kLane)...);
  b = __builtin_shufflevector(first, b, (kLane & kStep ? kLane + kLanes : kLane + kStep)...);
}

/// Of a matrix of kLanes x kLanes.
template <int kStep = 1>
[[gnu::always_inline]] inline void transpose(Vector (&rows)[kLanes]) {
  if constexpr (kStep < kLanes) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      if (i & kStep) continue;
      exchange<kStep>(rows[i], rows[i + kStep], std::make_integer_sequence<int, kLanes>());
    }
    transpose<2 * kStep>(rows);
  }
}

}  // namespace
}  // namespace tenon
