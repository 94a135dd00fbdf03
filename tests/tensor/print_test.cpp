#include "tenon/tensor/print.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

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
  std::ostringstream stream;
  stream << Tensor{1, 2} << tree.child("encoder");
  EXPECT_EQ(stream.str(), "[1. 2.]  f32[2]weight  f32[2,3]\n");
}

}  // namespace
}  // namespace tenon
