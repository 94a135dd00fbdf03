// What the compiler makes of every op, against the reference, on every sample.
#include <gtest/gtest.h>

#include "samples.h"
#include "tenon/base/parallel.h"
#include "tenon/interpret/interpret.h"
#include "tenon/runtime/executable.h"
#include "tenon/transform/vjp.h"

namespace tenon {
namespace {

class Compiled : public testing::TestWithParam<const OpDef*> {};

std::vector<const OpDef*> all_ops() {
  std::vector<const OpDef*> ops;
  for (const auto& op : core_ops().all()) ops.push_back(op.get());
  return ops;
}

INSTANTIATE_TEST_SUITE_P(Ops, Compiled, testing::ValuesIn(all_ops()),
                         [](const auto& param) { return param.param->name; });

std::vector<Literal> run(const Executable& executable, const std::vector<Literal>& inputs,
                         int threads) {
  set_thread_count(threads);
  std::vector<Buffer> buffers;
  for (const Literal& input : inputs) buffers.push_back(Buffer::copy_of(input));
  std::vector<Literal> outputs;
  for (const Buffer& output : executable.run(std::move(buffers)))
    outputs.push_back(output.to_literal());
  return outputs;
}

void check_compiled(const Graph& graph, const std::vector<Literal>& inputs, double tolerance) {
  auto executable = compile(graph, core_ops());
  std::vector<Literal> one = run(*executable, inputs, 1), two = run(*executable, inputs, 2);
  std::vector<Literal> reference = interpret(graph, inputs);
  ASSERT_EQ(one.size(), reference.size());
  for (size_t i = 0; i < one.size(); ++i) {
    double allowed = tolerance_of(reference[i].dtype()) * tolerance;
    EXPECT_EQ(difference(one[i], reference[i], allowed), "") << "output " << i;
    EXPECT_EQ(one[i], two[i]) << "output " << i << " differs on two threads";
  }
}

TEST_P(Compiled, EqualsReferenceOnAnyNumberOfThreads) {
  for (const SampleCase& sample : sample_cases(*GetParam())) {
    SCOPED_TRACE(sample.name() + ": " + sample.sample->inputs);
    auto graph = sample_graph(sample, core_ops(), SampleShapes::symbolic);
    check_compiled(*graph, sample_inputs(sample), GetParam()->tolerance);
  }
}

/// Whether the sums and products of a derivative keep the precision of its results.
bool is_precise(const Graph& graph) {
  bool any = false;
  for (const std::vector<Type>& types : {graph.input_types(), graph.output_types()}) {
    for (const Type& type : types) {
      if (type.dtype == DType::f16 || type.dtype == DType::bf16) return false;
      any = any || is_floating(type.dtype);
    }
  }
  return any;
}

TEST_P(Compiled, DerivativesEqualReference) {
  const OpDef& op = *GetParam();
  if (!is_differentiable(op)) GTEST_SKIP() << "not differentiable: " << op.why_not_differentiable;
  if (op.name == "while") GTEST_SKIP() << "has no reverse mode";
  for (const SampleCase& sample : sample_cases(op)) {
    SCOPED_TRACE(sample.name() + ": " + sample.sample->inputs);
    auto graph = sample_graph(sample, core_ops(), SampleShapes::symbolic);
    if (!is_precise(*graph)) continue;
    auto derivative = vjp(*graph, core_ops());
    std::vector<Literal> inputs = sample_inputs(sample);
    for (size_t i = inputs.size(); i < derivative->inputs().size(); ++i) {
      const Type& type = derivative->type(derivative->inputs()[i]);
      std::vector<int64_t> shape = type.shape.evaluate(sample.symbols);
      inputs.push_back(random_literal(type.dtype, shape, -1, 1, i));
    }
    check_compiled(*derivative, inputs, 4 * op.tolerance);
  }
}

}  // namespace
}  // namespace tenon
