#include "tenon/tensor/print.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tenon/tensor/numpy.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

TEST(Print, AlignsColumns) {
  EXPECT_EQ(Tensor({1, 2, 3}).to_string(), "[1. 2. 3.]  f32[3]");
  EXPECT_EQ((Tensor{{1, -2.5}, {10, 0.25}}).to_string(),
            "[[ 1.00 -2.50]\n [10.00  0.25]]  f32[2,2]");
  EXPECT_EQ(arange(4).reshape({2, 2}).to_string(), "[[0 1]\n [2 3]]  i32[2,2]");
  EXPECT_EQ((Tensor{1, 2} > 1).to_string(), "[false  true]  bool[2]");
}

TEST(Print, ScalarsAndEmptyArrays) {
  EXPECT_EQ(Tensor(2.5).to_string(), "2.5  f32[]");
  EXPECT_EQ(Tensor(7).to_string(), "7  i32[]");
  EXPECT_EQ(zeros({0, 3}).to_string(), "[]  f32[0,3]");
}

TEST(Print, BlocksOfRowsAreApart) {
  EXPECT_EQ(arange(8).reshape({2, 2, 2}).to_string(),
            "[[[0 1]\n  [2 3]]\n\n [[4 5]\n  [6 7]]]  i32[2,2,2]");
}

TEST(Print, NumbersOfAllSizes) {
  EXPECT_EQ((Tensor{1e-8, 1}).to_string(), "[1e-08 1e+00]  f32[2]");
  EXPECT_EQ((Tensor{1.5e10, 1}).to_string(), "[1.5e+10 1.0e+00]  f32[2]");
  EXPECT_EQ((Tensor{NAN, INFINITY, -1}).to_string(), "[nan inf -1.]  f32[3]");
  EXPECT_EQ((Tensor{1.0 / 3}).to_string(), "[0.3333]  f32[1]");
}

TEST(Print, LongArraysShowTheirEnds) {
  EXPECT_EQ(arange(5000).to_string(), "[   0    1    2 … 4997 4998 4999]  i32[5000]");
  EXPECT_EQ(zeros({1000, 2}).to_string(),
            "[[0. 0.]\n [0. 0.]\n [0. 0.]\n …\n [0. 0.]\n [0. 0.]\n [0. 0.]]  f32[1000,2]");
}

TEST(Print, Formats) {
  EXPECT_EQ(fmt::format("x = {}", Tensor{1, 2}), "x = [1. 2.]  f32[2]");
  EXPECT_EQ(fmt::format("{:.1}", Tensor{1.23, 2}), "[1.2 2.0]");
  Tree tree;
  tree["encoder.weight"] = zeros({2, 3});
  tree["bias"] = zeros({3});
  EXPECT_EQ(fmt::format("{}", tree), "encoder.weight  f32[2,3]\nbias            f32[3]\n");
}

TEST(Tree, FindsPaths) {
  Tree tree;
  tree["a.b"] = Tensor{1, 2};
  tree["a.c"] = Tensor{3};
  EXPECT_EQ(tree.leaf_count(), 2u);
  EXPECT_EQ(tree.at("a.c").item(), 3);
  EXPECT_EQ(tree.child("a").at("b").item(1), 2);
  EXPECT_EQ(tree.find("a.x"), nullptr);
  std::string text = error_of([&] { tree.at("a.d"); });
  EXPECT_NE(text.find("the tree has no tensor 'a.d'"), std::string::npos) << text;
  EXPECT_NE(error_of([&] { tree["a.b.c"] = Tensor(1); }).find("below a tensor"), std::string::npos);
}

TEST(Tree, MapsLeaves) {
  std::pair<Tensor, std::vector<Tensor>> tree{Tensor{1}, {Tensor{2}, Tensor{3}}};
  auto sum = map_leaves([](Tensor a, Tensor b) { return a + b; }, tree, tree);
  EXPECT_EQ(sum.second[1].item(), 6);
  EXPECT_EQ(leaf_paths(tree), (std::vector<std::string>{"0", "1.0", "1.1"}));
}

}  // namespace
}  // namespace tenon
