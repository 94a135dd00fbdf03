// Ops on arrays that are large enough to run in vectors and on several threads.
#include <gtest/gtest.h>

#include "samples.h"
#include "tenon/base/parallel.h"
#include "tenon/graph/build.h"
#include "tenon/interpret/interpret.h"
#include "tenon/ops/value_functions.h"
#include "tenon/runtime/executable.h"

namespace tenon {
namespace {

struct Input {
  const char* type;
  double low, high;
};

/// One call compiled, on one thread and on two, against the reference.
void check_call(const char* op, const std::vector<Input>& inputs, Attributes attributes,
                double tolerance = 1) {
  SCOPED_TRACE(op);
  Graph graph("large");
  Build build(graph, core_ops());
  std::vector<Value> values;
  std::vector<Literal> literals;
  for (const Input& input : inputs) {
    Type type = Type::parse(input.type);
    literals.push_back(
        random_literal(type.dtype, type.shape.constants(), input.low, input.high, literals.size()));
    values.push_back(build.input("x" + std::to_string(values.size()), type));
  }
  std::vector<ValueId> outputs;
  for (const Value& v : build.call_multi(core_ops().get(op), values, std::move(attributes)))
    outputs.push_back(v.id());
  graph.set_outputs(outputs);
  auto executable = compile(graph, core_ops());
  std::vector<Literal> wanted = interpret(graph, literals), results[2];
  for (int threads : {1, 2}) {
    set_thread_count(threads);
    std::vector<Buffer> buffers;
    for (const Literal& literal : literals) buffers.push_back(Buffer::copy_of(literal));
    for (const Buffer& output : executable->run(std::move(buffers)))
      results[threads - 1].push_back(output.to_literal());
  }
  EXPECT_EQ(results[0], results[1]) << "the result depends on the number of threads";
  for (size_t i = 0; i < wanted.size(); ++i) {
    double allowed = tolerance * tolerance_of(wanted[i].dtype());
    EXPECT_EQ(difference(results[0][i], wanted[i], allowed), "") << "output " << i;
  }
}

TEST(Large, GatherAndScatter) {
  check_call("gather", {{"f32[1000,70]", -1, 1}, {"i32[3000]", -3, 1003}}, {{"axis", 0}});
  check_call("gather", {{"f32[70,1000]", -1, 1}, {"i64[3000]", -3, 1003}}, {{"axis", 1}});
  for (const char* mode : {"add", "set", "max", "min"}) {
    check_call("scatter", {{"f32[100,70]", -1, 1}, {"i32[3000]", -3, 103}, {"f32[3000,70]", -1, 1}},
               {{"axis", 0}, {"mode", mode}}, 32);
    check_call("scatter",
               {{"f32[70,100]", -1, 1}, {"i64[70,300]", -3, 103}, {"f32[70,300]", -1, 1}},
               {{"axis", 1}, {"batch_dims", 1}, {"mode", mode}}, 4);
  }
}

TEST(Large, CumulativeAndSort) {
  check_call("cumulative_sum", {{"f32[300,70]", -1, 1}}, {{"axis", 0}}, 32);
  check_call("cumulative_max", {{"i32[70,3000]", -1000000, 1000000}}, {{"axis", 1}});
  check_call("sort", {{"f32[70,1000]", -1, 1}, {"i64[70,1000]", 0, 1e9}}, {{"axis", 1}});
  check_call("sort", {{"i32[1000,70]", -9, 9}, {"f32[1000,70]", -1, 1}},
             {{"axis", 0}, {"descending", true}});
}

TEST(Large, Reductions) {
  for (const char* op : {"reduce_sum", "reduce_max", "reduce_min"}) {
    for (const Integers& axes :
         {Integers{0}, Integers{1}, Integers{2}, Integers{0, 2}, Integers{1, 2}, Integers{0, 1, 2}})
      check_call(op, {{"f32[37,33,70]", -1, 1}}, {{"axes", axes}}, 256);
  }
  check_call("argmax", {{"f32[300,700]", -1, 1}}, {{"axis", 1}});
  check_call("argmin", {{"i32[300,700]", -9, 9}}, {{"axis", 0}});
  check_call("reduce_and", {{"bool[300,70]", 0, 1}}, {{"axes", Integers{1}}});
}

TEST(Large, MovesAndSlices) {
  check_call("transpose", {{"f32[37,65,70]", -1, 1}}, {{"order", Integers{2, 0, 1}}});
  check_call("reverse", {{"f32[300,301]", -1, 1}}, {{"axes", Integers{1}}});
  check_call("concatenate", {{"f32[301,70]", -1, 1}, {"f32[301,33]", -1, 1}}, {{"axis", 1}});
  check_call("pad", {{"f32[301,70]", -1, 1}, {"f32[]", -1, 1}},
             {{"low", Shape{2, -1}}, {"high", Shape{-3, 5}}, {"interior", Integers{1, 2}}});
  check_call("dynamic_slice", {{"f32[301,70]", -1, 1}, {"i32[]", 50, 99}, {"i32[]", -9, -1}},
             {{"sizes", Shape{200, 65}}});
  check_call("dynamic_update_slice",
             {{"f32[301,70]", -1, 1}, {"f32[200,65]", -1, 1}, {"i32[]", 50, 199}, {"i32[]", 0, 9}},
             {});
}

TEST(Large, RandomBits) {
  check_call("random_bits", {{"i64[2]", 0, 1e9}}, {{"shape", Shape{301, 70}}});
}

}  // namespace
}  // namespace tenon
