#include "tenon/transform/hoist.h"

#include "support.h"
#include "tenon/transform/vjp.h"

namespace tenon {
namespace {

using namespace test;

/// A recurrent layer as one writes it first: all products inside the loop.
std::unique_ptr<Graph> naive_recurrent() {
  GraphRef cell = make_region({"f64[2,3]", "f64[3,3]", "f64[3]", "f64[4,3]", "f64[4,2]"},
                              [](Build&, const Values& in) -> Values {
                                Value scale = exp(in[2]);
                                Value h = tanh(matmul(in[4], in[0]) * scale + matmul(in[3], in[1]));
                                return {h, matmul(h * in[3], in[1])};
                              });
  return make_graph({"f64[2,3]", "f64[3,3]", "f64[3]", "f64[4,3]", "f64[5,4,2]"},
                    [&](Build& b, const Values& in) {
                      return b.call_multi(
                          b.ops().get("scan"), in,
                          {{"body", cell}, {"constants", 3}, {"carries", 1}, {"length", Shape{5}}});
                    });
}

const Graph& body_of_scan(const Graph& graph, size_t skip = 0) {
  for (const Node& node : graph.nodes()) {
    if (node.op->name == "scan" && skip-- == 0) return *node.attributes.graph("body");
  }
  throw std::runtime_error("no scan");
}

TEST(Hoist, LeavesOnlyTheProductWithTheCarryInTheLoop) {
  auto f = naive_recurrent();
  auto hoisted = hoist_from_loops(*f, core_ops());
  ASSERT_TRUE(hoisted);
  EXPECT_EQ(count_ops(body_of_scan(*f), "dot"), 3u);
  EXPECT_EQ(count_ops(body_of_scan(*hoisted), "dot"), 1u);
  EXPECT_EQ(count_ops(body_of_scan(*hoisted), "exp"), 0u);
  EXPECT_EQ(count_ops(*hoisted, "dot"), 2u);
  auto inputs = some_inputs(*f);
  auto expected = run(*f, inputs);
  auto actual = run(*hoisted, inputs);
  for (size_t i = 0; i < expected.size(); ++i) expect_near(actual[i], expected[i]);
}

TEST(Hoist, HoldsForTheBackwardLoopToo) {
  auto g = vjp(*naive_recurrent(), core_ops());
  auto hoisted = hoist_from_loops(*g, core_ops());
  ASSERT_TRUE(hoisted);
  // h W' for the carry's cotangent, and the way back through the product that reads the carry.
  EXPECT_LE(count_ops(body_of_scan(*hoisted, 1), "dot"), 2u);
  auto inputs = some_inputs(*g);
  auto expected = run(*g, inputs);
  auto actual = run(*hoisted, inputs);
  for (size_t i = 0; i < expected.size(); ++i) expect_near(actual[i], expected[i]);
}

TEST(Hoist, SaysThatThereIsNothingToDo) {
  auto f = make_graph({"f64[3]"}, [](Build&, const Values& in) -> Values { return {sin(in[0])}; });
  EXPECT_EQ(hoist_from_loops(*f, core_ops()), nullptr);
}

TEST(Hoist, ReachesLoopsInsideLoops) {
  GraphRef outer = make_region(
      {"f64[2,3]", "f64[3,3]", "f64[3]", "f64[4,3]", "f64[5,4,2]"},
      [&](Build& b, const Values& in) { return b.inline_graph(*naive_recurrent(), in); });
  auto f =
      make_graph({"f64[2,3]", "f64[3,3]", "f64[3]", "f64[4,3]", "f64[2,5,4,2]"},
                 [&](Build& b, const Values& in) {
                   return b.call_multi(
                       b.ops().get("scan"), in,
                       {{"body", outer}, {"constants", 3}, {"carries", 1}, {"length", Shape{2}}});
                 });
  auto hoisted = hoist_from_loops(*f, core_ops());
  ASSERT_TRUE(hoisted);
  auto inputs = some_inputs(*f);
  auto expected = run(*f, inputs);
  auto actual = run(*hoisted, inputs);
  for (size_t i = 0; i < expected.size(); ++i) expect_near(actual[i], expected[i]);
}

/// (constant c, count, kept, x) -> x * exp(kept) + exp(c), as long as count < 3.
std::unique_ptr<Graph> loop_that_keeps() {
  const std::vector<std::string> types = {"f64[4]", "i32[]", "f64[4]", "f64[4]"};
  GraphRef condition = make_region(types, [](Build&, const Values& in) -> Values {
    Value limit = reduce_sum(exp(in[0]) * 0.0, {0});
    return {less(cast(in[1], DType::f64), limit + 3.0)};
  });
  GraphRef body = make_region(types, [](Build&, const Values& in) -> Values {
    return {in[1] + 1.0, in[2], in[3] * exp(in[2]) + tanh(exp(in[0]))};
  });
  return make_graph({"f64[4]", "f64[4]", "f64[4]"}, [&](Build& b, const Values& in) {
    Value zero = b.full(Type::parse("i32[]"), 0);
    return b.call_multi(b.ops().get("while"), std::vector<Value>{in[0], zero, in[1], in[2]},
                        {{"condition", condition}, {"body", body}, {"constants", 1}});
  });
}

const Node& loop_of(const Graph& graph, std::string_view op) {
  for (const Node& node : graph.nodes()) {
    if (node.op->name == op) return node;
  }
  throw std::runtime_error("no loop");
}

TEST(Hoist, WhatNoStepOfAWhileChangesIsItsConstant) {
  auto f = loop_that_keeps();
  auto hoisted = hoist_from_loops(*f, core_ops());
  ASSERT_TRUE(hoisted);
  const Node& loop = loop_of(*hoisted, "while");
  const Graph& body = *loop.attributes.graph("body");
  EXPECT_EQ(loop.outputs.size(), 2u);  // the count and x
  EXPECT_EQ(count_ops(body, "exp"), 0u);
  EXPECT_EQ(count_ops(body, "tanh"), 0u);
  EXPECT_EQ(count_ops(*loop.attributes.graph("condition"), "exp"), 0u);
  auto inputs = some_inputs(*f);
  auto expected = run(*f, inputs);
  auto actual = run(*hoisted, inputs);
  ASSERT_EQ(actual.size(), 3u);
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(actual[i] == expected[i]) << i;
  EXPECT_FALSE(hoist_from_loops(*hoisted, core_ops()));
}

TEST(Hoist, AWhileThatChangesNothingIsLeftAlone) {
  GraphRef never = make_region({"f64[2]"}, [](Build& b, const Values&) -> Values {
    return {b.full(Type::parse("bool[]"), 0)};
  });
  GraphRef same = make_region({"f64[2]"}, [](Build&, const Values& in) { return in; });
  auto f = make_graph({"f64[2]"}, [&](Build& b, const Values& in) {
    return b.call_multi(b.ops().get("while"), in, {{"condition", never}, {"body", same}});
  });
  EXPECT_FALSE(hoist_from_loops(*f, core_ops()));
}

TEST(Hoist, CarriesOfAScanThatNoStepChangesAreItsConstants) {
  // (kept, sum, x) -> (kept, sum + kept * x)
  GraphRef body =
      make_region({"f64[3]", "f64[3]", "f64[3]"}, [](Build&, const Values& in) -> Values {
        return {in[0], in[1] + in[0] * in[2], in[0] * in[2]};
      });
  auto f = make_graph({"f64[3]", "f64[3]", "f64[5,3]"}, [&](Build& b, const Values& in) {
    return b.call_multi(b.ops().get("scan"), in,
                        {{"body", body}, {"carries", 2}, {"length", Shape{5}}});
  });
  auto hoisted = hoist_from_loops(*f, core_ops());
  ASSERT_TRUE(hoisted);
  const Node& scan = loop_of(*hoisted, "scan");
  EXPECT_EQ(scan.attributes.integer("constants"), 1);
  EXPECT_EQ(scan.attributes.integer("carries"), 1);
  auto inputs = some_inputs(*f);
  auto expected = run(*f, inputs);
  auto actual = run(*hoisted, inputs);
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(actual[i] == expected[i]) << i;
}

}  // namespace
}  // namespace tenon
