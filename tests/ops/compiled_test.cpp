// What the compiler makes of every op, against the reference, on every sample.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "samples.h"
#include "tenon/graph/build.h"
#include "tenon/interpret/interpret.h"
#include "tenon/transform/vjp.h"
#include "tests/run.h"

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
    // Sizes that are known change what is unrolled, and which library kernels are asked.
    for (SampleShapes shapes : {SampleShapes::symbolic, SampleShapes::concrete}) {
      SCOPED_TRACE(sample.name() + ": " + sample.sample->inputs);
      auto graph = sample_graph(sample, core_ops(), shapes);
      check_compiled(*graph, sample_inputs(sample), GetParam()->tolerance);
    }
  }
}

/// What rounding, comparing and computing do with the numbers that are not like others.
TEST_P(Compiled, SpecialValuesEqualReference) {
  const OpDef& op = *GetParam();
  if (!op.is_elementwise || !op.expand) GTEST_SKIP() << "is not elementwise";
  const double kInfinity = std::numeric_limits<double>::infinity();
  for (const SampleCase& sample : sample_cases(op)) {
    const bool real = is_floating(sample.types.back().dtype);
    if (!real || sample.types.back().shape.rank() == 0) continue;
    SCOPED_TRACE(sample.name() + ": " + sample.sample->inputs);
    // Sines of larger f64 are NaN (math_expand.h).
    const double large = sample.types.back().dtype == DType::f64 ? 1e9 : 1e30;
    const std::vector<double> special = {0.0,       -0.0,       1.0,  -1.0, 0.5,   -2.5,
                                         1e-3,      -7.0,       88.0, 1e4,  1e-30, -large,
                                         kInfinity, -kInfinity, NAN,  3.0};
    // Every pair of values meets once.
    const auto count = static_cast<int64_t>(special.size() * special.size());
    Graph graph("special");
    Build build(graph, core_ops());
    std::vector<Value> inputs;
    std::vector<Literal> literals;
    for (size_t i = 0; i < sample.types.size(); ++i) {
      Literal literal(sample.types[i].dtype, {count});
      for (int64_t k = 0; k < count; ++k) {
        auto at = static_cast<size_t>(k);
        size_t pick = i == 0 ? at % special.size() : (at / special.size() + 5 * (i - 1));
        literal.set_double(k, special[pick % special.size()]);
      }
      inputs.push_back(build.input("x" + std::to_string(i), literal.type()));
      literals.push_back(std::move(literal));
    }
    Value result = build.call(op.name, inputs, sample.sample->attributes);
    graph.set_outputs({result.id()});
    check_compiled(graph, literals, op.tolerance);
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
