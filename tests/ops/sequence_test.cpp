// Attention, recurrent cells, tokens and control flow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tenon/base/error.h"
#include "tenon/graph/text.h"
#include "tests/ops/evaluate.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Literal kQ = floats({1, 1, 2, 2}, {1, 0, 0, 1});
const Literal kK = floats({1, 1, 2, 2}, {1, 1, 0, 2});
const Literal kV = floats({1, 1, 2, 2}, {1, 2, 3, 4});

TEST(Attention, CausalHidesLaterKeys) {
  auto y = evaluate("attention", {kQ, kK, kV}, {{"causal", true}});
  EXPECT_THAT(numbers(y[0]), close_to({1, 2, 2.339523, 3.339523}));
  Literal mask = Literal::of<bool>({2, 2}, {true, false, true, true});
  auto masked = evaluate("attention", {kQ, kK, kV, mask});
  EXPECT_THAT(numbers(masked[0]), close_to(numbers(y[0])));
}

TEST(Attention, OfAQueryThatMayLookAtNothingIsZero) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  Literal mask = Literal::of<bool>({2, 2}, {false, false, true, true});
  auto y = evaluate("attention", {kQ, kK, kV, mask});
  EXPECT_THAT(numbers(y[0]), close_to({0, 0, 2.339523, 3.339523}));
  auto added = evaluate("attention", {kQ, kK, kV, floats({2, 2}, {kNever, kNever, 0, 0})});
  EXPECT_THAT(numbers(added[0]), close_to({0, 0, 2.339523, 3.339523}));
  // The last query sees the last key, so with one key the first sees none.
  Literal key = floats({1, 1, 1, 2}, {1, 1}), value = floats({1, 1, 1, 2}, {5, 6});
  auto early = evaluate("attention", {kQ, key, value}, {{"causal", true}});
  EXPECT_THAT(numbers(early[0]), close_to({0, 0, 5, 6}));
  auto gradient = pull_back("attention", {kQ, key, value}, {{"causal", true}},
                            floats({1, 1, 2, 2}, {1, 2, 3, 4}), {0, 1, 2});
  EXPECT_THAT(numbers(gradient[0]), close_to({0, 0, 0, 0}));
  EXPECT_THAT(numbers(gradient[2]), close_to({3, 4}));
}

TEST(Lstm, FollowsPyTorchGateOrder) {
  Literal gates = floats({2, 1, 4}, {0.1f, 0.2f, 0.3f, 0.4f, -0.5f, 0.6f, 0.7f, -0.8f});
  Literal weights = floats({1, 4}, {0.3f, -0.2f, 0.1f, 0.4f});
  auto y = evaluate("lstm", {gates, floats({1, 1}, {0.5}), floats({1, 1}, {-0.25}), weights});
  EXPECT_THAT(numbers(y[0]), close_to({0.03731452, 0.08196827}));
  EXPECT_THAT(numbers(y[1]), close_to({0.05785763, 0.2679212}));
}

TEST(Gru, ResetsTheRecurrentSum) {
  auto h = evaluate("gru_cell", {floats({1, 3}, {0.1f, 0.2f, 0.3f}),
                                 floats({1, 3}, {0.4f, -0.5f, 0.6f}), floats({1, 1}, {0.7f})});
  EXPECT_THAT(numbers(h[0]), close_to({0.6352382}));
}

TEST(Embedding, LooksRowsUp) {
  Literal table = floats({3, 2}, {0, 1, 10, 11, 20, 21});
  auto rows = evaluate("embedding", {table, Literal::of<int32_t>({2}, {2, 0})});
  EXPECT_THAT(numbers(rows[0]), ElementsAre(20, 21, 0, 1));
  auto gradient = pull_back("embedding", {table, Literal::of<int32_t>({2}, {2, 2})}, {},
                            floats({2, 2}, {1, 2, 3, 4}), {0});
  EXPECT_THAT(numbers(gradient[0]), ElementsAre(0, 0, 0, 0, 4, 6));
  auto hot = evaluate("one_hot", {Literal::of<int32_t>({2}, {1, 9})}, {{"depth", Shape{3}}});
  EXPECT_THAT(numbers(hot[0]), ElementsAre(0, 1, 0, 0, 0, 0));
}

TEST(Dropout, KeepsTheMeanAndRepeatsWithItsKey) {
  Literal x = floats({10000}, std::vector<float>(10000, 1.0f));
  Literal key = Literal::of<int64_t>({2}, {42, 7});
  auto y = numbers(evaluate("dropout", {x, key}, {{"rate", 0.25}})[0]);
  double sum = 0;
  for (double value : y) {
    EXPECT_TRUE(value == 0 || std::abs(value - 4 / 3.0) < 1e-6) << value;
    sum += value;
  }
  EXPECT_NEAR(sum / 10000, 1, 0.03);
  EXPECT_EQ(y, numbers(evaluate("dropout", {x, key}, {{"rate", 0.25}})[0]));
  Literal other = Literal::of<int64_t>({2}, {42, 8});
  EXPECT_NE(y, numbers(evaluate("dropout", {x, other}, {{"rate", 0.25}})[0]));
}

TEST(TopK, GivesTheLargestFirstWithTheirPositions) {
  auto y = evaluate("top_k", {floats({2, 4}, {1, 9, 3, 9, -1, -5, -2, -3})}, {{"k", 2}});
  EXPECT_THAT(numbers(y[0]), ElementsAre(9, 9, -1, -2));
  EXPECT_THAT(numbers(y[1]), ElementsAre(1, 3, 0, 2));
  auto nan = evaluate("top_k", {floats({4}, {1, std::nanf(""), 3, 9})}, {{"k", 2}});
  EXPECT_THAT(numbers(nan[1]), ElementsAre(1, 3));
}

TEST(RotaryEmbedding, TurnsPairsByTheirPosition) {
  auto y = evaluate("rotary_embedding",
                    {floats({2, 2}, {1, 0, 1, 0}), Literal::of<int32_t>({2}, {0, 1})});
  EXPECT_THAT(numbers(y[0]), close_to({1, 0, 0.5403023, 0.841471}));
}

TEST(Scan, RunsBackwardsWhenAsked) {
  auto graph = parse_graph(R"(
graph f(%h: f32[], %xs: f32[n]) -> (f32[], f32[n]) {
  %0: f32[], %1: f32[n] = scan(%h, %xs) {body=graph sum(%c: f32[], %x: f32[]) -> (f32[], f32[]) {
    %0: f32[] = add(%c, %x)
    return %0, %0
  }, constants=0, carries=1, length=[n], reverse=true}
  return %0, %1
})",
                           core_ops());
  auto y = interpret(*graph, {Literal::scalar(DType::f32, 100), floats({3}, {1, 2, 3})});
  EXPECT_THAT(numbers(y[0]), ElementsAre(106));
  EXPECT_THAT(numbers(y[1]), ElementsAre(106, 105, 103));
}

TEST(Cond, SaysWhichBranchDoesNotFit) {
  Graph graph("f");
  Build build(graph, core_ops());
  auto branch = [](const char* type) {
    auto made = std::make_shared<Graph>("branch");
    made->set_outputs({made->add_input("x", Type::parse(type))});
    return GraphRef(made);
  };
  Value inputs[] = {build.input("p", Type::parse("bool[]")),
                    build.input("x", Type::parse("f32[3]"))};
  try {
    build.call_multi(core_ops().get("cond"), inputs,
                     {{"then", branch("f32[3]")}, {"otherwise", branch("f32[4]")}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cond: otherwise takes f32[4] at position 0, but the "
                                        "operands are f32[3]"));
  }
}

}  // namespace
}  // namespace tenon
