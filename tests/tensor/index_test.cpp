#include <gmock/gmock.h>

#include <algorithm>

#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Tensor kRow = arange(6);
const Tensor kBlock = arange(24).reshape({2, 3, 4});

TEST(Index, SlicesAsPython) {
  EXPECT_THAT(values_of(kRow[{Slice{1, 4}}]), ElementsAre(1, 2, 3));
  EXPECT_THAT(values_of(kRow[{Slice{-2, none}}]), ElementsAre(4, 5));
  EXPECT_THAT(values_of(kRow[{Slice{none, -4}}]), ElementsAre(0, 1));
  EXPECT_THAT(values_of(kRow[{Slice{1, none, 2}}]), ElementsAre(1, 3, 5));
  EXPECT_THAT(values_of(kRow[{Slice{none, none, -1}}]), ElementsAre(5, 4, 3, 2, 1, 0));
  EXPECT_THAT(values_of(kRow[{Slice{-2, 0, -2}}]), ElementsAre(4, 2));
  EXPECT_THAT(values_of(kRow[{Slice{2, -100, -1}}]), ElementsAre(2, 1, 0));
  EXPECT_THAT(values_of(kRow[{Slice{-100, none, -1}}]), ElementsAre());
  EXPECT_THAT(values_of(kRow[{Slice{4, 2}}]), ElementsAre());
  EXPECT_THAT(values_of(kRow.slice(0, 3, 0, -1)), ElementsAre(3, 2, 1));
  EXPECT_THAT(error_of([] { kRow.slice(0, 0, 3, 0); }), HasSubstr("the stride is 0"));
}

TEST(Index, OneIndexAnAxis) {
  EXPECT_THAT(values_of(kBlock[{0, Slice{1, none}, -1}]), ElementsAre(7, 11));
  EXPECT_THAT(values_of(kBlock[{ellipsis, 0}]), ElementsAre(0, 4, 8, 12, 16, 20));
  EXPECT_EQ((kBlock[{0, ellipsis, new_axis, Slice{}}].type().to_string()), "i32[3,1,4]");
  Tensor chosen = kBlock[{1, ellipsis, Tensor::of<int32_t>({-1, 0}, {2})}];
  EXPECT_THAT(values_of(chosen), ElementsAre(15, 12, 19, 16, 23, 20));
  EXPECT_THAT(error_of([] { kBlock[{0, 0, 0, 0}]; }), HasSubstr("4 indices for the 3 axes"));
  EXPECT_THAT(error_of([] { kBlock[{0, 3}]; }), HasSubstr("axis 0 of i32[3,4] has 3 elements"));
  EXPECT_THAT(error_of([] { kBlock[{ellipsis, 0, ellipsis}]; }), HasSubstr("more than one ellip"));
}

TEST(Index, NegativeIndicesInTensorsCountFromTheEnd) {
  Tensor ends = Tensor::of<int32_t>({-1, 0}, {2});
  EXPECT_THAT(values_of(kRow[ends]), ElementsAre(5, 0));
  EXPECT_THAT(values_of(take(kBlock[0], ends, 1)), ElementsAre(3, 0, 7, 4, 11, 8));
  EXPECT_THAT(values_of(take_along_axis(kBlock[0], stack({ends, ends, ends}), 1)),
              ElementsAre(3, 0, 7, 4, 11, 8));
  EXPECT_THAT(values_of(kRow[Tensor::of<uint8_t>({4, 1}, {2})]), ElementsAre(4, 1));
  std::string text = error_of([] { kRow[Tensor{1, 0}]; });
  EXPECT_THAT(text, HasSubstr("indices are f32[2], not integers"));
  EXPECT_THAT(text, HasSubstr("Tensor::of<int32_t>"));
  EXPECT_THAT(error_of([] { take_along_axis(kRow, Tensor{1, 0}, 0); }),
              HasSubstr("take_along_axis: indices are f32[2]"));
}

TEST(Index, MasksChooseElements) {
  Tensor x{3, 1, 2};
  EXPECT_THAT(values_of(x[x > 1.5]), ElementsAre(3, 2));
  EXPECT_THAT(values_of(kBlock[kBlock > 21]), ElementsAre(22, 23));
  EXPECT_THAT(values_of(kBlock[Tensor{0, 1} > 0].slice(1, 0, 1)), ElementsAre(12, 13, 14, 15));
  EXPECT_THAT(values_of(nonzero(Tensor{0, 2, 0, -1})), ElementsAre(1, 3));
  EXPECT_THAT(error_of([] { nonzero(kBlock); }), HasSubstr("argwhere(x)"));
  EXPECT_THAT(error_of([&] { x[kRow > 1]; }), HasSubstr("does not cover the leading axes"));
  // How many there are shows in the values only.
  auto chosen = jit([](Tensor x) { return x[x > 1.5]; });
  EXPECT_THAT(error_of([&] { chosen(x); }),
              HasSubstr("x[mask]: the size of the result depends on the values of bool[3]"));
  EXPECT_THAT(error_of([&] { jit([](Tensor x) { return nonzero(x); })(x); }),
              HasSubstr("use where(mask, x, otherwise)"));
}

/// As numpy.argwhere, whose rows these are.
TEST(Index, ArgwhereGivesARowOfIndicesForEachElement) {
  const Tensor places = argwhere((Tensor{0, 1, 2, 0, 0, -3, 4, 0}).reshape({2, 2, 2}));
  EXPECT_EQ(places.type().to_string(), "i32[4,3]");
  EXPECT_THAT(values_of(places), ElementsAre(0, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0));
  EXPECT_THAT(values_of(argwhere(Tensor{0, 2, 0, -1})), ElementsAre(1, 3));
  EXPECT_EQ(argwhere(zeros({2, 3})).type().to_string(), "i32[0,2]");
  EXPECT_EQ(argwhere(zeros({2, 0})).type().to_string(), "i32[0,2]");
  EXPECT_EQ(argwhere(Tensor(5.0)).type().to_string(), "i32[1,0]");
  EXPECT_EQ(argwhere(Tensor(0.0)).type().to_string(), "i32[0,0]");
  EXPECT_THAT(error_of([] { jit([](Tensor x) { return argwhere(x); })(kBlock); }),
              HasSubstr("argwhere: the size of the result depends on the values"));
}

TEST(Index, WorksOnSymbolicAxes) {
  auto f = jit([](Tensor x) {
    return std::tuple{x[{Slice{none, none, -1}}], x[{Slice{-2, none}}], x[{-1}],
                      x[Tensor::of<int32_t>({-1}, {1})]};
  });
  for (int64_t n : {3, 4, 5}) {
    auto [turned, last_two, last, also_last] = f(arange(n));
    EXPECT_EQ(turned.item_int(0), n - 1);
    EXPECT_THAT(values_of(last_two), ElementsAre(n - 2, n - 1));
    EXPECT_EQ(last.item_int(), n - 1);
    EXPECT_EQ(also_last.item_int(), n - 1);
  }
  EXPECT_EQ(f.compilations(), 2u);
}

TEST(Index, StridesThatCannotBeCountedAreErrors) {
  EXPECT_THAT(error_of([] { kRow[{Slice{none, none, INT64_MIN}}]; }),
              HasSubstr("slice: the stride -9223372036854775808 of axis 0 is not above -2^53"));
  EXPECT_THAT(error_of([] { kRow[{Slice{none, none, INT64_MAX}}]; }),
              HasSubstr("is not below 2^53"));
  EXPECT_THAT(error_of([] { kRow.slice(0, 0, 5, INT64_MIN); }), HasSubstr("is not above -2^53"));
  EXPECT_THAT(values_of(kRow[{Slice{none, none, -(int64_t{1} << 52)}}]), ElementsAre(5));
}

TEST(Index, SlicesStopAtTheEndOfAxesOfAnySize) {
  auto f =
      jit([](Tensor x) { return std::pair{x[{Slice{none, 10}}] * 2, x[{Slice{-4, none}}] * 2}; });
  for (int64_t n : {12, 11, 3, 7, 13}) {
    auto [first, last] = f(arange(n));
    EXPECT_EQ(first.shape()[0], Dim(std::min<int64_t>(n, 10)));
    EXPECT_EQ(first.item_int(-1 + std::min<int64_t>(n, 10)), 2 * std::min<int64_t>(n, 10) - 2);
    EXPECT_EQ(last.shape()[0], Dim(std::min<int64_t>(n, 4)));
    EXPECT_EQ(last.item_int(0), 2 * std::max<int64_t>(n - 4, 0));
  }
  EXPECT_EQ(f.compilations(), 4u);  // 12, any, 3 and 7
  auto element = jit([](Tensor x) { return x[5] * 2; });
  for (int64_t n : {8, 9}) EXPECT_EQ(element(arange(n)).item_int(), 10);
  EXPECT_THAT(error_of([&] { element(arange(3)); }), HasSubstr("axis 0 of i32[3] has 3 elements"));
}

/// What NumPy's assignment to x[index] leaves, element by element.
Tensor assigned(const Tensor& x, const Tensor& places, double value) {
  std::vector<double> values = x.to_vector<double>();
  for (auto place : places.to_vector<int64_t>()) values.at(static_cast<size_t>(place)) = value;
  return Tensor::of(values, x.shape().constants());
}

TEST(At, SetsWhatTheSameIndexReads) {
  const Tensor x = arange(24, DType::f64).reshape({2, 3, 4});
  const Tensor places = arange(24).reshape({2, 3, 4});
  const Tensor rows = Tensor::of<int32_t>({2, 0, -1}, {3});
  const Tensor mask = x % 5 == 0;
  auto agree = [&](const Tensor& got, const Tensor& read) {
    EXPECT_THAT(values_of(got), testing::ElementsAreArray(values_of(assigned(x, read, -7))));
  };
  agree(x.at(1).set(-7), places[1]);
  agree(x.at(-2).set(-7), places[-2]);
  agree(x.at({Slice{1, none}}).set(-7), places[{Slice{1, none}}]);
  agree(x.at({ellipsis, 2}).set(-7), places[{ellipsis, 2}]);
  agree(x.at({0, Slice{none, none, -2}, Slice{1, 3}}).set(-7),
        places[{0, Slice{none, none, -2}, Slice{1, 3}}]);
  agree(x.at({1, new_axis, 0}).set(-7), places[{1, new_axis, 0}]);
  agree(x.at({ellipsis, rows}).set(-7), places[{ellipsis, rows}]);
  agree(x.at({Slice{}, rows, 1}).set(-7), places[{Slice{}, rows, 1}]);
  agree(x.at(Tensor::of<int32_t>({-1}, {1})).set(-7), places[-1]);
  agree(x.at(mask).set(-7), places[mask]);
  EXPECT_EQ((x.at({0, 1, 2}).get().item()), (x[{0, 1, 2}].item()));
}

TEST(At, CombinesAndBroadcasts) {
  const Tensor x = zeros({3, 2});
  const Tensor twice = Tensor::of<int32_t>({1, 1, 0}, {3});
  EXPECT_THAT(values_of(x.at(twice).add(1)), ElementsAre(1, 1, 2, 2, 0, 0));
  EXPECT_THAT(values_of(x.at(twice).add(Tensor{1, 2})), ElementsAre(1, 2, 2, 4, 0, 0));
  EXPECT_THAT(values_of(x.at({Slice{}, 1}).set(Tensor{1, 2, 3})), ElementsAre(0, 1, 0, 2, 0, 3));
  EXPECT_THAT(values_of(x.at(2).max(Tensor{-1, 4})), ElementsAre(0, 0, 0, 0, 0, 4));
  EXPECT_THAT(values_of(x.at({ellipsis, 0}).min(-1)), ElementsAre(-1, 0, -1, 0, -1, 0));
  const Tensor rows = Tensor::of<bool>({true, false, true}, {3});
  EXPECT_THAT(values_of(x.at(rows).add(Tensor{1, 2})), ElementsAre(1, 2, 0, 0, 1, 2));
  // One row for each that the mask has: their number is looked at.
  EXPECT_THAT(values_of(x.at(rows).set(Tensor{{1, 2}, {3, 4}})), ElementsAre(1, 2, 0, 0, 3, 4));
  EXPECT_THAT(values_of(x), ElementsAre(0, 0, 0, 0, 0, 0));
}

TEST(At, WorksInsideTransforms) {
  auto f = [](Tensor x) { return sum(square(x.at({Slice{1, none}}).set(x[0]))); };
  EXPECT_THAT(values_of(grad(f)(Tensor{3, 5, 7})), ElementsAre(18, 0, 0));
  auto masked = jit([](Tensor x) { return x.at(x < 0).set(0); });
  EXPECT_THAT(values_of(masked(Tensor{-1, 2, -3})), ElementsAre(0, 2, 0));
  EXPECT_THAT(values_of(masked(Tensor{-1, 2, -3, 4})), ElementsAre(0, 2, 0, 4));
  auto beyond = jit([](Tensor x, Tensor i) { return x.at(i).set(9); });
  EXPECT_THAT(values_of(beyond(Tensor{1, 2}, Tensor::of<int32_t>({2, 0}, {2}))), ElementsAre(9, 2));
  auto rows = vmap([](Tensor x, Tensor i) { return x.at(i).add(1); });
  EXPECT_THAT(values_of(rows(zeros({2, 2}), Tensor::of<int32_t>({1, 0}, {2}))),
              ElementsAre(0, 1, 1, 0));
}

TEST(At, SaysWhatDoesNotFit) {
  const Tensor x = arange(6).reshape({2, 3});
  EXPECT_THAT(error_of([&] { x.at(0).set(0.5); }), HasSubstr("do not fit into a tensor of i32"));
  EXPECT_THAT(error_of([&] { x.at(0).set(arange(2)); }),
              HasSubstr("at().set: i32[2] does not broadcast to the i32[3]"));
  EXPECT_THAT(error_of([&] { x.at(2).set(0); }), HasSubstr("axis 0 of i32[2,3] has 2 elements"));
  EXPECT_THAT(error_of([&] { x.at(Tensor::of<bool>({true}, {1})).set(0); }),
              HasSubstr("does not cover the leading axes"));
}

TEST(Tensor, HasTheCommonestFunctionsAsMembers) {
  const Tensor x{{1, 2, 3}, {4, 5, 9}};
  EXPECT_EQ(x.sum().item(), 24);
  EXPECT_THAT(values_of(x.mean(0)), ElementsAre(2.5, 3.5, 6));
  EXPECT_THAT(values_of(x.max(-1)), ElementsAre(3, 9));
  EXPECT_EQ((x.min({0, 1}, true).shape()), (Shape{1, 1}));
  EXPECT_THAT(values_of(x.T()), ElementsAre(1, 4, 2, 5, 3, 9));
}

}  // namespace
}  // namespace tenon
