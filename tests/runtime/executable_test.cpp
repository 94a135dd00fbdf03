#include "tenon/runtime/executable.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tenon/base/error.h"
#include "tenon/base/parallel.h"
#include "tenon/base/random.h"
#include "tenon/graph/build.h"
#include "tenon/graph/text.h"
#include "tenon/interpret/interpret.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/value_functions.h"
#include "tenon/runtime/cpu/vector/vector_kernels.h"

namespace tenon {
namespace {

Literal random_literal(DType dtype, std::vector<int64_t> shape, uint64_t seed) {
  Literal literal(dtype, std::move(shape));
  uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  for (int64_t i = 0; i < literal.size(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    literal.set_double(i, static_cast<double>(state >> 40) / static_cast<double>(1 << 24) * 2 - 1);
  }
  return literal;
}

/// Runs a graph compiled and by reference, for given values of its symbols, and compares.
void expect_compiled_equals_reference(const char* text, const SymbolValues& symbols = {},
                                      double tolerance = 2e-5) {
  std::unique_ptr<Graph> graph = parse_graph(text, core_ops());
  auto executable = compile(*graph, core_ops());
  std::vector<Buffer> inputs;
  std::vector<RefArray> operands;
  uint64_t seed = 1;
  for (const Type& type : graph->input_types()) {
    Literal literal = random_literal(type.dtype, type.shape.evaluate(symbols), seed++);
    inputs.push_back(Buffer::copy_of(literal));
    operands.push_back(RefArray::from(literal));
  }
  std::vector<RefArray> wanted = interpret(*graph, operands);
  for (int threads : {1, 2}) {
    set_thread_count(threads);
    std::vector<Buffer> outputs = executable->run(inputs);
    ASSERT_EQ(outputs.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      Literal given = outputs[i].to_literal();
      ASSERT_EQ(given.shape(), wanted[i].shape());
      for (int64_t j = 0; j < given.size(); ++j) {
        double difference = std::abs(given.to_double(j) - wanted[i].get(j));
        ASSERT_LE(difference, tolerance * (1 + std::abs(wanted[i].get(j))))
            << "output " << i << " element " << j << "\n"
            << executable->report().text;
      }
    }
  }
}

TEST(Executable, SumsManyRowsOfFewColumns) {
  expect_compiled_equals_reference(R"(
    graph f(%x: f32[24000,6]) -> (f32[6], f32[6]) {
      %0: f32[24000,6] = multiply(%x, %x)
      %1: f32[6] = reduce_sum(%0) {axes=[0], keep=false}
      %2: f32[6] = reduce_max(%x) {axes=[0], keep=false}
      return %1, %2
    })");
  expect_compiled_equals_reference(R"(
    graph f(%x: f32[11,3001,5], %b: f32[5]) -> (f32[5]) {
      %0: f32[11,3001,5] = broadcast(%b) {shape=[11,3001,5], dims=[2]}
      %1: f32[11,3001,5] = add(%x, %0)
      %2: f32[5] = reduce_sum(%1) {axes=[0,1], keep=false}
      return %2
    })");
}

TEST(Executable, ElementwiseChain) {
  expect_compiled_equals_reference(R"(
    graph f(%x: f32[1000], %y: f32[1000]) -> (f32[1000], f32[1000]) {
      %0: f32[1000] = multiply(%x, %y)
      %1: f32[1000] = tanh(%0)
      %2: f32[1000] = add(%1, %x)
      return %2, %1
    })");
}

TEST(Executable, BroadcastsAndTransposes) {
  expect_compiled_equals_reference(R"(
    graph f(%x: f32[37,19], %b: f32[19]) -> (f32[19,37]) {
      %0: f32[37,19] = broadcast(%b) {dims=[1], shape=[37,19]}
      %1: f32[37,19] = add(%x, %0)
      %2: f32[19,37] = transpose(%1) {order=[1,0]}
      return %2
    })");
}

TEST(Executable, SoftmaxRows) {
  expect_compiled_equals_reference(R"(
    graph f(%x: f32[33,65]) -> (f32[33,65]) {
      %0: f32[33,65] = softmax(%x) {axis=1}
      return %0
    })");
}

TEST(Executable, SymbolicBatch) {
  for (int64_t batch : {1, 2, 77}) {
    expect_compiled_equals_reference(R"(
      graph f(%x: f32[batch,12], %w: f32[12,7]) -> (f32[batch,7], f32[12], f32[]) {
        %0: f32[batch,7] = dot(%x, %w) {lhs_contract=[1], rhs_contract=[0]}
        %1: f32[batch,7] = softmax(%0) {axis=1}
        %2: f32[12] = reduce_sum(%x) {axes=[0]}
        %3: f32[] = reduce_sum(%x) {axes=[0,1]}
        return %1, %2, %3
      })",
                                     {{"batch", batch}});
  }
}

TEST(Executable, LargeColumnAndFullSums) {
  expect_compiled_equals_reference(R"(
    graph f(%x: f32[3000,70]) -> (f32[70], f32[], f32[3000]) {
      %0: f32[70] = reduce_sum(%x) {axes=[0]}
      %1: f32[] = reduce_max(%x) {axes=[0,1]}
      %2: f32[3000] = reduce_sum(%x) {axes=[1]}
      return %0, %1, %2
    })",
                                   {}, 2e-4);
}

TEST(Executable, DonatedStateIsUpdatedInPlace) {
  auto graph = parse_graph(R"(
    graph step(%w: f32[64], %g: f32[64]) -> (f32[64]) {
      %0: f32[] = constant() {value=dense<f32[]: 0.5>}
      %1: f32[64] = broadcast(%0) {dims=[], shape=[64]}
      %2: f32[64] = multiply(%g, %1)
      %3: f32[64] = subtract(%w, %2)
      return %3
    })",
                           core_ops());
  auto executable = compile(*graph, core_ops(), {.donated = {true, false}});
  EXPECT_EQ(executable->report().output_bytes, 0);
  Buffer w = Buffer::copy_of(random_literal(DType::f32, {64}, 1));
  Buffer g = Buffer::copy_of(random_literal(DType::f32, {64}, 2));
  float expected = w.as<float>()[5] - 0.5f * g.as<float>()[5];
  void* memory = w.data();
  std::vector<Buffer> inputs;
  inputs.push_back(std::move(w));
  inputs.push_back(g);
  std::vector<Buffer> outputs = executable->run(std::move(inputs));
  EXPECT_EQ(outputs[0].data(), memory);
  EXPECT_FLOAT_EQ(outputs[0].as<float>()[5], expected);
  // Someone still holds it: the run works on a copy.
  Buffer kept = outputs[0];
  float before = kept.as<float>()[5];
  auto again = executable->run({kept, g});
  EXPECT_NE(again[0].data(), kept.data());
  EXPECT_EQ(kept.as<float>()[5], before);
}

TEST(Executable, PlanBeyondTheLimitIsAnErrorBeforeTheRun) {
  auto graph = parse_graph(R"(
    graph f(%x: f32[1024,1024]) -> (f32[1024,1024]) {
      %0: f32[1024,1024] = exp(%x)
      return %0
    })",
                           core_ops());
  try {
    compile(*graph, core_ops(), {.memory_limit = 1000});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource_exhausted);
    EXPECT_NE(std::string(error.what()).find("more than the limit"), std::string::npos);
  }
}

TEST(Executable, ExactConvolutionsAreNotWinograds) {
  if (!vector_kernels()) GTEST_SKIP() << "Winograd's algorithm needs AVX2";
  auto graph = parse_graph(R"(
    graph f(%x: f32[4,16,16,32], %w: f32[3,3,32,32]) -> (f32[4,16,16,32]) {
      %0: f32[4,16,16,32] = convolution(%x, %w) {padding_low=[1,1], padding_high=[1,1]}
      return %0
    })",
                           core_ops());
  const std::vector<Literal> operands = {random_literal(DType::f32, {4, 16, 16, 32}, 1),
                                         random_literal(DType::f32, {3, 3, 32, 32}, 2)};
  const Literal wanted = interpret(*graph, operands)[0];
  const auto error_of = [&](const Executable& executable) {
    const Literal given =
        executable.run({Buffer::copy_of(operands[0]), Buffer::copy_of(operands[1])})[0]
            .to_literal();
    double most = 0;
    for (int64_t i = 0; i < given.size(); ++i) {
      most = std::max(most, std::abs(given.to_double(i) - wanted.to_double(i)));
    }
    return most;
  };
  auto fast = compile(*graph, core_ops());
  auto exact = compile(*graph, core_ops(), {.exact_convolutions = true});
  if (exact->report().text.find("onednn") == std::string::npos) GTEST_SKIP() << "without oneDNN";
  EXPECT_NE(fast->report().text.find("F(4x4"), std::string::npos);
  EXPECT_EQ(exact->report().text.find("F(4x4"), std::string::npos);
  EXPECT_LT(error_of(*exact), error_of(*fast));
}

TEST(Executable, SizesThatASliceDoesNotFitAreErrors) {
  for (const char* text : {R"(
graph head(%x: f32[n]) -> (f32[10]) {
  %0: f32[10] = slice(%x) {start=[0], limit=[10], stride=[1]}  @crop
  return %0
})",
                           R"(
graph steps(%x: f32[2,n]) -> (f32[2,10]) {
  %0: f32[2,10] = scan(%x) {body=graph step(%row: f32[n]) -> (f32[10]) {
    %0: f32[10] = slice(%row) {start=[0], limit=[10], stride=[1]}  @crop
    %1: f32[10] = exp(%0)
    return %1
  }, carries=0, length=[2]}
  return %0
})"}) {
    auto graph = parse_graph(text, core_ops());
    auto executable = compile(*graph, core_ops());
    auto run = [&](int64_t n) {
      std::vector<int64_t> shape = graph->input_types()[0].shape.evaluate({{"n", n}});
      executable->run({Buffer::copy_of(random_literal(DType::f32, shape, 1))});
    };
    run(10);
    try {
      run(7);
      ADD_FAILURE() << "reads beyond the end";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::out_of_range);
      EXPECT_NE(std::string(error.what()).find("[0, 10) is not a valid range"), std::string::npos);
      EXPECT_NE(std::string(error.what()).find("in crop"), std::string::npos);
    }
  }
}

TEST(Executable, JoinsAnyNumberOfParts) {
  for (auto [count, axis] : {std::pair{33, 0}, std::pair{70, 1}, std::pair{1100, 1}}) {
    Graph graph("join");
    Build build(graph, core_ops());
    const Value x = build.input("x", Type::parse("f32[2,3]"));
    std::vector<Value> parts;
    for (int i = 0; i < count; ++i)
      parts.push_back(i % 4 == 0 ? x : x + static_cast<double>(i % 9));
    graph.set_outputs({(concatenate(parts, axis) * 2.0).id()});
    const std::vector<Literal> inputs = {random_literal(DType::f32, {2, 3}, 5)};
    const Literal wanted = interpret(graph, inputs, core_ops())[0];
    const Buffer result = compile(graph, core_ops())->run({Buffer::copy_of(inputs[0])})[0];
    EXPECT_TRUE(result.to_literal() == wanted) << count;
  }
}

TEST(Executable, WrongInputsAreNamed) {
  auto graph = parse_graph("graph f(%x: f32[4]) -> (f32[4]) { return %x }", core_ops());
  auto executable = compile(*graph, core_ops());
  EXPECT_THROW(executable->run({Buffer::allocate(DType::f32, {5})}), Error);
  EXPECT_THROW(executable->run({Buffer::allocate(DType::i32, {4})}), Error);
  EXPECT_THROW(executable->run({}), Error);
}

}  // namespace
}  // namespace tenon
