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
  EXPECT_THAT(error_of([&] { x[kRow > 1]; }), HasSubstr("does not cover the leading axes"));
  // How many there are shows in the values only.
  auto chosen = jit([](Tensor x) { return x[x > 1.5]; });
  EXPECT_THAT(error_of([&] { chosen(x); }),
              HasSubstr("x[mask]: the size of the result depends on the values of bool[3]"));
  EXPECT_THAT(error_of([&] { jit([](Tensor x) { return nonzero(x); })(x); }),
              HasSubstr("use where(mask, x, otherwise)"));
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

}  // namespace
}  // namespace tenon
