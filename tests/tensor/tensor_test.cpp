#include "tenon/tensor/tensor.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/transforms.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Tensor, ComputesNothingUntilLookedAt) {
  Tensor x{1, 2, 3};
  Tensor y = x + x;
  EXPECT_FALSE(y.is_evaluated());
  EXPECT_EQ(y.type().to_string(), "f32[3]");
  EXPECT_EQ(y.item(2), 6);
  EXPECT_TRUE(y.is_evaluated());
}

TEST(Tensor, BroadcastsAsNumPy) {
  Tensor column = Tensor{1, 2}.reshape({2, 1});
  Tensor sum = column + Tensor{10, 20, 30};
  EXPECT_EQ(sum.type().to_string(), "f32[2,3]");
  EXPECT_THAT(values_of(sum), ElementsAre(11, 21, 31, 12, 22, 32));
}

TEST(Tensor, NumbersTakeTheTensorsDType) {
  Tensor half = Tensor{1, 2}.cast(DType::bf16);
  EXPECT_EQ((half * 0.5).dtype(), DType::bf16);
  EXPECT_EQ((1 - half).dtype(), DType::bf16);
  Tensor whole = arange(3);
  EXPECT_EQ((whole + 1).dtype(), DType::i32);
  EXPECT_EQ((whole + 0.5).dtype(), DType::f32);
  EXPECT_EQ((whole / 2).dtype(), DType::f32);
  EXPECT_THAT(values_of(whole / 2), ElementsAre(0, 0.5, 1));
}

TEST(Tensor, NumbersThatTheDTypeCannotHoldAreErrors) {
  Tensor bytes = full({2}, 1, DType::u8);
  EXPECT_THAT(error_of([&] { bytes + 300; }), HasSubstr("add: the number 300 does not fit u8"));
  EXPECT_THAT(error_of([&] { bytes * -1; }), HasSubstr("the number -1 does not fit u8"));
  EXPECT_THAT(error_of([] { arange(2) + (int64_t{1} << 40); }), HasSubstr("does not fit i32"));
  EXPECT_EQ((ones({1}, DType::f64) * 0.1).item(), 0.1);  // with all its digits
  EXPECT_EQ(Tensor(0.1).cast(DType::f64).item(), 0.1);
  int64_t large = (int64_t{1} << 60) + 1;
  EXPECT_EQ((zeros({1}, DType::i64) + large).item_int(), large);
}

TEST(Tensor, ScalarsThatAreNoNumbersKeepTheirDType) {
  EXPECT_EQ((full({}, 1e-12, DType::f64) + ones({2})).dtype(), DType::f64);
  EXPECT_EQ((ones({2}) * zeros_like(full({}, 1, DType::f64))).dtype(), DType::f64);
  EXPECT_EQ((ones({}, DType::bf16) * 0.5).dtype(), DType::bf16);
}

TEST(Tensor, PromotesDTypes) {
  EXPECT_EQ((arange(3) + Tensor{1, 2, 3}).dtype(), DType::f32);
  EXPECT_EQ((Tensor{1} == Tensor{1}).dtype(), DType::boolean);
  EXPECT_EQ(((Tensor{1} == Tensor{1}) * Tensor{2}).dtype(), DType::f32);
}

TEST(Tensor, SlicesAsPython) {
  Tensor x = arange(12).reshape({3, 4});
  EXPECT_THAT(values_of(x[1]), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(values_of(x[-1]), ElementsAre(8, 9, 10, 11));
  EXPECT_THAT(values_of(x.slice(1, -2)), ElementsAre(2, 3, 6, 7, 10, 11));
  EXPECT_THAT(values_of(x.slice(1, 0, 4, 2)), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_EQ(x.slice(0, 2, 100).type().to_string(), "i32[1,4]");
  EXPECT_EQ(x.slice(0, 2, 1).type().to_string(), "i32[0,4]");
  EXPECT_THAT(error_of([&] { x[3]; }), HasSubstr("axis 0 of i32[3,4] has 3 elements"));
}

TEST(Tensor, ReshapeInfersOneDimension) {
  EXPECT_EQ(arange(12).reshape({3, -1}).type().to_string(), "i32[3,4]");
  EXPECT_THAT(error_of([] { arange(12).reshape({5, -1}); }), HasSubstr("12 elements"));
  EXPECT_THAT(error_of([] { arange(12).reshape({-1, -1}); }), HasSubstr("only one"));
  EXPECT_THAT(values_of(arange(6).reshape({2, 3}).transpose()), ElementsAre(0, 3, 1, 4, 2, 5));
}

TEST(Tensor, GathersRows) {
  Tensor x = arange(6).reshape({3, 2});
  Tensor rows = x[Tensor::of<int32_t>({2, 0}, {2})];
  EXPECT_THAT(values_of(rows), ElementsAre(4, 5, 0, 1));
}

TEST(Tensor, ErrorsNameBothSidesAndLabels) {
  LabelScope encoder("encoder");
  LabelScope layer("fc1");
  Tensor x = Tensor{1, 2, 3} * 2;
  std::string text = error_of([&] { x + Tensor{1, 2}; });
  EXPECT_THAT(text, HasSubstr("add: shapes [3] and [2] do not broadcast"));
  EXPECT_THAT(text, HasSubstr("f32[3]"));
  EXPECT_THAT(text, HasSubstr("f32[2]"));
  EXPECT_THAT(text, HasSubstr("encoder.fc1"));
}

TEST(Tensor, UseWithoutValueIsAnError) {
  Tensor none;
  EXPECT_FALSE(none.has_value());
  EXPECT_THAT(error_of([&] { none + 1.0; }), HasSubstr("no value"));
  EXPECT_THAT(error_of([&] { none.shape(); }), HasSubstr("no value"));
  EXPECT_EQ(none.to_string(), "no value");
}

TEST(Tensor, ValuesChecksTheDType) {
  Tensor x{1, 2};
  EXPECT_EQ(x.values<float>()[1], 2);
  EXPECT_THAT(error_of([&] { x.values<double>(); }), HasSubstr("f32[2] were requested as f64"));
}

TEST(Tensor, ItemIsTheOnlyElement) {
  EXPECT_EQ(Tensor({7}).item(), 7);
  EXPECT_EQ(Tensor({1, 2}).item(-1), 2);
  EXPECT_THAT(error_of([] { Tensor({1, 2}).item(); }), HasSubstr("f32[2] has 2 elements, not one"));
  EXPECT_THAT(error_of([] { Tensor({1, 2}).item(2); }), HasSubstr("no element 2"));
}

TEST(Tensor, NamesAreWhatErrorsSay) {
  Tensor weight = ones({32, 128});
  weight.set_name("encoder.fc1.weight");
  std::string text = error_of([&] { matmul(ones({8, 64}), weight); });
  EXPECT_THAT(text, HasSubstr("rhs  f32[32,128]"));
  EXPECT_THAT(text, HasSubstr("encoder.fc1.weight"));
}

TEST(Tensor, CopiesToVectorsOfAnyType) {
  EXPECT_THAT((arange(3) * 2).to_vector<float>(), ElementsAre(0.f, 2.f, 4.f));
  EXPECT_THAT(Tensor({1.5, 2}).cast(DType::bf16).to_vector<double>(), ElementsAre(1.5, 2));
  EXPECT_THAT((Tensor{1, 3} > 2).to_vector<bool>(), ElementsAre(false, true));
}

TEST(Tensor, ViewSharesTheUsersMemory) {
  std::vector<float> memory = {1, 2, 3};
  Tensor view = Tensor::view(memory.data(), {3});
  EXPECT_EQ(view.buffer().data(), memory.data());
  memory[0] = 5;
  EXPECT_EQ((view + 1.0).item(0), 6);
  const std::vector<double> constant = {1, 2};
  Tensor of_constant = Tensor::view(constant.data(), {2});
  EXPECT_EQ(of_constant.buffer().data(), constant.data());
  EXPECT_THAT(error_of([&] { Tensor::view(memory.data(), {-3}); }), HasSubstr("negative"));
  EXPECT_THAT(error_of([] { Tensor::view(static_cast<float*>(nullptr), {3}); }), HasSubstr("null"));
  EXPECT_THAT(error_of([] { Tensor::of<float>({1}, {-1, -1}); }), HasSubstr("negative"));
}

TEST(Tensor, EvaluatesManyInOnePlan) {
  Tensor x{1, 2};
  Tensor y = x + 1, z = y * 2;
  eval({y, z});
  EXPECT_TRUE(y.is_evaluated());
  EXPECT_THAT(values_of(z), ElementsAre(4, 6));
}

TEST(Tensor, ComputesHeldIntermediatesOnce) {
  Tensor x{1, 2};
  Tensor y = x * 3.0;
  Tensor z = y + x;
  z.eval();
  EXPECT_TRUE(y.is_evaluated());
}

TEST(Tensor, LongChainsEvaluateAndVanish) {
  constexpr int kLength = 100000;
  Tensor x{0};
  for (int i = 0; i < kLength; ++i) x = x + 1;
  EXPECT_EQ(x.item(), kLength);
  Tensor dropped{0};
  for (int i = 0; i < kLength; ++i) dropped = dropped + 1;
}

TEST(Tensor, CreatesArrays) {
  EXPECT_THAT(values_of(zeros({2})), ElementsAre(0, 0));
  EXPECT_THAT(values_of(full({2}, 7, DType::i64)), ElementsAre(7, 7));
  EXPECT_THAT(values_of(eye(2)), ElementsAre(1, 0, 0, 1));
  EXPECT_EQ(Tensor(3).dtype(), DType::i32);
  EXPECT_EQ(Tensor(int64_t{1} << 40).dtype(), DType::i64);
  EXPECT_EQ(Tensor(true).dtype(), DType::boolean);
  EXPECT_EQ((Tensor{{1, 2}, {3, 4}}).type().to_string(), "f32[2,2]");
  EXPECT_THAT(error_of([] { Tensor::of<float>({1, 2, 3}, {2, 2}); }),
              HasSubstr("3 values do not fill [2,2]"));
  EXPECT_THAT(error_of([] { Tensor{{1, 2}, {3}}; }), HasSubstr("do not make a matrix"));
}

// Walked as trees these would take 2^200 steps.
TEST(Tensor, ValuesThatAreReadTwiceAreComputedOnce) {
  Tensor root = ones({100});
  for (int i = 0; i < 200; ++i) root = root - (root * root - 2) / (2 * root);
  EXPECT_NEAR(root.item(99), std::sqrt(2.0), 1e-6);
  auto euler = [](Tensor x) {
    for (int i = 0; i < 60; ++i) x = x + 0.01 * sin(x);
    return sum(x);
  };
  EXPECT_NEAR(jit(grad(euler))(ones({3})).item(2), 1.19155, 1e-5);
}

TEST(Tensor, HoldsEveryIntegerExactlyOrSaysThatItCannot) {
  EXPECT_EQ(Tensor(uint64_t{1} << 40).item_int(), int64_t{1} << 40);
  EXPECT_EQ(Tensor(uint64_t{1} << 40).dtype(), DType::i64);
  EXPECT_EQ(Tensor(uint32_t{4000000000}).item_int(), 4000000000);
  EXPECT_EQ(Tensor(INT64_MIN).item_int(), INT64_MIN);
  EXPECT_EQ(Tensor(INT64_MAX).item_int(), INT64_MAX);
  EXPECT_EQ(Tensor(uint64_t{INT64_MAX}).item_int(), INT64_MAX);
  EXPECT_EQ(Tensor(-1).dtype(), DType::i32);
  EXPECT_THAT(error_of([] { Tensor x(UINT64_MAX); }),
              HasSubstr("18446744073709551615 does not fit i64"));
  EXPECT_THAT(error_of([] { ones({2}) + (uint64_t{1} << 63); }), HasSubstr("does not fit"));
  Tensor wide = Tensor::of<int64_t>({1, 2}, {2}) * (uint64_t{1} << 40);
  EXPECT_EQ(wide.item_int(1), int64_t{1} << 41);
}

}  // namespace
}  // namespace tenon
