// The matrices of Winograd's algorithm as sums of vectors: Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks" (2016). y = A'[(G g G') * (B' d B)]A, where g is a filter of 3x3,
// d a tile of the input with m + 2 entries a side and y one of the output with m.
//
// The polynomials behind F(4x4) are evaluated at 0, 11/16, -11/16, 3/2, -3/2 and infinity instead
// of the paper's 0, 1, -1, 2, -2 and infinity: half the rounding error, and all numbers of A and B
// are exact in f32. See Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd
// Convolution for Deep Neural Networks" (2020).
#pragma once

#include "tenon/runtime/cpu/vector/lanes.h"

namespace tenon {
namespace {

template <int kTile>
struct Winograd;

template <>
struct Winograd<4> {
  static constexpr int kPlaces = 6;
  static constexpr float kA = 0.6875F, kB = 1.5F;
  static constexpr float kA2 = kA * kA, kB2 = kB * kB;

  /// B' d
  [[gnu::always_inline]] static inline void input(const Vector* d, Vector* v) {
    v[0] = kA2 * kB2 * d[0] + (d[4] - (kA2 + kB2) * d[2]);
    v[5] = kA2 * kB2 * d[1] + (d[5] - (kA2 + kB2) * d[3]);
    const Vector even_a = d[4] - kB2 * d[2], odd_a = d[3] - kB2 * d[1];
    v[1] = even_a + kA * odd_a;
    v[2] = even_a - kA * odd_a;
    const Vector even_b = d[4] - kA2 * d[2], odd_b = d[3] - kA2 * d[1];
    v[3] = even_b + kB * odd_b;
    v[4] = even_b - kB * odd_b;
  }
  /// A' m
  [[gnu::always_inline]] static inline void output(const Vector* m, Vector* y) {
    const Vector sum_a = m[1] + m[2], sum_b = m[3] + m[4];
    const Vector apart_a = kA * (m[1] - m[2]), apart_b = kB * (m[3] - m[4]);
    y[0] = m[0] + sum_a + sum_b;
    y[1] = apart_a + apart_b;
    y[2] = kA2 * sum_a + kB2 * sum_b;
    y[3] = kA2 * apart_a + (kB2 * apart_b + m[5]);
  }
  /// A y
  [[gnu::always_inline]] static inline void gradient(const Vector* y, Vector* m) {
    m[0] = y[0];
    m[5] = y[3];
    const Vector even_a = y[0] + kA2 * y[2], odd_a = y[1] + kA2 * y[3];
    m[1] = even_a + kA * odd_a;
    m[2] = even_a - kA * odd_a;
    const Vector even_b = y[0] + kB2 * y[2], odd_b = y[1] + kB2 * y[3];
    m[3] = even_b + kB * odd_b;
    m[4] = even_b - kB * odd_b;
  }
  static constexpr float kG0 = 1 / (kA2 * kB2);
  static constexpr float kGa = 1 / (2 * kA2 * (kA2 - kB2)), kGb = 1 / (2 * kB2 * (kB2 - kA2));
  /// G g
  [[gnu::always_inline]] static inline void filter(const Vector* g, Vector* u) {
    u[0] = kG0 * g[0];
    u[5] = g[2];
    const Vector even_a = kGa * g[0] + kGa * kA2 * g[2], even_b = kGb * g[0] + kGb * kB2 * g[2];
    u[1] = even_a + kGa * kA * g[1];
    u[2] = even_a - kGa * kA * g[1];
    u[3] = even_b + kGb * kB * g[1];
    u[4] = even_b - kGb * kB * g[1];
  }
  /// G' u
  [[gnu::always_inline]] static inline void filter_gradient(const Vector* u, Vector* g) {
    const Vector sum_a = u[1] + u[2], sum_b = u[3] + u[4];
    g[0] = kG0 * u[0] + (kGa * sum_a + kGb * sum_b);
    g[1] = kGa * kA * (u[1] - u[2]) + kGb * kB * (u[3] - u[4]);
    g[2] = u[5] + (kGa * kA2 * sum_a + kGb * kB2 * sum_b);
  }
};

/// At 0, 1, -1 and infinity.
template <>
struct Winograd<2> {
  static constexpr int kPlaces = 4;

  [[gnu::always_inline]] static inline void input(const Vector* d, Vector* v) {
    v[0] = d[0] - d[2];
    v[1] = d[2] + d[1];
    v[2] = d[2] - d[1];
    v[3] = d[3] - d[1];
  }
  [[gnu::always_inline]] static inline void output(const Vector* m, Vector* y) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = m[3] + (m[1] - m[2]);
  }
  [[gnu::always_inline]] static inline void gradient(const Vector* y, Vector* m) {
    m[0] = y[0];
    m[1] = y[0] + y[1];
    m[2] = y[0] - y[1];
    m[3] = y[1];
  }
  [[gnu::always_inline]] static inline void filter(const Vector* g, Vector* u) {
    const Vector even = 0.5F * (g[0] + g[2]);
    u[0] = g[0];
    u[1] = even + 0.5F * g[1];
    u[2] = even - 0.5F * g[1];
    u[3] = g[2];
  }
  [[gnu::always_inline]] static inline void filter_gradient(const Vector* u, Vector* g) {
    const Vector sum = 0.5F * (u[1] + u[2]);
    g[0] = u[0] + sum;
    g[1] = 0.5F * (u[1] - u[2]);
    g[2] = sum + u[3];
  }
};

}  // namespace
}  // namespace tenon
