// Random tensors from keys, as in JAX: equal keys give equal numbers, on every machine and any
// number of threads.
//
//   Tensor key = random::key(42);
//   auto [first, second] = random::split<2>(key);
//   Tensor weights = random::normal(first, {64, 32}) * 0.1;
//   Tensor mask = random::bernoulli(random::fold_in(second, 7), 0.9, {64});
#pragma once

#include <array>
#include <vector>

#include "tenon/tensor/tensor.h"

namespace tenon::random {

/// A key, i64[2]: a seed and a stream.
Tensor key(uint64_t seed);
/// A key independent of `key` and of the keys for other numbers. `data` is a number such as the
/// step, and may be an integer tensor.
Tensor fold_in(const Tensor& key, const Tensor& data);
/// Independent keys. Use each of them once, and do not use `key` again.
std::vector<Tensor> split(const Tensor& key, int64_t count);
template <size_t kCount>
std::array<Tensor, kCount> split(const Tensor& key) {
  std::vector<Tensor> keys = random::split(key, static_cast<int64_t>(kCount));
  std::array<Tensor, kCount> result;
  std::move(keys.begin(), keys.end(), result.begin());
  return result;
}

/// 32 random bits per element, i32.
Tensor bits(const Tensor& key, const Shape& shape);
/// In [low, high), also after rounding to the dtype; `low` if both are equal.
Tensor uniform(const Tensor& key, const Shape& shape, double low = 0, double high = 1,
               DType dtype = DType::f32);
/// Mean 0 and variance 1.
Tensor normal(const Tensor& key, const Shape& shape, DType dtype = DType::f32);
/// True with the given probability, which broadcasts to `shape`.
Tensor bernoulli(const Tensor& key, const Tensor& probability, const Shape& shape);
/// Integers in [low, high), i32; high - low < 2^31.
Tensor integers(const Tensor& key, const Shape& shape, int64_t low, int64_t high);
/// 0 … count-1 in random order, i32.
Tensor permutation(const Tensor& key, const Dim& count);
/// Indices along the last axis of logits, each with probability softmax(logits).
Tensor categorical(const Tensor& key, const Tensor& logits);

}  // namespace tenon::random
