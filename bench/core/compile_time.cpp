// How the time to compile grows with the program: 1k, 4k and 16k nodes of several shapes. Kernels
// are few and alike, so that what is measured is the passes, fusion, binding and transforms, which
// shall all be linear.
#include <benchmark/benchmark.h>

#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "tenon/ops/registry.h"
#include "tenon/ops/value_functions.h"
#include "tenon/runtime/executable.h"
#include "tenon/tensor/functions.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/tensor.h"
#include "tenon/tensor/tree.h"
#include "tenon/transform/vjp.h"

namespace tenon {
namespace {

using Program = Graph (*)(int64_t nodes);

Graph finished(Graph graph, const Value& result) {
  graph.set_outputs({result.id()});
  return graph;
}

/// One value after the other.
Graph chain(int64_t nodes) {
  Graph graph("chain");
  Build build(graph, core_ops());
  Value x = build.input("x", Type::parse("f32[64]"));
  for (int64_t i = 0; i < nodes / 2; ++i) x = x * 0.5 + 1.0;
  return finished(std::move(graph), x);
}

/// The sum of many branches of one value.
Graph wide(int64_t nodes) {
  Graph graph("wide");
  Build build(graph, core_ops());
  const Value x = build.input("x", Type::parse("f32[64]"));
  Value sum = x;
  for (int64_t i = 0; i < nodes / 3; ++i) {
    sum = sum + tanh(x * static_cast<double>(i));
  }
  return finished(std::move(graph), sum);
}

/// Dense layers with parameters of their own.
Graph layers(int64_t nodes) {
  Graph graph("layers");
  Build build(graph, core_ops());
  Value x = build.input("x", Type::parse("f32[8,16]"));
  for (int64_t i = 0; i < nodes / 4; ++i) {
    const Value weight = build.input("w" + std::to_string(i), Type::parse("f32[16,16]"));
    const Value bias = build.input("b" + std::to_string(i), Type::parse("f32[16]"));
    x = maximum(matmul(x, weight) + bias, build.full(Type::parse("f32[]"), 0.0));
  }
  return finished(std::move(graph), reduce_mean(x, {0, 1}));
}

std::unique_ptr<Graph> gradient_by_all(const Graph& graph) {
  std::vector<size_t> inputs(graph.inputs().size());
  std::iota(inputs.begin(), inputs.end(), size_t{0});
  return gradient(graph, core_ops(), {.wrt = inputs});
}

/// Their gradient by every parameter.
Graph layers_gradient(int64_t nodes) { return std::move(*gradient_by_all(layers(nodes / 3))); }

/// Normalisations one after the other: reductions of rows that are read on the same rows.
Graph normalisations(int64_t nodes) {
  Graph graph("normalisations");
  Build build(graph, core_ops());
  Value x = build.input("x", Type::parse("f32[32,64]"));
  for (int64_t i = 0; i < nodes / 4; ++i) {
    const Value mean = reduce_mean(x, {1});
    x = x * 1.5 - broadcast(mean, x.shape(), {0});
  }
  return finished(std::move(graph), x);
}

/// Many results of one value, each a reduction.
Graph reductions(int64_t nodes) {
  Graph graph("reductions");
  Build build(graph, core_ops());
  const Value x = build.input("x", Type::parse("f32[32,64]"));
  Value sum = build.full(Type::parse("f32[32]"), 0.0);
  for (int64_t i = 0; i < nodes / 3; ++i) {
    sum = sum + reduce_max(x * static_cast<double>(i + 1), {1});
  }
  return finished(std::move(graph), sum);
}

/// Every parameter less a part of its gradient, as a step of training does it.
Graph layers_update(int64_t nodes) {
  Graph graph = std::move(*gradient_by_all(layers(nodes / 3)));
  Build build(graph, core_ops());
  std::vector<ValueId> outputs;
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const Value parameter = build.value(graph.inputs()[i]);
    const Value gradient = build.value(graph.outputs()[i + 1]);
    outputs.push_back((parameter - gradient * 0.1).id());
  }
  graph.set_output_names({});
  graph.set_outputs(std::move(outputs));
  return graph;
}

void compile_program(benchmark::State& state, Program program) {
  const Graph graph = program(state.range(0));
  const std::vector<bool> donated(graph.inputs().size(), true);
  for (auto _ : state) {
    auto executable = compile(graph, core_ops(), {.donated = donated});
    benchmark::DoNotOptimize(executable->report({}).arena_bytes);
  }
  state.counters["nodes"] = static_cast<double>(graph.node_count());
  state.SetComplexityN(state.range(0));
}

void differentiate(benchmark::State& state) {
  const Graph graph = layers(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(gradient_by_all(graph)->node_count());
  state.SetComplexityN(state.range(0));
}

/// A tree of so many leaves is filled, read by path and updated in a jitted function.
void tree_of_leaves(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(0)) / 4;
  const Tensor zero = zeros(Shape{4});
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back("leaf" + std::to_string(i));
  for (auto _ : state) {
    Tree tree;
    for (const std::string& name : names) tree.set(name, zero);
    for (const std::string& name : names) benchmark::DoNotOptimize(tree.at(name).has_value());
    auto update = jit(
        [](const Tree& t) { return map_leaves([](const Tensor& leaf) { return leaf * 0.5; }, t); });
    benchmark::DoNotOptimize(update(tree).leaf_count());
  }
  state.SetComplexityN(state.range(0));
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1 << 10)->Arg(1 << 12)->Arg(1 << 14)->Iterations(1);
  benchmark->Unit(benchmark::kMillisecond)->Complexity();
}

BENCHMARK_CAPTURE(compile_program, chain, chain)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, wide, wide)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, layers, layers)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, layers_gradient, layers_gradient)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, layers_update, layers_update)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, normalisations, normalisations)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, reductions, reductions)->Apply(sizes);
BENCHMARK(differentiate)->Apply(sizes);
BENCHMARK(tree_of_leaves)->Apply(sizes);

}  // namespace
}  // namespace tenon
