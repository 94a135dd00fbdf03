#include "tenon/transform/vmap.h"

#include "support.h"
#include "tenon/base/error.h"
#include "tenon/base/log.h"

namespace tenon {
namespace {

using namespace test;

/// Reverses a vector, and has no batching rule.
OpDef reversed_without_rule() {
  OpDef op = core_ops().get("reverse");
  op.name = "reversed";
  op.batch_class = BatchClass::loop;
  return op;
}

TEST(Vmap, RunsOpsWithoutRuleInALoopAndSaysSo) {
  OpRegistry ops;
  register_core_ops(ops);
  ops.add(reversed_without_rule());
  Graph f("f");
  Build build(f, ops);
  Value x = build.input("x", Type::parse("f64[3]"));
  Value y = build.call("reversed", {x}, {{"axes", Integers{0}}});
  f.set_outputs({build.call("reversed", {y * 2.0}, {{"axes", Integers{0}}}).id()});

  std::string said;
  set_log_sink([&](LogLevel, std::string_view text) { said += text; });
  auto batched = vmap(f, ops, {.size = 2});
  set_log_sink(nullptr);
  EXPECT_NE(said.find("reversed has no batching rule; 2 calls run as a loop"), std::string::npos)
      << said;
  EXPECT_EQ(count_ops(*batched, "scan"), 2u);
  auto rows = interpret(*batched, {reals({2, 3}, {1, 2, 3, 4, 5, 6})}, ops);
  EXPECT_EQ(numbers(rows[0]), (std::vector<double>{2, 4, 6, 8, 10, 12}));
}

TEST(Vmap, ComposesWithItself) {
  auto f = make_graph({"f64[3]", "f64[3]"}, [](Build&, const Values& in) -> Values {
    return {dot(in[0], in[1], {{0}, {0}})};
  });
  auto columns = vmap(*f, core_ops(), {.in_axes = {std::nullopt, 1}, .size = 2});
  auto product = vmap(*columns, core_ops(), {.in_axes = {0, std::nullopt}, .size = 2});
  auto result =
      run(*product, {reals({2, 3}, {1, 2, 3, 4, 5, 6}), reals({3, 2}, {1, 0, 0, 1, 1, 1})});
  EXPECT_EQ(numbers(result[0]), (std::vector<double>{4, 5, 10, 11}));
}

TEST(Vmap, LeavesAloneWhatDoesNotDependOnTheBatch) {
  auto f = make_graph({"f64[3]", "f64[3]"}, [](Build&, const Values& in) -> Values {
    return {in[0] + exp(in[1]), sin(in[1])};
  });
  BatchingOptions options{.in_axes = {0, std::nullopt}, .out_axes = {0, std::nullopt}, .size = 4};
  auto batched = vmap(*f, core_ops(), options);
  EXPECT_EQ(batched->type(batched->outputs()[1]).to_string(), "f64[3]");
  for (const Node& node : batched->nodes()) {
    if (node.op->name != "exp") continue;
    EXPECT_EQ(batched->type(node.outputs[0]).to_string(), "f64[3]");
  }
}

TEST(Vmap, RefusesAxesThatDoNotFit) {
  auto f = make_graph({"f64[3]"}, [](Build&, const Values& in) -> Values { return {in[0]}; });
  EXPECT_THROW(vmap(*f, core_ops(), {.in_axes = {0, 0}, .size = 4}), Error);
  EXPECT_THROW(vmap(*f, core_ops(), {.in_axes = {2}, .size = 4}), Error);
}

}  // namespace
}  // namespace tenon
