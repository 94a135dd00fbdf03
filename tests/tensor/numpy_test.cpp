#include "tenon/tensor/numpy.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tenon/tensor/jit.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;

const Tensor kMatrix{{1, 2, 3}, {4, 5, 6}};

TEST(NumPy, Reduces) {
  EXPECT_THAT(values_of(sum(kMatrix)), ElementsAre(21));
  EXPECT_THAT(values_of(sum(kMatrix, {0})), ElementsAre(5, 7, 9));
  EXPECT_EQ(sum(kMatrix, {-1}, true).type().to_string(), "f32[2,1]");
  EXPECT_THAT(values_of(mean(kMatrix, {1})), ElementsAre(2, 5));
  EXPECT_THAT(values_of(mean(arange(4))), ElementsAre(1.5));
  EXPECT_THAT(values_of(max(kMatrix)), ElementsAre(6));
  EXPECT_THAT(values_of(min(kMatrix, {1})), ElementsAre(1, 4));
  EXPECT_THAT(values_of(prod(kMatrix, {1})), ElementsAre(6, 120));
  EXPECT_THAT(values_of(sum(kMatrix > 2)), ElementsAre(4));
  EXPECT_THAT(values_of(all(kMatrix > 0)), ElementsAre(1));
  EXPECT_THAT(values_of(any(kMatrix > 5, {1})), ElementsAre(0, 1));
  EXPECT_THAT(values_of(variance(Tensor{1, 3}, {}, false, 1)), ElementsAre(2));
  EXPECT_THAT(values_of(norm(Tensor{3, 4})), ElementsAre(5));
  EXPECT_THAT(values_of(argmax(kMatrix)), ElementsAre(5));
  EXPECT_THAT(error_of([] { sum(kMatrix, {0, -2}); }),
              HasSubstr("sum: axis 0 is named twice, as 0 and -2"));
  EXPECT_THAT(error_of([] { sum(kMatrix, {2}); }), HasSubstr("axis"));
}

TEST(NumPy, TheMeanOfOnesIsOne) {
  for (int64_t n : {1, 3, 41, 49, 1000})
    EXPECT_THAT(values_of(mean(ones({2, n}), {1})), ElementsAre(1, 1)) << n;
}

TEST(NumPy, MultipliesMatrices) {
  Tensor square = matmul(kMatrix, transpose(kMatrix));
  EXPECT_THAT(values_of(square), ElementsAre(14, 32, 32, 77));
  EXPECT_THAT(values_of(matmul(kMatrix, Tensor{1, 0, 1})), ElementsAre(4, 10));
  EXPECT_THAT(values_of(matmul(Tensor{1, 1}, kMatrix)), ElementsAre(5, 7, 9));
  EXPECT_THAT(values_of(dot(Tensor{1, 2}, Tensor{3, 4})), ElementsAre(11));
  Tensor batch = stack({kMatrix, kMatrix * 2});
  EXPECT_EQ(matmul(batch, transpose(kMatrix)).type().to_string(), "f32[2,2,2]");
  EXPECT_EQ(matmul(kMatrix, move_axis(batch, 1, 2)).type().to_string(), "f32[2,2,2]");
  EXPECT_EQ(matmul(Tensor{1, 1}, batch).type().to_string(), "f32[2,3]");
  EXPECT_THAT(values_of(outer(Tensor{1, 2}, Tensor{3, 4})), ElementsAre(3, 4, 6, 8));
  std::string text = error_of([&] { matmul(kMatrix, kMatrix); });
  EXPECT_THAT(text, HasSubstr("matmul: inner dimensions differ: lhs f32[2,3] and rhs f32[2,3]"));
  LabelScope encoder("encoder.fc1");
  text = error_of([&] { matmul(stack({kMatrix, kMatrix}) * 2, ones({3, 3, 2})); });
  EXPECT_THAT(text, HasSubstr("matmul: the axes before the matrices do not broadcast: lhs "
                              "f32[2,2,3] and rhs f32[3,3,2]"));
  EXPECT_THAT(text, HasSubstr("in encoder.fc1"));
}

TEST(NumPy, SumsAsEinsteinDid) {
  EXPECT_THAT(values_of(einsum("ij,kj->ki", {kMatrix, kMatrix})), ElementsAre(14, 32, 32, 77));
  EXPECT_THAT(values_of(einsum("ij->j", {kMatrix})), ElementsAre(5, 7, 9));
  EXPECT_THAT(values_of(einsum("ij->", {kMatrix})), ElementsAre(21));
  EXPECT_THAT(values_of(einsum("ij,ij->i", {kMatrix, kMatrix})), ElementsAre(14, 77));
  EXPECT_THAT(values_of(einsum("i,ij,j->", {Tensor{1, 1}, kMatrix, Tensor{1, 0, 0}})),
              ElementsAre(5));
  EXPECT_THAT(values_of(einsum("ii->i", {Tensor{{1, 2}, {3, 4}}})), ElementsAre(1, 4));
  EXPECT_THAT(values_of(einsum("ii", {Tensor{{1, 2}, {3, 4}}})), ElementsAre(5));
  EXPECT_THAT(values_of(einsum("ba", {kMatrix})), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_EQ(einsum("iji,k->kj", {ones({2, 3, 2}), ones({4})}).type().to_string(), "f32[4,3]");
  Tensor batch = stack({kMatrix, kMatrix * 2, kMatrix});
  EXPECT_EQ(einsum("...ij,...kj->...ik", {batch, batch}).type().to_string(), "f32[3,2,2]");
  EXPECT_EQ(einsum("...ij,kj", {batch, kMatrix}).type().to_string(), "f32[3,2,2]");
  EXPECT_THAT(values_of(einsum("...->", {batch})), ElementsAre(84));
  EXPECT_THAT(error_of([] { einsum("ij,jk->ik", {kMatrix, kMatrix}); }),
              HasSubstr("einsum: 'ij,jk->ik': axis j is 3 and 2"));
  EXPECT_THAT(error_of([] { einsum("ij->ii", {kMatrix}); }), HasSubstr("the result twice"));
  EXPECT_THAT(error_of([] { einsum("ijk->i", {kMatrix}); }), HasSubstr("names 3 axes of f32[2,3]"));
}

TEST(NumPy, MovesAxes) {
  Tensor x = arange(24).reshape({2, 3, 4});
  EXPECT_EQ(move_axis(x, 0, 2).type().to_string(), "i32[3,4,2]");
  EXPECT_EQ(swap_axes(x, 0, -1).type().to_string(), "i32[4,3,2]");
  EXPECT_EQ(expand_dims(x, -1).type().to_string(), "i32[2,3,4,1]");
  EXPECT_EQ(squeeze(expand_dims(x, 0), 0).type().to_string(), "i32[2,3,4]");
  EXPECT_EQ(flatten(x).type().to_string(), "i32[2,12]");
  EXPECT_EQ(flatten(x, 0).type().to_string(), "i32[24]");
  EXPECT_EQ(broadcast_to(x, {5, 2, 3, 4}).type().to_string(), "i32[5,2,3,4]");
  EXPECT_THAT(error_of([&] { squeeze(x, 1); }), HasSubstr("axis 1 of i32[2,3,4]"));
  EXPECT_THAT(error_of([&] { broadcast_to(x, {2, 3, 1}); }), HasSubstr("does not fit"));
}

TEST(NumPy, JoinsAndSplits) {
  EXPECT_THAT(values_of(concatenate({Tensor{1, 2}, arange(2)})), ElementsAre(1, 2, 0, 1));
  EXPECT_EQ(stack({kMatrix, kMatrix}, -1).type().to_string(), "f32[2,3,2]");
  std::vector<Tensor> columns = split(kMatrix, 3, 1);
  EXPECT_THAT(values_of(columns[2]), ElementsAre(3, 6));
  std::vector<Tensor> pieces = split(kMatrix, Integers{1}, 1);
  EXPECT_EQ(pieces[1].type().to_string(), "f32[2,2]");
  EXPECT_THAT(values_of(flip(Tensor{1, 2, 3}, 0)), ElementsAre(3, 2, 1));
  EXPECT_THAT(values_of(repeat(Tensor{1, 2}, 2, 0)), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(error_of([] { concatenate({kMatrix}, 7); }), HasSubstr("axis"));
  EXPECT_THAT(error_of([] { split(kMatrix, 2, 1); }), HasSubstr("2 equal parts"));
  EXPECT_THAT(error_of([] { stack({kMatrix, Tensor{1}}); }),
              HasSubstr("stack: f32[2,3] and f32[1] differ in shape"));
  EXPECT_THAT(values_of(roll(arange(5), 2, 0)), ElementsAre(3, 4, 0, 1, 2));
  EXPECT_THAT(values_of(roll(arange(5), -6, 0)), ElementsAre(1, 2, 3, 4, 0));
  EXPECT_THAT(values_of(tile(Tensor{{1, 2}}, {2, 2})), ElementsAre(1, 2, 1, 2, 1, 2, 1, 2));
  EXPECT_THAT(values_of(pad(Tensor{1, 2}, {{1, 2}}, 7)), ElementsAre(7, 1, 2, 7, 7));
}

TEST(NumPy, ChoosesElements) {
  EXPECT_THAT(values_of(where(kMatrix > 3, kMatrix, 0)), ElementsAre(0, 0, 0, 4, 5, 6));
  EXPECT_THAT(values_of(clip(kMatrix, 2, 5)), ElementsAre(2, 2, 3, 4, 5, 5));
  EXPECT_THAT(values_of(take(kMatrix, Tensor::of<int32_t>({2, 0}, {2}), 1)),
              ElementsAre(3, 1, 6, 4));
  Tensor index = Tensor::of<int32_t>({2, 0}, {2, 1});
  EXPECT_THAT(values_of(take_along_axis(kMatrix, index, 1)), ElementsAre(3, 4));
  EXPECT_THAT(values_of(tril(kMatrix)), ElementsAre(1, 0, 0, 4, 5, 0));
  EXPECT_EQ(sum(tril(kMatrix, INT64_MAX)).item(), sum(kMatrix).item());
  EXPECT_EQ(sum(triu(kMatrix, INT64_MAX)).item(), 0);
  EXPECT_THAT(values_of(triu(kMatrix)), ElementsAre(1, 2, 3, 0, 5, 6));
  EXPECT_THAT(values_of(linspace(0, 1, 3)), ElementsAre(0, 0.5, 1));
  EXPECT_EQ(linspace(0, 1, 0).type().to_string(), "f32[0]");
  EXPECT_THAT(error_of([] { linspace(0, 1, -1); }), HasSubstr("-1 numbers"));
  EXPECT_THAT(values_of(diagonal(kMatrix.slice(1, 0, 2))), ElementsAre(1, 5));
}

TEST(NumPy, CountsInSteps) {
  EXPECT_THAT(values_of(arange(2, 8, 3)), ElementsAre(2, 5));
  EXPECT_THAT(values_of(arange(3, 0, -1)), ElementsAre(3, 2, 1));
  EXPECT_THAT(values_of(arange(0, 1, 0.25)), ElementsAre(0, 0.25, 0.5, 0.75));
  EXPECT_EQ(arange(0, 4).dtype(), DType::i32);
  EXPECT_EQ(arange(0.0, 4).dtype(), DType::f32);
  EXPECT_EQ(arange(4, 0).shape()[0], Dim(0));
  EXPECT_THAT(error_of([] { arange(0.0, INFINITY); }), HasSubstr("it never ends"));
  EXPECT_THAT(error_of([] { arange(0.0, NAN); }), HasSubstr("it never ends"));
}

TEST(NumPy, NarrowIntegersAreSummedInWiderOnes) {
  Tensor bytes = full({300}, 200, DType::u8);
  EXPECT_THAT(values_of(sum(bytes)), ElementsAre(60000));
  EXPECT_THAT(values_of(cumsum(bytes.slice(0, 0, 2), 0)), ElementsAre(200, 400));
  EXPECT_THAT(values_of(prod(kMatrix > 0)), ElementsAre(1));
  EXPECT_THAT(values_of(cumprod(Tensor{2, 3}, 0)), ElementsAre(2, 6));
}

TEST(NumPy, MeansOfHalfPrecisionDoNotOverflow) {
  Tensor x = full({1000}, 300, DType::f16);
  EXPECT_EQ(mean(x).type().to_string(), "f16[]");
  EXPECT_THAT(values_of(mean(x)), ElementsAre(300));
  Tensor y = full({1000}, 100, DType::f16);
  EXPECT_THAT(values_of(variance(concatenate({y, -y}))), ElementsAre(10000));
  Tensor z = full({1000}, 300, DType::f16);  // its variance is no f16
  EXPECT_THAT(values_of(standard_deviation(concatenate({z, -z}))), ElementsAre(300));
  EXPECT_THAT(values_of(norm(Tensor{300, 400}.cast(DType::f16))), ElementsAre(500));
}

TEST(NumPy, NumbersThatAreNotZeroAreTrue) {
  Tensor counts = arange(3);
  EXPECT_THAT(values_of(any(counts)), ElementsAre(1));
  EXPECT_THAT(values_of(all(counts)), ElementsAre(0));
  EXPECT_THAT(values_of(counts && Tensor{1, 1, 0}), ElementsAre(0, 1, 0));
  EXPECT_THAT(values_of(!counts), ElementsAre(1, 0, 0));
  EXPECT_THAT(values_of((counts > 0) & (counts < 2)), ElementsAre(0, 1, 0));
  EXPECT_THAT(values_of(counts | 4), ElementsAre(4, 5, 6));
  EXPECT_THAT(values_of(~counts), ElementsAre(-1, -2, -3));
}

TEST(NumPy, DividesAsPython) {
  EXPECT_THAT(values_of(remainder(arange(-3, 3), 3)), ElementsAre(0, 1, 2, 0, 1, 2));
  EXPECT_THAT(values_of(floor_divide(arange(-4, 2), 3)), ElementsAre(-2, -1, -1, -1, 0, 0));
  EXPECT_THAT(values_of(remainder(Tensor{-1, 5.5}, -2)), ElementsAre(-1, -0.5));
  EXPECT_THAT(values_of(floor_divide(Tensor{-1, 5.5}, 2)), ElementsAre(-1, 2));
  EXPECT_THAT(values_of(floor_divide(Tensor{-1, 1}, INFINITY)), ElementsAre(-1, 0));
  Tensor lowest = full({1}, -0x1p31, DType::i32);
  EXPECT_THAT(values_of(floor_divide(lowest, 3)), ElementsAre(-715827883));
  EXPECT_THAT(values_of(remainder(lowest, 3)), ElementsAre(1));
}

TEST(NumPy, DividesRealsByZeroAsReals) {
  EXPECT_THAT(values_of(floor_divide(Tensor{1, -1}, 0.0)), ElementsAre(INFINITY, -INFINITY));
  EXPECT_THAT(values_of(floor_divide(arange(2), 0)), ElementsAre(0, 0));
}

TEST(NumPy, RaisesIntegersToIntegers) {
  Tensor x = power(Tensor::of<int32_t>({12345, -3, 2}, {3}), Tensor::of<int32_t>({2, 3, -1}, {3}));
  EXPECT_EQ(x.dtype(), DType::i32);
  EXPECT_THAT(values_of(x), ElementsAre(152399025, -27, 0));
  EXPECT_THAT(values_of(power(Tensor::of<int32_t>({-1, 1, 0}, {3}), -3)), ElementsAre(-1, 1, 0));
  EXPECT_EQ(power(arange(3), 0.5).dtype(), DType::f32);
}

TEST(NumPy, MeansDivide) {
  EXPECT_EQ(mean(ones({41})).item(), 1);
  EXPECT_TRUE(std::isnan(mean(zeros({0})).item()));
  EXPECT_TRUE(std::isnan(variance(zeros({0}), {}, false, 1).item()));
  EXPECT_TRUE(std::isnan(variance(zeros({1}), {}, false, 2).item()));
}

TEST(NumPy, BoolsAreOrdered) {
  Tensor x = kMatrix > 3;
  EXPECT_EQ(max(x).dtype(), DType::boolean);
  EXPECT_THAT(values_of(max(x, {1})), ElementsAre(0, 1));
  EXPECT_THAT(values_of(min(x, {1})), ElementsAre(0, 1));
  EXPECT_THAT(values_of(argmax(x)), ElementsAre(3));
  EXPECT_THAT(values_of(sort(Tensor{1, 0, 1} > 0)), ElementsAre(0, 1, 1));
  EXPECT_THAT(values_of(argsort(Tensor{1, 0, 1} > 0)), ElementsAre(1, 0, 2));
  EXPECT_THAT(values_of(where(arange(3), 5, 7)), ElementsAre(7, 5, 5));
}

TEST(NumPy, BringsNumbersIntoRange) {
  EXPECT_THAT(values_of(trunc(Tensor{-1.5, 1.5})), ElementsAre(-1, 1));
  Tensor x = Tensor{NAN, INFINITY, -INFINITY, 2}.cast(DType::f16);
  EXPECT_THAT(values_of(nan_to_num(x)), ElementsAre(0, 65504, -65504, 2));
  Tensor far{-INFINITY, 1000, 0};
  EXPECT_THAT(values_of(log_add_exp(far, Tensor{-INFINITY, 0, 0})),
              ElementsAre(-INFINITY, 1000, testing::DoubleNear(0.6931472, 1e-6)));
  EXPECT_THAT(values_of(linspace(0, 1e308, 3, DType::f64)), ElementsAre(0, 5e307, 1e308));
}

TEST(NumPy, TakesDiagonalsOfAnyMatrix) {
  EXPECT_THAT(values_of(diagonal(kMatrix)), ElementsAre(1, 5));
  EXPECT_THAT(values_of(diagonal(kMatrix, 1)), ElementsAre(2, 6));
  EXPECT_THAT(values_of(diagonal(kMatrix, -1)), ElementsAre(4));
  EXPECT_EQ(diagonal(kMatrix, 5).dim(0), Dim(0));
}

TEST(NumPy, TakesDiagonalsOfAnySize) {
  for (int64_t offset : {0, 1, -1, 4, -4}) {
    auto square = jit([=](Tensor x) { return diagonal(x, offset) * 2; });
    auto wide = jit([=](Tensor x) { return diagonal(concatenate({x, x}, 1), offset) * 2; });
    for (int64_t n : {5, 6, 9, 3, 2, 1, 0}) {
      Tensor x = arange(n * n, DType::f32).reshape({n, n});
      EXPECT_EQ(values_of(square(x)), values_of(diagonal(x, offset) * 2)) << n << " " << offset;
      Tensor both = concatenate({x, x}, 1);
      EXPECT_EQ(values_of(wide(x)), values_of(diagonal(both, offset) * 2)) << n << " " << offset;
    }
    EXPECT_LE(square.compilations(), 6u);
  }
  auto any = jit([](Tensor x) { return diagonal(x); });
  for (auto [rows, columns] : {std::pair<int64_t, int64_t>{3, 5}, {4, 6}, {6, 4}, {5, 5}})
    EXPECT_EQ(any(ones({rows, columns})).dim(0), Dim(std::min(rows, columns)));
  EXPECT_EQ(diagonal(kMatrix, INT64_MIN).dim(0), Dim(0));
  EXPECT_EQ(diagonal(kMatrix, INT64_MAX).dim(0), Dim(0));
}

TEST(NumPy, MakesGrids) {
  std::vector<Tensor> xy = meshgrid({Tensor{1, 2, 3}, Tensor{4, 5}});
  EXPECT_THAT(values_of(xy[0]), ElementsAre(1, 2, 3, 1, 2, 3));
  EXPECT_THAT(values_of(xy[1]), ElementsAre(4, 4, 4, 5, 5, 5));
  EXPECT_EQ(meshgrid({Tensor{1, 2, 3}, Tensor{4, 5}}, true)[1].type().to_string(), "f32[3,2]");
}

TEST(NumPy, Compares) {
  Tensor x{1, INFINITY};
  EXPECT_THAT(values_of(all_close(x, Tensor{1.000001, INFINITY})), ElementsAre(1));
  EXPECT_THAT(values_of(all_close(x, Tensor{1.1, INFINITY})), ElementsAre(0));
  EXPECT_THAT(values_of(is_close(Tensor{1, -INFINITY, INFINITY}, INFINITY)), ElementsAre(0, 0, 1));
  Tensor black = full({1}, 0, DType::u8), white = full({1}, 255, DType::u8);
  EXPECT_THAT(values_of(all_close(black, white, 0.01)), ElementsAre(0));
  EXPECT_THAT(values_of(array_equal(x, x)), ElementsAre(1));
  EXPECT_THAT(values_of(array_equal(x, Tensor{1})), ElementsAre(0));
  EXPECT_THAT(values_of(is_inf(Tensor{-INFINITY, NAN, 1})), ElementsAre(1, 0, 0));
  EXPECT_THAT(values_of(diff(Tensor{1, 4, 9})), ElementsAre(3, 5));
  EXPECT_THAT(values_of(log2(Tensor{8, 1, 8192})), ElementsAre(3, 0, 13));
  EXPECT_NEAR(log10(Tensor{1e9}).item(), 9, 2e-6);
}

TEST(NumPy, ShiftsKeepTheSign) {
  const Tensor x = Tensor::of<int32_t>({5, -5}, {2});
  EXPECT_THAT(values_of(left_shift(x, 2)), ElementsAre(20, -20));
  EXPECT_THAT(values_of(right_shift(x, 1)), ElementsAre(2, -3));
  EXPECT_THAT(values_of(right_shift(Tensor::of<uint8_t>({200}, {1}), 3)), ElementsAre(25));
}

/// As JAX has it (docs/modules/ops.md), but for +, - and *: where NumPy gives i8, or refuses,
/// integers are i32.
TEST(NumPy, TypesOfCallsOnTwoBools) {
  using Binary = Tensor (*)(const Tensor&, const Tensor&);
  struct Case {
    const char* name;
    Binary f;
    DType dtype;
    std::vector<double> values;
  };
  const auto f32 = DType::f32, i32 = DType::i32, boolean = DType::boolean;
  const Case cases[] = {
      {"maximum", maximum, boolean, {1, 1, 1, 0}},
      {"minimum", minimum, boolean, {1, 0, 0, 0}},
      {"&", [](const Tensor& a, const Tensor& b) { return a & b; }, boolean, {1, 0, 0, 0}},
      {"|", [](const Tensor& a, const Tensor& b) { return a | b; }, boolean, {1, 1, 1, 0}},
      {"^", [](const Tensor& a, const Tensor& b) { return a ^ b; }, boolean, {0, 1, 1, 0}},
      {"<", [](const Tensor& a, const Tensor& b) { return a < b; }, boolean, {0, 0, 1, 0}},
      {"+", [](const Tensor& a, const Tensor& b) { return a + b; }, i32, {2, 1, 1, 0}},
      {"-", [](const Tensor& a, const Tensor& b) { return a - b; }, i32, {0, 1, -1, 0}},
      {"*", [](const Tensor& a, const Tensor& b) { return a * b; }, i32, {1, 0, 0, 0}},
      {"//", floor_divide, i32, {1, 0, 0, 0}},
      {"%", remainder, i32, {0, 1, 0, 0}},
      {"fmod", fmod, i32, {0, 1, 0, 0}},
      {"power", power, i32, {1, 1, 0, 1}},
      {"<<", left_shift, i32, {2, 1, 0, 0}},
      {">>", right_shift, i32, {0, 1, 0, 0}},
      {"/", [](const Tensor& a, const Tensor& b) { return a / (b | true); }, f32, {1, 1, 0, 0}},
      {"atan2", atan2, f32, {std::atan2(1.0f, 1.0f), std::atan2(1.0f, 0.0f), 0, 0}},
  };
  const Tensor a = Tensor{1, 1, 0, 0} > 0, b = Tensor{1, 0, 1, 0} > 0;
  for (const Case& c : cases) {
    Tensor got = c.f(a, b);
    EXPECT_EQ(got.dtype(), c.dtype) << c.name;
    EXPECT_EQ(values_of(got.cast(f32)), values_of(Tensor::of(c.values, {4}).cast(f32))) << c.name;
  }
  EXPECT_EQ(clip(a, b, b | true).dtype(), DType::boolean);
  EXPECT_EQ(maximum(a, 3).dtype(), DType::i32);
}

TEST(NumPy, BracesMakeRows) {
  EXPECT_EQ((Tensor{{1}, {2}}).type().to_string(), "f32[2,1]");
  EXPECT_EQ((Tensor{{1}}).type().to_string(), "f32[1,1]");
  EXPECT_EQ((Tensor{1, 2.5, true}).type().to_string(), "f32[3]");
  EXPECT_THAT(values_of(Tensor{{1}, {2}}), ElementsAre(1, 2));
  EXPECT_THAT(error_of([] { Tensor{{1, 2}, {3}}; }), HasSubstr("do not make a matrix"));
}

TEST(NumPy, ErrorsNameWhatWasCalled) {
  auto text = error_of([] { where(kMatrix > 0, kMatrix, Tensor{1, 2}); });
  EXPECT_THAT(text, HasSubstr("where: "));
  EXPECT_THAT(text, HasSubstr("condition"));
  EXPECT_THAT(text, testing::Not(HasSubstr("predicate")));
  EXPECT_THAT(text, testing::Not(HasSubstr("select")));
  text = error_of([] { clip(kMatrix, 0, Tensor{1, 2}); });
  EXPECT_THAT(text, HasSubstr("clip: "));
  EXPECT_THAT(text, HasSubstr("high"));
  EXPECT_THAT(text, testing::Not(HasSubstr("minimum")));
  EXPECT_THAT(error_of([] { clip(kMatrix, Tensor{1, 2}, 3); }), HasSubstr("clip: "));
  EXPECT_THAT(error_of([] { where(Tensor(), 1, 2); }), HasSubstr("where: "));
  EXPECT_THAT(error_of([] { clip(Tensor(), 1, 2); }), HasSubstr("clip: "));
}

TEST(NumPy, RunningExtrema) {
  const Tensor x{{3, 1, 4}, {1, 5, 2}};
  EXPECT_THAT(values_of(cummax(x, 1)), ElementsAre(3, 3, 4, 1, 5, 5));
  EXPECT_THAT(values_of(cummin(x, 0)), ElementsAre(3, 1, 4, 1, 1, 2));
  EXPECT_THAT(values_of(cummax(x > 2, -1)), ElementsAre(1, 1, 1, 0, 1, 1));
}

}  // namespace
}  // namespace tenon
