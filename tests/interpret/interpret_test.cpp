#include "tenon/interpret/interpret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tenon/base/error.h"
#include "tenon/graph/text.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<double> doubles(const Literal& literal) {
  std::vector<double> values;
  for (int64_t i = 0; i < literal.size(); ++i) values.push_back(literal.to_double(i));
  return values;
}

TEST(Interpret, RunsAGraphForEveryBatch) {
  auto graph = parse_graph(R"(
graph f(%x: f32[batch,2], %w: f32[2]) -> (f32[batch]) {
  %0: f32[batch,2] = broadcast(%w) {shape=[batch,2], dims=[1]}
  %1: f32[batch,2] = multiply(%x, %0)
  %2: f32[batch] = reduce_sum(%1) {axes=[1], keep=false}
  return %2
})",
                           core_ops());
  Literal w = Literal::of<float>({2}, {10, 1});
  auto two = interpret(*graph, {Literal::of<float>({2, 2}, {1, 2, 3, 4}), w});
  EXPECT_THAT(doubles(two[0]), ElementsAre(12, 34));
  auto one = interpret(*graph, {Literal::of<float>({1, 2}, {5, 6}), w});
  EXPECT_THAT(doubles(one[0]), ElementsAre(56));
}

TEST(Interpret, RefusesASliceBeyondASizeThatWasASymbol) {
  auto graph = parse_graph(R"(
graph f(%x: f32[n]) -> (f32[10]) {
  %0: f32[10] = slice(%x) {start=[0], limit=[10], stride=[1]}  @head
  return %0
})",
                           core_ops());
  EXPECT_EQ(interpret(*graph, {Literal(DType::f32, {12})})[0].size(), 10);
  try {
    interpret(*graph, {Literal(DType::f32, {7})});
    FAIL() << "a slice of 10 of 7";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("slice"));
    EXPECT_THAT(error.what(), HasSubstr("head"));
  }
}

TEST(Interpret, RoundsOnlyWhereCastSaysSo) {
  auto graph = parse_graph(R"(
graph f(%x: f32[1]) -> (f64[1], f64[1]) {
  %0: f32[1] = multiply(%x, %x)
  %1: f64[1] = cast(%0) {dtype=f64}
  %2: bf16[1] = cast(%0) {dtype=bf16}
  %3: f64[1] = cast(%2) {dtype=f64}
  return %1, %3
})",
                           core_ops());
  auto out = interpret(*graph, {Literal::of<float>({1}, {1.0009765625f})});
  EXPECT_EQ(out[0].at<double>(0), 1.0009765625 * 1.0009765625);  // exact in double only
  EXPECT_EQ(out[1].at<double>(0), 1.0);
}

TEST(Interpret, CompositesRunThroughTheirDecomposition) {
  auto graph = parse_graph(R"(
graph f(%x: f32[3], %s: f32[], %z: i8[]) -> (f32[3]) {
  %0: i8[3] = quantize(%x, %s, %z) {axis=0}
  %1: f32[3] = dequantize(%0, %s, %z) {axis=0}
  return %1
})",
                           core_ops());
  auto out = interpret(*graph, {Literal::of<float>({3}, {0.3f, -1, 100}),
                                Literal::scalar(DType::f32, 0.5), Literal::scalar(DType::i8, 2)});
  EXPECT_THAT(doubles(out[0]), ElementsAre(0.5, -1, 62.5));
}

TEST(Interpret, WrongInputsAreNamed) {
  auto graph = parse_graph(
      "graph f(%x: f32[n]) -> (f32[n]) {\n  %0: f32[n] = exp(%x)\n  return %0\n}", core_ops());
  try {
    interpret(*graph, {Literal::of<int32_t>({1}, {1})});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("input 'x' is f32, but got i32"));
  }
}

}  // namespace
}  // namespace tenon
