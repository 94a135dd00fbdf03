#include "tenon/graph/text.h"

#include <gmock/gmock.h>

#include "tenon/base/error.h"
#include "tenon/graph/build.h"
#include "tenon/graph/verify.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/value_functions.h"

namespace tenon {
namespace {

using testing::HasSubstr;

/// (a + b) * a with some names.
std::unique_ptr<Graph> small_graph(const std::string& a, const std::string& b,
                                   const std::string& label = "") {
  auto graph = std::make_unique<Graph>("small");
  Build build(*graph, core_ops());
  Value x = build.input(a, Type::parse("f32[n]")), y = build.input(b, Type::parse("f32[n]"));
  build.set_label(label);
  graph->set_outputs({((x + y) * x).id()});
  return graph;
}

TEST(Text, IsReadBackWhateverThingsAreCalled) {
  for (const auto& [a, b] :
       std::initializer_list<std::pair<const char*, const char*>>{{"x", "encoder.0.weight'"},
                                                                  {"0", "1"},
                                                                  {"1", "x"},
                                                                  {"same", "same"},
                                                                  {"", "%x: f32"},
                                                                  {"first layer", "größe"},
                                                                  {"a\"b\\", "two\nlines"}}) {
    auto graph = small_graph(a, b, "block 1: \"wide\"");
    graph->set_name("loss of 2");
    graph->set_output_names({"a result"});
    std::string text = to_text(*graph);
    SCOPED_TRACE(text);
    auto parsed = parse_graph(text, core_ops());
    EXPECT_EQ(to_text(*parsed), text);
    EXPECT_EQ(parsed->structural_hash(), graph->structural_hash());
    EXPECT_EQ(parsed->name(), "loss of 2");
    EXPECT_EQ(parsed->output_names()[0], "a result");
    EXPECT_EQ(parsed->node(0).label, "block 1: \"wide\"");
  }
}

TEST(Text, KeepsBoundsOfSymbols) {
  auto graph = small_graph("x", "y");
  graph->set_symbol_bounds("n", {.low = 1, .high = 64});
  auto parsed = parse_graph(to_text(*graph), core_ops());
  EXPECT_EQ(parsed->symbol_bounds(), graph->symbol_bounds());
}

TEST(Text, NamesLongLiteralsAndReadsThemBack) {
  Graph graph("long");
  Build build(graph, core_ops());
  std::vector<float> numbers(70'000);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i);
  const Value a = build.constant(Literal::of<float>({70'000}, numbers));
  const Value b = build.constant(Literal::of<float>({7, 10'000}, numbers));
  graph.set_outputs({a.id(), b.id()});
  const std::string text = to_text(graph);
  EXPECT_LT(text.size(), 1000u);
  const std::map<std::string, Literal> literals = long_literals(graph);
  EXPECT_EQ(literals.size(), 2u);
  const auto parsed = parse_graph(text, core_ops(), literals);
  EXPECT_EQ(to_text(*parsed), text);
  EXPECT_EQ(parsed->structural_hash(), graph.structural_hash());
  const auto data_of = [](const Graph& g) { return g.node(0).attributes.literal("value")->blob(); };
  EXPECT_EQ(data_of(*parsed), data_of(graph));

  const auto error = [&](const std::map<std::string, Literal>& given) -> std::string {
    try {
      parse_graph(text, core_ops(), given);
    } catch (const Error& caught) {
      EXPECT_EQ(caught.code(), ErrorCode::parse);
      return caught.what();
    }
    return "no error";
  };
  EXPECT_THAT(error({}), HasSubstr("was not given beside the text"));
  std::map<std::string, Literal> others = literals;
  for (auto& [name, literal] : others) literal = Literal(DType::f32, {3});
  EXPECT_THAT(error(others), HasSubstr("was given as f32[3], not f32[70000]"));
}

TEST(StructuralHash, TellsStructuresApartAndNotNames) {
  Hash128 hash = small_graph("x", "y")->structural_hash();
  EXPECT_EQ(small_graph("a", "b", "label")->structural_hash(), hash);
  auto other = small_graph("x", "y");
  other->set_outputs({other->node(0).outputs[0]});
  EXPECT_NE(other->structural_hash(), hash);
  auto swapped = std::make_unique<Graph>("small");
  Build build(*swapped, core_ops());
  Value x = build.input("x", Type::parse("f32[n]")), y = build.input("y", Type::parse("f32[n]"));
  swapped->set_outputs({((y + x) * x).id()});
  EXPECT_NE(swapped->structural_hash(), hash);
  auto bounded = small_graph("x", "y");
  bounded->set_symbol_bounds("n", {.low = 1, .high = 64});
  EXPECT_NE(bounded->structural_hash(), hash);
}

std::string verify_error(const Graph& graph) {
  try {
    verify(graph);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Verify, FindsBrokenGraphs) {
  Type type = Type::parse("f32[n]");
  const OpDef& add = core_ops().get("add");
  EXPECT_EQ(verify_error(*small_graph("x", "y")), "no error");

  auto graph = small_graph("x", "y");
  graph->mutable_node(0).inputs[1] = graph->node(1).outputs[0];
  EXPECT_THAT(verify_error(*graph), HasSubstr("node 0 (add): reads %1 before it is made"));

  graph = small_graph("x", "y");
  graph->mutable_node(1).inputs[0] = {77};
  EXPECT_THAT(verify_error(*graph), HasSubstr("reads value 77"));

  graph = small_graph("x", "y");
  graph->add_node(&add, {}, {graph->inputs()[0], graph->inputs()[1]}, {Type::parse("f32[3]")}, "");
  EXPECT_THAT(verify_error(*graph), HasSubstr("result 0 is f32[3] where its op infers f32[n]"));

  graph = small_graph("x", "y");
  graph->add_node(&add, {{"axis", 1}}, {graph->inputs()[0], graph->inputs()[1]}, {type}, "");
  EXPECT_THAT(verify_error(*graph), HasSubstr("has no attribute 'axis'"));

  graph = small_graph("x", "y");
  graph->add_node(&add, {}, {graph->inputs()[0]}, {type}, "fc1");
  EXPECT_THAT(verify_error(*graph), HasSubstr("@fc1"));

  graph = small_graph("x", "y");
  graph->set_outputs({{77}});
  EXPECT_NE(verify_error(*graph), "no error");
}

}  // namespace
}  // namespace tenon
