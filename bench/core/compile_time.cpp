// How the time to compile grows with the program: 1k, 4k, 16k and 64k nodes of several shapes. What
// is measured is the passes, fusion, lowering, binding and transforms, which shall all be linear:
// the machine code of the kernels is there before. `per_node` is the time for each node of the
// graph, `arena` the bytes of the plan.
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
  for (int64_t i = 0; i < nodes / 6; ++i) x = x * 0.5 + 1.0;
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

/// Parameters that are updated each for itself, as by a fused optimiser: no layers between them.
Graph updates(int64_t nodes) {
  Graph graph("updates");
  Build build(graph, core_ops());
  std::vector<ValueId> outputs;
  for (int64_t i = 0; i < nodes / 8; ++i) {
    const Value parameter = build.input("p" + std::to_string(i), Type::parse("f32[64]"));
    const Value velocity = build.input("v" + std::to_string(i), Type::parse("f32[64]"));
    const Value gradient = build.input("g" + std::to_string(i), Type::parse("f32[64]"));
    const Value next = velocity * 0.9 + gradient;
    outputs.push_back((parameter - next * 0.1).id());
    outputs.push_back(next.id());
  }
  graph.set_outputs(std::move(outputs));
  return graph;
}

/// One value that everything reads, and a result of each reader.
Graph fan_out(int64_t nodes) {
  Graph graph("fan_out");
  Build build(graph, core_ops());
  const Value x = tanh(build.input("x", Type::parse("f32[64,16]")));
  std::vector<ValueId> outputs;
  for (int64_t i = 0; i < nodes; ++i) {
    const Value weight = build.input("w" + std::to_string(i), Type::parse("f32[16,16]"));
    outputs.push_back(matmul(x, weight).id());
  }
  graph.set_outputs(std::move(outputs));
  return graph;
}

/// Reductions each of which waits for the one before.
Graph reduction_chain(int64_t nodes) {
  Graph graph("reduction_chain");
  Build build(graph, core_ops());
  const Value x = build.input("x", Type::parse("f32[32,64]"));
  Value y = build.input("y", Type::parse("f32[32]"));
  for (int64_t i = 0; i < nodes / 3; ++i) y = reduce_max(x + broadcast(y, x.shape(), {0}), {1});
  return finished(std::move(graph), y);
}

/// A scan whose body is long and reads a captured value at every other node.
Graph scan_captures(int64_t nodes) {
  Graph body("body");
  Build inside(body, core_ops());
  std::vector<Value> captured;
  for (int64_t i = 0; i < nodes / 2; ++i)
    captured.push_back(inside.input("c" + std::to_string(i), Type::parse("f32[64]")));
  Value state = inside.input("state", Type::parse("f32[64]"));
  for (const Value& c : captured) state = maximum(state + c, c);
  body.set_outputs({state.id()});
  Graph graph("scan_captures");
  Build build(graph, core_ops());
  std::vector<Value> arguments;
  for (size_t i = 0; i < captured.size(); ++i)
    arguments.push_back(build.input("c" + std::to_string(i), Type::parse("f32[64]")));
  arguments.push_back(build.input("state", Type::parse("f32[64]")));
  const Value result = build.call("scan", arguments,
                                  {{"body", std::make_shared<const Graph>(std::move(body))},
                                   {"constants", static_cast<int64_t>(captured.size())},
                                   {"carries", 1},
                                   {"length", Shape{8}}});
  return finished(std::move(graph), result);
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

/// A step of Adam on the same layers: state and parameters go in and come out.
Graph layers_adam(int64_t nodes) {
  Graph graph = std::move(*gradient_by_all(layers(nodes / 6)));
  Build build(graph, core_ops());
  const std::vector<ValueId> parameters = graph.inputs(), gradients = graph.outputs();
  std::vector<ValueId> outputs;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Value parameter = build.value(parameters[i]);
    const Value gradient = build.value(gradients[i + 1]);
    const Value mean = build.input("m" + std::to_string(i), parameter.type());
    const Value square = build.input("s" + std::to_string(i), parameter.type());
    const Value next_mean = mean * 0.9 + gradient * 0.1;
    const Value next_square = square * 0.999 + gradient * gradient * 0.001;
    const Value step = next_mean / (sqrt(next_square) + 1e-8);
    outputs.push_back((parameter - step * 0.001).id());
    outputs.push_back(next_mean.id());
    outputs.push_back(next_square.id());
  }
  graph.set_output_names({});
  graph.set_outputs(std::move(outputs));
  return graph;
}

size_t nodes_of(const Graph& graph) {
  size_t count = graph.node_count();
  for (const Node& node : graph.nodes()) {
    for (const auto& [name, value] : node.attributes) {
      if (const auto* region = value.get_if<GraphRef>()) count += nodes_of(**region);
    }
  }
  return count;
}

void count_nodes(benchmark::State& state, size_t nodes) {
  using benchmark::Counter;
  const auto count = static_cast<double>(nodes);
  state.counters["nodes"] = count;
  state.counters["per_node"] =
      Counter(count, Counter::kIsIterationInvariantRate | Counter::kInvert);
  state.SetComplexityN(static_cast<int64_t>(nodes));
}

void compile_program(benchmark::State& state, Program program) {
  const Graph graph = program(state.range(0));
  const CompileOptions options{.donated = std::vector<bool>(graph.inputs().size(), true)};
  const auto first = compile(graph, core_ops(), options);  // holds the code of the kernels
  for (auto _ : state) {
    const auto executable = compile(graph, core_ops(), options);
    benchmark::DoNotOptimize(executable.get());
  }
  count_nodes(state, nodes_of(graph));
  state.counters["arena"] = static_cast<double>(first->report({}).arena_bytes);
}

void differentiate(benchmark::State& state) {
  const Graph graph = layers(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(gradient_by_all(graph)->node_count());
  count_nodes(state, graph.node_count());
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
  count_nodes(state, static_cast<size_t>(state.range(0)));
}

/// Small calls that are recorded one by one and then looked at: the trace of a loop in eager code.
void eager_trace(benchmark::State& state) {
  const Tensor x = full(Shape{16}, 0.5).eval();
  auto run = [&x](int64_t calls) {
    Tensor y = x;
    for (int64_t i = 0; i < calls / 2; ++i) y = maximum(y + x, x);
    benchmark::DoNotOptimize(y.eval().buffer().data());
  };
  run(state.range(0) + 2);  // the same kernels in another program
  for (auto _ : state) run(state.range(0));
  count_nodes(state, static_cast<size_t>(state.range(0)));
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1 << 10)->Arg(1 << 12)->Arg(1 << 14)->Arg(1 << 16)->Iterations(1);
  benchmark->Unit(benchmark::kMillisecond)->Complexity();
}

BENCHMARK_CAPTURE(compile_program, chain, chain)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, wide, wide)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, layers, layers)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, layers_gradient, layers_gradient)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, layers_update, layers_update)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, normalisations, normalisations)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, reductions, reductions)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, layers_adam, layers_adam)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, updates, updates)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, fan_out, fan_out)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, reduction_chain, reduction_chain)->Apply(sizes);
BENCHMARK_CAPTURE(compile_program, scan_captures, scan_captures)->Apply(sizes);
BENCHMARK(differentiate)->Apply(sizes);
BENCHMARK(tree_of_leaves)->Apply(sizes);
BENCHMARK(eager_trace)->Apply(sizes);

}  // namespace
}  // namespace tenon
