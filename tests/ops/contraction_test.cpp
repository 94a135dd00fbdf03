// Types of dot and the convolutions, and what their errors say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tenon/base/error.h"
#include "tenon/graph/build.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/value_functions.h"

namespace tenon {
namespace {

using testing::HasSubstr;

/// A graph with labelled inputs, to call ops on.
struct Bench {
  OpRegistry ops;
  Graph graph{"test"};
  Build build{graph, ops};

  Bench() {
    register_dot(ops);
    register_convolution(ops);
    register_window(ops);
  }
  Value input(const char* name, const char* type) { return build.input(name, Type::parse(type)); }
};

TEST(Dot, PutsBatchThenFreeAxes) {
  Bench b;
  Value lhs = b.input("lhs", "f32[batch,3,8]");
  Value rhs = b.input("rhs", "f32[8,batch,5]");
  Value y = dot(lhs, rhs, {{2}, {0}, {0}, {1}});
  EXPECT_EQ(y.type().to_string(), "f32[batch,3,5]");
}

TEST(Dot, NamesBothSidesOfAMismatch) {
  Bench b;
  Value lhs = b.input("encoder.fc1", "f32[8,64]");
  Value rhs = b.input("encoder.fc1.weight", "f32[32,128]");
  try {
    dot(lhs, rhs, {{1}, {0}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::shape_mismatch);
    EXPECT_THAT(error.what(), HasSubstr("dot: inner dimensions differ"));
    EXPECT_THAT(error.what(), HasSubstr("f32[8,64]"));
    EXPECT_THAT(error.what(), HasSubstr("f32[32,128]"));
    EXPECT_THAT(error.what(), HasSubstr("encoder.fc1"));
  }
}

TEST(Convolution, KeepsSymbolsInItsResult) {
  Bench b;
  Value x = b.input("x", "f32[batch,28,28,1]");
  Value w = b.input("w", "f32[5,5,1,6]");
  Value y = b.build.call("convolution", {x, w},
                         {{"padding_low", Integers{2, 2}}, {"padding_high", Integers{2, 2}}});
  EXPECT_EQ(y.type().to_string(), "f32[batch,28,28,6]");
  Value any = b.input("any", "f32[n,h,w,3]");
  Value filters = b.input("filters", "f32[3,3,3,8]");
  Value halved = b.build.call("convolution", {any, filters},
                              {{"strides", Integers{2, 1}}, {"padding_low", Integers{1, 1}}});
  EXPECT_EQ(halved.type().shape.evaluate({{"n", 2}, {"h", 8}, {"w", 8}}),
            (std::vector<int64_t>{2, 4, 7, 8}));
}

TEST(Convolution, SaysWhichChannelsDoNotFit) {
  Bench b;
  Value x = b.input("image", "f32[2,8,8,3]");
  Value w = b.input("stem.weight", "f32[3,3,4,16]");
  try {
    b.build.call("convolution", {x, w});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("convolution: input channels of f32[3,3,4,16] should be 3"));
    EXPECT_THAT(error.what(), HasSubstr("stem.weight"));
  }
  Value narrow = b.input("narrow", "f32[1,2,2,4]");
  EXPECT_THROW(b.build.call("convolution", {narrow, w}), Error);
}

TEST(Window, TilesWithoutPadding) {
  Bench b;
  Value x = b.input("x", "f32[batch,24,24,6]");
  Value y = b.build.call("window_max", {x},
                         {{"window", Integers{1, 2, 2, 1}}, {"strides", Integers{1, 2, 2, 1}}});
  EXPECT_EQ(y.type().to_string(), "f32[batch,12,12,6]");
  EXPECT_THROW(b.build.call("window_max", {x}, {{"window", Integers{2, 2}}}), Error);
}

}  // namespace
}  // namespace tenon
