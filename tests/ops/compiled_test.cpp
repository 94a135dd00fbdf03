// What the compiler makes of every op, against the reference, on every sample.
#include <gtest/gtest.h>

#include "samples.h"
#include "tenon/base/parallel.h"
#include "tenon/interpret/interpret.h"
#include "tenon/runtime/executable.h"

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

TEST_P(Compiled, EqualsReferenceOnAnyNumberOfThreads) {
  for (const SampleCase& sample : sample_cases(*GetParam())) {
    SCOPED_TRACE(sample.name() + ": " + sample.sample->inputs);
    auto graph = sample_graph(sample, core_ops(), SampleShapes::symbolic);
    std::vector<Literal> inputs = sample_inputs(sample);
    auto executable = compile(*graph, core_ops());
    std::vector<Literal> one = run(*executable, inputs, 1), two = run(*executable, inputs, 2);
    std::vector<Literal> reference = interpret(*graph, inputs);
    ASSERT_EQ(one.size(), reference.size());
    for (size_t i = 0; i < one.size(); ++i) {
      double tolerance = tolerance_of(reference[i].dtype()) * GetParam()->tolerance;
      EXPECT_EQ(difference(one[i], reference[i], tolerance), "") << "output " << i;
      EXPECT_EQ(one[i], two[i]) << "output " << i << " differs on two threads";
    }
  }
}

}  // namespace
}  // namespace tenon
