// Eager programs whose sizes change at every step: how long 1,500 lengths take, what 10,000 leave
// in memory, and how often a program is compiled for them.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tenon/tensor/functions.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/plan_cache.h"
#include "tenon/tensor/transforms.h"

namespace tenon {
namespace {

/// A softmax by hand over what a slice left, a loss and its gradient: one program an evaluation.
double step_of_length(const Tensor& data, const Tensor& weights, int64_t length) {
  Tensor x = data[{Slice{none, length}}];
  auto loss = [](Tensor w, Tensor rows) {
    Tensor scores = matmul(rows, w);
    return mean(square(softmax(scores, 0) - 0.5));
  };
  Tensor gradient = grad(loss)(weights, x);
  return sum(gradient * gradient).item() + sum(arange(length)).item();
}

int64_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6)) * 1024;
  }
  return 0;
}

void run_lengths(int64_t first, int64_t last) {
  Tensor data = ones({last, 8}).eval(), weights = full({8, 4}, 0.1).eval();
  for (int64_t length = first; length < last; ++length)
    benchmark::DoNotOptimize(step_of_length(data, weights, length));
}

void eager_1500_lengths(benchmark::State& state) {
  for (auto _ : state) {
    clear_plan_cache();
    const uint64_t before = plan_cache_statistics().compilations;
    run_lengths(2, 1502);
    state.counters["compilations"] =
        static_cast<double>(plan_cache_statistics().compilations - before);
  }
}
BENCHMARK(eager_1500_lengths)->Iterations(1)->Unit(benchmark::kMillisecond);

void eager_growth_over_10000_sizes(benchmark::State& state) {
  for (auto _ : state) {
    clear_plan_cache();
    run_lengths(2, 100);
    const int64_t before = resident_bytes();
    run_lengths(100, 10100);
    state.counters["growth_MB"] = static_cast<double>(resident_bytes() - before) / 1e6;
    state.counters["held"] = static_cast<double>(plan_cache_statistics().held);
  }
}
BENCHMARK(eager_growth_over_10000_sizes)->Iterations(1)->Unit(benchmark::kMillisecond);

/// The small op of small_lazy_op where its plan has symbols.
void small_lazy_op_of_another_size(benchmark::State& state) {
  (full(Shape{16}, 1.0).eval() + full(Shape{16}, 2.0).eval()).eval();
  Tensor a = full(Shape{24}, 1.0).eval(), b = full(Shape{24}, 2.0).eval();
  for (auto _ : state) {
    Tensor c = a + b;
    c.eval();
    benchmark::DoNotOptimize(c.buffer().data());
  }
}
BENCHMARK(small_lazy_op_of_another_size);

/// Small ops on as many threads, each with tensors of its own.
void small_lazy_ops_on_threads(benchmark::State& state) {
  Tensor a = full(Shape{16}, 1.0).eval(), b = full(Shape{16}, 2.0).eval();
  for (auto _ : state) {
    Tensor c = a + b;
    c.eval();
    benchmark::DoNotOptimize(c.buffer().data());
  }
}
BENCHMARK(small_lazy_ops_on_threads)->ThreadRange(1, 4)->UseRealTime();

}  // namespace
}  // namespace tenon
