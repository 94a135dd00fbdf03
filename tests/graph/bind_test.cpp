#include "tenon/graph/bind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tenon/base/error.h"

namespace tenon {
namespace {

using testing::HasSubstr;
using Shapes = std::vector<std::vector<int64_t>>;

Graph graph_of(std::vector<std::string> types) {
  Graph graph("f");
  for (size_t i = 0; i < types.size(); ++i)
    graph.add_input("x" + std::to_string(i), Type::parse(types[i]));
  return graph;
}

std::string error_of(const Graph& graph, const Shapes& shapes) {
  try {
    bind_symbols(graph, shapes);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Bind, FindsEachSymbol) {
  Graph graph = graph_of({"f32[batch,4]", "i32[time]"});
  SymbolValues symbols = bind_symbols(graph, Shapes{{8, 4}, {0}});
  EXPECT_EQ(symbols, (SymbolValues{{"batch", 8}, {"time", 0}}));
}

TEST(Bind, SolvesAffineDimensionsInAnyOrder) {
  Graph graph = graph_of({"f32[n*m+1]", "f32[2*n]", "f32[n]"});
  EXPECT_EQ(bind_symbols(graph, Shapes{{7}, {4}, {2}}), (SymbolValues{{"m", 3}, {"n", 2}}));
  EXPECT_EQ(bind_symbols(graph_of({"f32[2*n-1]"}), Shapes{{5}}), (SymbolValues{{"n", 3}}));
}

TEST(Bind, UsesSymbolsOfTheSurroundingGraph) {
  Graph graph = graph_of({"f32[n]"});
  EXPECT_THROW(bind_symbols(graph, Shapes{{3}}, {{"n", 4}}), Error);
  EXPECT_EQ(bind_symbols(graph, Shapes{{3}}, {{"m", 4}}), (SymbolValues{{"m", 4}, {"n", 3}}));
}

TEST(Bind, ErrorsShowBothSides) {
  Graph graph = graph_of({"f32[batch,4]", "i32[batch]"});
  EXPECT_THAT(error_of(graph, {{8}, {8}}), HasSubstr("input 'x0' is f32[batch,4], but got [8]"));
  EXPECT_THAT(error_of(graph, {{8, 5}, {8}}), HasSubstr("dimension 1 differs"));
  EXPECT_THAT(error_of(graph, {{8, 4}, {9}}),
              HasSubstr("dimension 0 is 9, but batch is 8 by the other inputs"));
  EXPECT_THAT(error_of(graph_of({"f32[2*n]"}), {{5}}), HasSubstr("for which no n fits"));
  EXPECT_THAT(error_of(graph, {{8, 4}}), HasSubstr("takes 2 inputs, not 1"));
}

TEST(Bind, ChecksBounds) {
  Graph graph = graph_of({"f32[batch]"});
  graph.set_symbol_bounds("batch", {.low = 1, .high = 64});
  EXPECT_THAT(error_of(graph, {{65}}), HasSubstr("batch is 65, outside [1, 64]"));
  EXPECT_EQ(bind_symbols(graph, Shapes{{64}}).at("batch"), 64);
}

}  // namespace
}  // namespace tenon
