// What must not grow: memory over many sizes and many programs, and the time of a step of a loop
// with what the loop only reads.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "tenon/ops/registry.h"
#include "tenon/ops/value_functions.h"
#include "tenon/runtime/caches.h"
#include "tenon/runtime/executable.h"
#include "tenon/tensor/functions.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/tensor.h"
#include "tenon/tensor/transforms.h"

namespace tenon {
namespace {

/// Of this process, in MB.
double resident_memory() {
  malloc_trim(0);
  long pages = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%*s %ld", &pages) != 1) pages = 0;
  if (file != nullptr) std::fclose(file);
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

/// A symbolic program with a product of a library, a normalisation and a reduction.
Graph symbolic_program() {
  Graph graph("symbolic");
  Build build(graph, core_ops());
  const Value x = build.input("x", Type::parse("f32[n,16]"));
  const Value w = build.input("w", Type::parse("f32[16,16]"));
  const Value y = tanh(matmul(x, w));
  const Value mean = reduce_mean(y, {1});
  graph.set_outputs({(y - broadcast(mean, y.shape(), {0})).id()});
  return graph;
}

void memory_of_sizes(benchmark::State& state) {
  auto executable = compile(symbolic_program(), core_ops());
  const Buffer w = Buffer::allocate(DType::f32, {16, 16});
  std::fill_n(w.as<float>(), 256, 0.01f);
  auto run = [&](int64_t size) {
    const Buffer x = Buffer::allocate(DType::f32, {size, 16});
    std::fill_n(x.as<float>(), 16 * size, 1.0f);
    benchmark::DoNotOptimize(executable->run({x, w})[0].data());
  };
  run(state.range(0));
  const double before = resident_memory();
  for (auto _ : state) {
    for (int64_t size = 1; size <= state.range(0); ++size) run(size);
  }
  state.counters["MB grown"] = resident_memory() - before;
  state.counters["instances made"] = static_cast<double>(runtime_caches().instances.made);
  state.counters["instances held"] = static_cast<double>(runtime_caches().instances.held);
}
BENCHMARK(memory_of_sizes)->Arg(10000)->Iterations(1)->Unit(benchmark::kMillisecond);

/// Programs that differ by a constant, each of which is run once and dropped.
void memory_of_programs(benchmark::State& state) {
  int64_t next = 0;
  auto run = [&] {
    Graph graph("once");
    Build build(graph, core_ops());
    const Value x = build.input("x", Type::parse("f32[64]"));
    graph.set_outputs({tanh(x * static_cast<double>(++next)).id()});
    const Buffer ones = Buffer::allocate(DType::f32, {64});
    std::fill_n(ones.as<float>(), 64, 1.0f);
    benchmark::DoNotOptimize(compile(graph, core_ops())->run({ones})[0].data());
  };
  // Until the table of code that was used last is full.
  for (int64_t i = 0; i < state.range(0); ++i) run();
  const double before = resident_memory();
  for (auto _ : state) {
    for (int64_t i = 0; i < state.range(0); ++i) run();
  }
  state.counters["MB grown"] = resident_memory() - before;
  state.counters["kernels made"] = static_cast<double>(runtime_caches().kernels.made);
  state.counters["kernels held"] = static_cast<double>(runtime_caches().kernels.held);
}
BENCHMARK(memory_of_programs)->Arg(2000)->Iterations(1)->Unit(benchmark::kMillisecond);

/// 100,000 steps of a loop that reads one element of what it captures.
void while_with_capture(benchmark::State& state) {
  const Tensor table = (zeros(Shape{state.range(0)}) + 1.0f).eval();
  for (auto _ : state) {
    auto body = [&](std::pair<Tensor, Tensor> s) {
      return std::pair{s.first + 1, s.second + slice_axis(table, 0, 0, 1)};
    };
    auto goes_on = [](std::pair<Tensor, Tensor> s) { return s.first < 100000; };
    auto end = while_loop(goes_on, body, std::pair{Tensor(0), zeros(Shape{1})});
    benchmark::DoNotOptimize(end.second.item());
  }
}
BENCHMARK(while_with_capture)->Arg(1)->Arg(1 << 24)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tenon
