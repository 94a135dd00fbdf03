// Vectors of floats as wide as the instruction set has them, for sources that are compiled once for
// each set. Such a source includes nothing else: a function of the standard library that it made
// for its own set could be linked into the rest of the program.
#pragma once

#include <cstdint>

#if defined(__AVX512F__)
#define TENON_LANES 16
#elif defined(__AVX2__) && defined(__FMA__)
#define TENON_LANES 8
#endif

namespace tenon {
namespace {

constexpr int kLanes = TENON_LANES;

using Vector = float __attribute__((vector_size(kLanes * sizeof(float))));
using UnalignedVector [[gnu::may_alias]] =
    float __attribute__((vector_size(kLanes * sizeof(float)), aligned(4)));

[[gnu::always_inline]] inline Vector load(const float* from) {
  return *reinterpret_cast<const UnalignedVector*>(from);
}
[[gnu::always_inline]] inline void store(float* to, Vector v) {
  *reinterpret_cast<UnalignedVector*>(to) = v;
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

}  // namespace
}  // namespace tenon
