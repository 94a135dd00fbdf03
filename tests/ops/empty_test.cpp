// Ops on arrays of no elements, in the reference and in compiled code: what NumPy and PyTorch give
// (tests/reference/torch_conventions.py), or an error that says what is empty.
#include <gmock/gmock.h>

#include <cmath>

#include "tenon/base/error.h"
#include "tests/ops/evaluate.h"
#include "tests/run.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Literal none(std::vector<int64_t> shape) { return floats(std::move(shape), {}); }

/// All outputs of the call, then the cotangents of the inputs for ones at output 0.
std::vector<std::vector<double>> results(const std::string& op, const std::vector<Literal>& inputs,
                                         Attributes attributes = {}) {
  auto graph = graph_of_call(op, inputs, attributes);
  size_t outputs = graph->outputs().size();
  auto derivative = vjp(*graph, core_ops(), {.wrt = {{0}}, .outputs = {{0}}});
  std::vector<Literal> arguments = inputs;
  const Type& type = graph->type(graph->outputs()[0]);
  Literal ones(type.dtype, type.shape.constants());
  for (int64_t i = 0; i < ones.size(); ++i) ones.set_double(i, 1);
  arguments.push_back(ones);
  std::vector<std::vector<double>> all;
  for (const Literal& literal : interpret(*derivative, arguments)) all.push_back(numbers(literal));
  std::vector<Literal> compiled = run(*compile(*derivative, core_ops()), arguments, 1);
  for (size_t i = 0; i < compiled.size(); ++i) {
    EXPECT_THAT(numbers(compiled[i]), testing::Pointwise(testing::NanSensitiveDoubleEq(), all[i]))
        << op << ", compiled";
  }
  EXPECT_EQ(all.size(), outputs + 1);
  return all;
}

TEST(Empty, ReductionsGiveTheNeutralElement) {
  Attributes first = {{"axes", Integers{0}}};
  EXPECT_THAT(results("reduce_sum", {none({0, 2})}, first)[0], ElementsAre(0, 0));
  EXPECT_THAT(results("reduce_product", {none({0, 2})}, first)[0], ElementsAre(1, 1));
  EXPECT_THAT(results("reduce_max", {none({0, 2})}, first)[0], ElementsAre(-INFINITY, -INFINITY));
  EXPECT_THAT(results("reduce_sum", {none({0, 2})}, {{"axes", Integers{1}}})[0], IsEmpty());
}

TEST(Empty, SoftmaxOfNoClassesIsEmpty) {
  for (const char* op : {"softmax", "log_softmax"}) {
    EXPECT_THAT(results(op, {none({2, 0})})[0], IsEmpty());
    EXPECT_THAT(results(op, {none({0, 2})})[1], IsEmpty());
  }
  EXPECT_THAT(results("log_sum_exp", {none({2, 0})})[0], ElementsAre(-INFINITY, -INFINITY));
  EXPECT_THAT(results("log_sum_exp", {none({2, 0})})[1], IsEmpty());
}

TEST(Empty, NormsOfNothingAreEmpty) {
  for (const char* op : {"standardize", "layer_norm", "rms_norm"}) {
    EXPECT_THAT(results(op, {none({2, 0})})[0], IsEmpty()) << op;
    EXPECT_THAT(results(op, {none({0, 2})})[1], IsEmpty()) << op;
  }
  EXPECT_THAT(results("group_norm", {none({0, 3, 4})}, {{"groups", 2}})[1], IsEmpty());
  EXPECT_THAT(results("group_norm", {none({2, 0, 4})}, {{"groups", 2}})[1], IsEmpty());
  EXPECT_THAT(results("instance_norm", {none({2, 0, 4})})[1], IsEmpty());
}

TEST(Empty, LossesOfNoRows) {
  Literal no_labels = Literal::of<int32_t>({0}, {});
  EXPECT_THAT(results("softmax_cross_entropy", {none({0, 3}), no_labels})[0], IsEmpty());
  EXPECT_THAT(results("softmax_cross_entropy_with_probabilities", {none({0, 3}), none({0, 3})})[1],
              IsEmpty());
  for (const char* op : {"mean_squared_error", "mean_absolute_error"}) {
    auto all = results(op, {none({0, 3}), none({0, 3})});
    EXPECT_TRUE(std::isnan(all[0][0])) << op << " is a mean of nothing";
    EXPECT_THAT(all[1], IsEmpty());
  }
}

TEST(Empty, AttentionToNoKeysIsZero) {
  auto all =
      results("attention", {floats({1, 1, 1, 2}, {1, 2}), none({1, 1, 0, 2}), none({1, 1, 0, 3})});
  EXPECT_THAT(all[0], ElementsAre(0, 0, 0));
  EXPECT_THAT(all[1], ElementsAre(0, 0));
}

std::string error_of(const std::string& op, const std::vector<Literal>& inputs,
                     Attributes attributes = {}) {
  try {
    graph_of_call(op, inputs, std::move(attributes));
    return "no error";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Empty, WhatNeedsAnElementSaysSo) {
  EXPECT_THAT(error_of("argmax", {none({0, 2})}, {{"axis", 0}}),
              HasSubstr("axis 0 of f32[0,2] is empty"));
  Literal three = floats({3}, {1, 1, 1});
  EXPECT_THAT(error_of("batch_norm", {none({0, 3}), three, three}),
              HasSubstr("x f32[0,3] has no rows to average"));
  EXPECT_THAT(error_of("batch_norm", {none({4, 0, 3}), three, three}), HasSubstr("has no rows"));
  // A number of rows that is known at the run only: the first of them is looked for.
  Graph graph("training");
  Build build(graph, core_ops());
  Value x = build.input("x", Type::parse("f32[n,3]")), c = build.input("c", Type::parse("f32[3]"));
  graph.set_outputs({build.call_multi(core_ops().get("batch_norm"), {{x, c, c}}, {})[0].id()});
  for (bool compiled : {false, true}) {
    try {
      if (compiled) run(*compile(graph, core_ops()), {none({0, 3}), three}, 1);
      if (!compiled) interpret(graph, {none({0, 3}), three});
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::internal);
      EXPECT_THAT(error.what(), HasSubstr("f32[0,3]"));
    }
  }
  EXPECT_THAT(results("batch_norm_inference", {none({0, 3}), three, three, three, three})[0],
              IsEmpty());
}

}  // namespace
}  // namespace tenon
