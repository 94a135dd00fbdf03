// What calls that are wrong say: the op, both sides and the user's label.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tenon/base/error.h"
#include "tenon/graph/build.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/value_functions.h"
#include "tests/support.h"

namespace tenon {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// A graph with named inputs, to call ops on.
class Messages : public testing::Test {
 protected:
  Value input(const char* name, const char* type) { return build_.input(name, Type::parse(type)); }

  Graph graph_{"test"};
  Build build_{graph_, core_ops()};
};

TEST_F(Messages, ElementwiseShapes) {
  Value x = input("x", "f32[8,64]");
  build_.set_label("encoder.fc1");
  Value y = exp(input("y", "f32[32]"));
  EXPECT_THAT(error_of([&] { x + y; }),
              AllOf(HasSubstr("add: shapes"), HasSubstr("[8,64] and [32] do not broadcast"),
                    HasSubstr("axis 1 is 64 and 32"), HasSubstr("f32[8,64]"), HasSubstr("x"),
                    HasSubstr("encoder.fc1")));
  EXPECT_EQ(operand_note("lhs", Type::parse("f32[2]"), ""), "lhs      f32[2]");
}

TEST_F(Messages, ElementwiseDtypes) {
  Value x = input("images", "f32[4]"), y = input("labels", "i32[4]");
  EXPECT_THAT(error_of([&] { x* y; }),
              AllOf(HasSubstr("multiply: dtypes differ: f32[4] and i32[4]"), HasSubstr("images"),
                    HasSubstr("labels")));
  EXPECT_THAT(error_of([&] { tanh(y); }),
              AllOf(HasSubstr("tanh: input 'x' is i32[4]"), HasSubstr("f16, bf16, f32, f64"),
                    HasSubstr("labels")));
}

TEST_F(Messages, SelectNeedsABoolPredicate) {
  Value x = input("x", "f32[4]");
  EXPECT_THAT(error_of([&] { select(x, x, x); }),
              HasSubstr("select: input 'predicate' is f32[4]; accepted: bool"));
}

TEST_F(Messages, Reshape) {
  Value x = input("x", "f32[n,6]");
  Dim n = Dim::symbol("n");
  EXPECT_THAT(error_of([&] { reshape(x, {n, 7}); }),
              HasSubstr("reshape: f32[n,6] has 6*n elements, but [n,7] has 7*n"));
  EXPECT_THAT(error_of([&] { reshape(x, {-1, 4}); }),
              HasSubstr("reshape: f32[n,6] has 6*n elements, which is not a multiple of 4"));
  EXPECT_THAT(error_of([&] { reshape(x, {-1, -1}); }), HasSubstr("only one dimension"));
  EXPECT_EQ(reshape(x, {-1, 2}).shape(), (Shape{3 * n, 2}));
}

TEST_F(Messages, Structure) {
  Value x = input("x", "f32[2,3]"), y = input("y", "f32[3,3]"), z = input("z", "f32[2,3,1]");
  EXPECT_THAT(error_of([&] { transpose(x, {0, 0}); }),
              HasSubstr("order [0,0] does not name each axis of f32[2,3] once"));
  EXPECT_THAT(error_of([&] { broadcast(x, {4, 2, 5}, {1, 2}); }),
              HasSubstr("axis 1 of f32[2,3] is 3, but axis 2 of [4,2,5] is 5"));
  EXPECT_THAT(error_of([&] { concatenate(std::vector{x, y}, 1); }),
              HasSubstr("concatenate: f32[2,3] and f32[3,3] differ in more than axis 1"));
  EXPECT_THAT(error_of([&] { concatenate(std::vector{x, z}, 0); }), HasSubstr("f32[2,3,1]"));
  EXPECT_THAT(error_of([&] { concatenate(std::vector{x, y}, 2); }),
              HasSubstr("axis 2 is out of range for 2 dimensions"));
  EXPECT_THAT(error_of([&] { iota(build_, DType::boolean, {3}, 0); }), HasSubstr("bool"));
}

TEST_F(Messages, Slices) {
  Value x = input("x", "f32[5]"), i = input("i", "i32[]");
  EXPECT_THAT(error_of([&] { slice(x, {2}, {6}); }),
              HasSubstr("slice: [2, 6) is not a valid range of axis 0 of f32[5]"));
  EXPECT_THAT(error_of([&] { slice(x, {2}, {3}, {0}); }), HasSubstr("stride 0"));
  EXPECT_THAT(error_of([&] { slice(x, {2, 0}, {3, 0}); }),
              HasSubstr("start has 2 entries, but f32[5] has 1 axes"));
  EXPECT_THAT(error_of([&] { pad(x, i, {1}, {1}); }),
              HasSubstr("pad: dtypes differ: x f32[5] and value i32[]"));
  EXPECT_THAT(error_of([&] { dynamic_slice(x, std::vector{i, i}, {2}); }),
              HasSubstr("f32[5] has 1 axes, but 2 start indices are given"));
  EXPECT_THAT(error_of([&] { dynamic_slice(x, std::vector{i}, {6}); }),
              HasSubstr("a slice of [6] does not fit into f32[5]"));
}

TEST_F(Messages, GatherAndScatter) {
  Value x = input("table", "f32[5,3]"), i = input("i", "i32[4]"), f = input("f", "f32[4]");
  EXPECT_THAT(error_of([&] { gather(x, f, 0); }),
              AllOf(HasSubstr("gather: input 'indices' is f32[4]"), HasSubstr("table")));
  EXPECT_THAT(error_of([&] { gather(x, i, 1, 1); }),
              HasSubstr("batch axis 0 of x f32[5,3] is 5, but of indices i32[4] it is 4"));
  EXPECT_THAT(error_of([&] { scatter(x, i, f, 0); }),
              HasSubstr("updates are f32[4], but x f32[5,3] at indices i32[4] takes [4,3]"));
  EXPECT_THAT(error_of([&] { scatter(x, i, x, 0, 0, "sum"); }),
              HasSubstr("mode 'sum' is not one of add, set, max, min"));
}

TEST_F(Messages, Reductions) {
  Value x = input("x", "f32[2,3]"), empty = input("e", "f32[2,0]");
  EXPECT_THAT(error_of([&] { reduce_sum(x, {2}); }),
              HasSubstr("reduce_sum: axes 2 is out of range for 2 dimensions"));
  EXPECT_THAT(error_of([&] { reduce_max(x, {0, -2}); }), HasSubstr("axis 0 appears twice"));
  EXPECT_THAT(error_of([&] { argmax(empty, 1); }), HasSubstr("axis 1 of f32[2,0] is empty"));
  EXPECT_THAT(error_of([&] { argmax(x, 1, DType::f32); }), HasSubstr("i32 or i64, not f32"));
}

TEST_F(Messages, CastsAndRandomKeys) {
  Value x = input("x", "f32[2]"), key = input("key", "i64[3]"), scale = input("s", "f32[3]"),
        zero = input("z", "i8[3]");
  EXPECT_THAT(error_of([&] { build_.call("bitcast", {x}, {{"dtype", DType::i64}}); }),
              HasSubstr("bitcast: f32[2] has 4 bytes an element, and i64 8"));
  EXPECT_THAT(error_of([&] { build_.call("quantize", {x, scale, zero}); }),
              HasSubstr("scale f32[3] is neither a scalar nor as long as axis 0 of f32[2]"));
  EXPECT_THAT(error_of([&] { build_.call("random_bits", {key}, {{"shape", Shape{4}}}); }),
              HasSubstr("the key is i64[3], but must be i64[2] (seed and stream)"));
}

TEST_F(Messages, AttributesAndNames) {
  Value x = input("x", "f32[2]");
  EXPECT_THAT(error_of([&] { build_.call("reduce_sum", {x}, {{"axis", 0}}); }),
              HasSubstr("did you mean 'axes'?"));
  EXPECT_THAT(error_of([&] { build_.call("reduce_sum", {x}); }),
              HasSubstr("attribute 'axes' (the axes to reduce) is missing"));
  EXPECT_THAT(error_of([&] { build_.call("logisitc", {x}); }),
              HasSubstr("did you mean 'logistic'?"));
  EXPECT_THAT(error_of([&] { build_.call("power", {x}); }), HasSubstr("takes 2 inputs, not 1"));
}

TEST_F(Messages, ImpossibleShapes) {
  Value x = input("x", "f32[2]");
  EXPECT_THAT(error_of([&] { iota(build_, DType::f32, {-3}, 0); }),
              HasSubstr("iota: the result would be f32[-3]"));
  EXPECT_THAT(error_of([&] { broadcast(x, {int64_t{1} << 62, 2}, {1}); }),
              HasSubstr("broadcast: a dimension is too large"));
}

}  // namespace
}  // namespace tenon
