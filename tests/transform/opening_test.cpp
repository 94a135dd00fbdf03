// Composites that are made of themselves, at once or by way of another: an error, wherever they are
// opened.
#include <gmock/gmock.h>

#include <functional>

#include "tenon/base/error.h"
#include "tenon/graph/build.h"
#include "tenon/interpret/interpret.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"
#include "tenon/runtime/executable.h"
#include "tenon/transform/jvp.h"
#include "tenon/transform/rewrite.h"
#include "tenon/transform/vjp.h"
#include "tenon/transform/vmap.h"

namespace tenon {
namespace {

void add_circular(OpFamily& family, const std::string& name, const std::string& made_of) {
  family.add(composite(name)
                 .doc("Made of itself, at once or by way of another.")
                 .input("x", kFloating)
                 .infer([](InferContext& c) { return std::vector<Type>{c.input(0)}; })
                 .decompose([=](RuleContext& c) {
                   return std::vector<Value>{c.build.call(made_of, {c.inputs[0]}) * 2.0};
                 })
                 .samples({"f32[3]"}));
}

TEST(Opening, OfWhatIsMadeOfItselfIsAnError) {
  OpRegistry ops;
  register_core_ops(ops);
  OpFamily family(ops, "circular");
  add_circular(family, "itself", "itself");
  add_circular(family, "hen", "egg");
  add_circular(family, "egg", "hen");
  const std::vector<Literal> x = {Literal::of<float>({2}, {1, 2})};
  for (const char* op : {"itself", "hen"}) {
    Graph graph("f");
    Build build(graph, ops);
    graph.set_outputs({build.call(op, {build.input("x", {DType::f32, {2}})}).id()});
    const std::function<void()> uses[] = {
        [&] { compile(graph, ops); },
        [&] { decompose(graph, ops); },
        [&] { vjp(graph, ops); },
        [&] { jvp(graph, ops); },
        [&] { vmap(graph, ops, {.size = 2}); },
        [&] { interpret(graph, x, ops); },
    };
    for (const auto& use : uses) {
      try {
        use();
        ADD_FAILURE() << op << ": no error";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
        EXPECT_THAT(error.what(),
                    testing::ContainsRegex("(itself|hen|egg): its decomposition has no end"));
      }
    }
  }
  // What was open is closed again.
  Graph graph("f");
  Build build(graph, ops);
  graph.set_outputs({build.call("softmax", {build.input("x", {DType::f32, {2}})}).id()});
  EXPECT_EQ(interpret(graph, x, ops).size(), 1u);
}

}  // namespace
}  // namespace tenon
