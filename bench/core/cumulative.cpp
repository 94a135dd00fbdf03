// Derivatives of running products, and positions of extrema beside the extrema themselves.
// bench/peers/cumulative.py does the first in PyTorch.
#include <benchmark/benchmark.h>

#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/random.h"
#include "tenon/tensor/transforms.h"

namespace tenon {
namespace {

void gradient_of_cumprod(benchmark::State& state) {
  Tensor x = (1 + (random::uniform(random::key(1), {state.range(0)}) - 0.5) / 1000).eval();
  auto step = jit(grad([](Tensor t) { return sum(cumprod(t, 0)); }));
  step(x).eval();
  for (auto _ : state) benchmark::DoNotOptimize(step(x));
}
BENCHMARK(gradient_of_cumprod)->Arg(16'000)->Arg(200'000)->Unit(benchmark::kMicrosecond);

/// `of_position` is argmax along an axis of [rows, columns], or of all elements (-1); else max.
void extremum(benchmark::State& state, DType dtype, int64_t axis, bool of_position) {
  Shape shape{state.range(0), state.range(1)};
  Tensor x = (random::normal(random::key(1), shape) * (size_of(dtype) == 1 ? 20 : 1000))
                 .cast(dtype)
                 .eval();
  auto step = jit([=](Tensor t) {
    if (axis < 0) return of_position ? argmax(t) : max(t);
    return of_position ? argmax(t, axis) : max(t, axis);
  });
  step(x).eval();
  for (auto _ : state) benchmark::DoNotOptimize(step(x));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(x.buffer().bytes()));
}

void register_extrema() {
  for (DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16, DType::i64, DType::i32,
                      DType::i8, DType::u8}) {
    for (int64_t axis : {1, 0, -1}) {
      for (bool of_position : {false, true}) {
        std::string name = std::string(of_position ? "argmax_" : "max_") +
                           std::string(name_of(dtype)) +
                           (axis < 0 ? "_all" : "_axis_" + std::to_string(axis));
        benchmark::RegisterBenchmark(name.c_str(), extremum, dtype, axis, of_position)
            ->Args({128, 1000})
            ->Args({4096, 4096})
            ->Unit(benchmark::kMicrosecond);
      }
    }
  }
}
[[maybe_unused]] const bool kRegistered = (register_extrema(), true);

}  // namespace
}  // namespace tenon
