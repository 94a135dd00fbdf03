// Compilations of jitted functions whose arguments change: a learning rate in every step, sizes
// that now and then coincide.
#include <benchmark/benchmark.h>

#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"

namespace tenon {
namespace {

void changing_learning_rate(benchmark::State& state) {
  auto loss = [](Tensor w, Tensor x) { return mean(square(matmul(x, w))); };
  Tensor x = ones({64, 32}).eval();
  size_t compilations = 0;
  for (auto _ : state) {
    auto step = jit([&](Tensor w, Tensor x, Tensor rate) { return w - rate * grad(loss)(w, x); });
    Tensor w = full({32}, 1.0).eval();
    for (int i = 0; i < 300; ++i) w = step(std::move(w), x, 0.1 / (1 + i));
    benchmark::DoNotOptimize(w.item(0));
    compilations = step.compilations();
  }
  state.counters["compilations"] = static_cast<double>(compilations);
}
BENCHMARK(changing_learning_rate)->Unit(benchmark::kMillisecond);

void sizes_that_coincide(benchmark::State& state) {
  JitStatistics statistics;
  for (auto _ : state) {
    auto f = jit([](Tensor a, Tensor b) {
      return a.dim(0) == b.dim(0) ? sum(a) + sum(b) : sum(a) - sum(b);
    });
    for (int64_t n = 2; n < 42; ++n) {
      for (int64_t m = 2; m < 42; ++m) f(ones({n}), ones({m}));
    }
    statistics = f.statistics();
  }
  state.counters["compilations"] = static_cast<double>(statistics.compilations);
  state.counters["hits"] = static_cast<double>(statistics.hits);
}
BENCHMARK(sizes_that_coincide)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tenon
