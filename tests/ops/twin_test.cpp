// An op of an extension is treated as Tenon's own: the same statement under another name, between
// the same neighbours, becomes the same derivative and the same kernels. Nothing outside
// tenon/ops/ may ask for an op's name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "samples.h"
#include "tenon/base/error.h"
#include "tenon/compile/pass.h"
#include "tenon/graph/build.h"
#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"
#include "tenon/transform/vjp.h"

namespace tenon {
namespace {

constexpr std::string_view kTwin = "twin_";

/// All ops, and each again under another name.
const OpRegistry& twins() {
  static const OpRegistry* ops = [] {
    auto* made = new OpRegistry;
    register_core_ops(*made);
    for (const auto& op : core_ops().all()) {
      OpDef twin = *op;
      twin.name = std::string(kTwin) + op->name;
      made->add(std::move(twin));
    }
    return made;
  }();
  return *ops;
}

class NoKernels : public KernelOracle {
 public:
  bool has_kernel(const Graph&, const Node&) const override { return false; }
};

/// Floating values behind something dear, so that where it is computed shows.
Value dear(const Value& x) { return is_floating(x.dtype()) ? x.build().call("tanh", {x}) : x; }

/// The op between neighbours: dear operands, and results that are read twice.
std::unique_ptr<Graph> between_neighbours(const OpDef& op, const SampleCase& sample) {
  auto graph = std::make_unique<Graph>("f");
  Build build(*graph, twins());
  std::vector<Value> inputs;
  for (size_t i = 0; i < sample.symbolic.size(); ++i)
    inputs.push_back(dear(build.input("x" + std::to_string(i), sample.symbolic[i])));
  std::vector<ValueId> outputs;
  for (const Value& y : build.call_multi(op, inputs, sample.sample->attributes)) {
    outputs.push_back(y.id());
    if (is_floating(y.dtype())) outputs.push_back((y * 3.0 + 0.5).id());
  }
  graph->set_outputs(std::move(outputs));
  return graph;
}

std::string compiled_text(const Graph& graph) {
  const NoKernels oracle;
  std::string text = to_text(*PassManager({twins(), oracle}, {}).run(graph, standard_passes()));
  for (size_t at; (at = text.find(kTwin)) != std::string::npos;) text.erase(at, kTwin.size());
  return text;
}

/// Rules about these find more where they stand between neighbours: a product takes in transposes,
/// the sum of a broadcast is one product, and loops are opened by those who know them.
bool is_known_by_rules(const OpDef& op) {
  if (op.derivative_class == DerivativeClass::region) return true;
  return op.core && !op.is_view && !op.is_broadcast;
}

class TwinOf : public testing::TestWithParam<const OpDef*> {};

std::vector<const OpDef*> ops_without_rules() {
  std::vector<const OpDef*> ops;
  for (const auto& op : core_ops().all()) {
    if (!is_known_by_rules(*op)) ops.push_back(op.get());
  }
  return ops;
}

INSTANTIATE_TEST_SUITE_P(Ops, TwinOf, testing::ValuesIn(ops_without_rules()),
                         [](const auto& param) { return param.param->name; });

TEST_P(TwinOf, BecomesTheSameKernels) {
  const OpDef& twin = twins().get(std::string(kTwin) + GetParam()->name);
  const OpDef& own = twins().get(GetParam()->name);
  EXPECT_FALSE(twin.core.has_value());
  for (const SampleCase& sample : sample_cases(*GetParam())) {
    SCOPED_TRACE(sample.name() + ": " + sample.sample->inputs);
    auto with_own = between_neighbours(own, sample), with_twin = between_neighbours(twin, sample);
    EXPECT_EQ(compiled_text(*with_twin), compiled_text(*with_own));
    if (!is_differentiable(own)) continue;
    EXPECT_EQ(compiled_text(*vjp(*with_twin, twins())), compiled_text(*vjp(*with_own, twins())));
  }
}

/// exp(x - max(x)) a row, where the op named `repeat` brings the maximum to each element.
std::unique_ptr<Graph> rows_with(const std::string& repeat) {
  auto graph = std::make_unique<Graph>("f");
  Build build(*graph, twins());
  Value x = build.input("x", Type::parse("f32[n,64]"));
  Value largest =
      build.call(repeat, {reduce_max(x, {1})}, {{"shape", x.shape()}, {"dims", Integers{0}}});
  graph->set_outputs({build.call("exp", {x - largest}).id()});
  return graph;
}

TEST(Twin, OfABroadcastSharesRows) {
  const std::string text = compiled_text(*rows_with("broadcast"));
  EXPECT_THAT(text, testing::HasSubstr("kind=\"row\""));
  EXPECT_EQ(compiled_text(*rows_with("twin_broadcast")), text);
}

/// Every name that code compares with is that of an op, and is told from others.
TEST(CoreOps, AreStated) {
  for (const auto& [op, name] : kCoreOpNames) {
    EXPECT_TRUE(core_ops().get(name).is(op)) << name;
    EXPECT_EQ(name_of(op), name);
  }
  EXPECT_FALSE(core_ops().get("tanh").core.has_value());
}

TEST(Statement, RefusesAPropertyThatLacksWhatItNeeds) {
  auto refusal = [](OpStatement statement) {
    OpRegistry ops;
    try {
      OpFamily(ops, "test")
          .add(statement.doc("Nothing.")
                   .infer([](InferContext& c) { return std::vector<Type>{c.input(0)}; })
                   .non_differentiable("for the test")
                   .reference([](ReferenceCall&) {})
                   .samples({"f32[3]"}));
    } catch (const Error& error) {
      return error.message();
    }
    return std::string("nothing");
  };
  using testing::HasSubstr;
  EXPECT_THAT(refusal(primitive("repeat").input("x").broadcasts()),
              HasSubstr("op 'repeat' (test) lacks the attribute dims of a broadcast"));
  EXPECT_THAT(refusal(primitive("pass").view()), HasSubstr("lacks the input that it passes on"));
  EXPECT_THAT(refusal(elementwise("above", 1).compares(Comparison::greater)),
              HasSubstr("lacks two inputs to compare or shift"));
  EXPECT_THAT(refusal(primitive("pick").input("x").indexes({})),
              HasSubstr("lacks the input that holds indices"));
  EXPECT_THAT(
      refusal(primitive("pick").input("x").input("at").indexes({.axis_attribute = "along"})),
      HasSubstr("lacks the attribute along of its indices, an integer"));
  EXPECT_THAT(refusal(primitive("pick").input("x").optional_input("at").indexes({})),
              HasSubstr("lacks the input that holds indices, which is never left out"));
  EXPECT_EQ(refusal(primitive("pick").input("x").input("at").indexes({})), "nothing");
}

TEST(Statement, AViewHasTheElementsOfItsInput) {
  OpRegistry ops;
  OpFamily(ops, "test")
      .add(primitive("half_of")
               .doc("Claims to be a view of half of x.")
               .input("x")
               .infer(
                   [](InferContext& c) { return std::vector<Type>{{c.input(0).dtype, Shape{2}}}; })
               .view()
               .non_differentiable("for the test")
               .samples({"f32[2]"}));
  Attributes none;
  const Type type{DType::f32, Shape{4}};
  try {
    check_call(ops.get("half_of"), std::span(&type, 1), none, nullptr);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), testing::HasSubstr("half_of: states that it is a view, but "
                                                    "result 0 is f32[2]"));
  }
}

}  // namespace
}  // namespace tenon
