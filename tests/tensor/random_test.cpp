#include "tenon/tensor/random.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tenon/base/random.h"
#include "tenon/tensor/numpy.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::Each;
using testing::UnorderedElementsAre;

TEST(Random, GivesTheBitsOfTheLibrary) {
  Tensor bits = random::bits(random::key(42), {6});
  for (int64_t i = 0; i < 6; ++i)
    EXPECT_EQ(static_cast<uint32_t>(bits.item_int(i)),
              random_bits(RandomKey(42), static_cast<uint64_t>(i)));
  EXPECT_EQ(random::uniform(random::key(42), {6}).item(3),
            unit_uniform(random_bits(RandomKey(42), 3)));
}

TEST(Random, KeysAreIndependentAndRepeatable) {
  auto [a, b] = random::split<2>(random::key(1));
  EXPECT_NE(values_of(random::uniform(a, {4})), values_of(random::uniform(b, {4})));
  EXPECT_EQ(values_of(random::uniform(a, {4})), values_of(random::uniform(a, {4})));
  EXPECT_EQ(values_of(random::fold_in(a, 7)), values_of(random::fold_in(a, Tensor(7))));
  EXPECT_NE(values_of(random::fold_in(a, 7)), values_of(random::fold_in(b, 7)));
}

TEST(Random, HasTheMomentsOfItsDistribution) {
  Tensor normal = random::normal(random::key(3), {10000});
  EXPECT_NEAR(mean(normal).item(), 0, 0.03);
  EXPECT_NEAR(variance(normal).item(), 1, 0.05);
  Tensor uniform = random::uniform(random::key(4), {10000}, -1, 3);
  EXPECT_NEAR(mean(uniform).item(), 1, 0.05);
  EXPECT_GE(min(uniform).item(), -1);
  EXPECT_LT(max(uniform).item(), 3);
  Tensor coins = random::bernoulli(random::key(5), 0.25, {10000});
  EXPECT_NEAR(mean(coins).item(), 0.25, 0.02);
  Tensor dice = random::integers(random::key(6), {1000}, 1, 7);
  EXPECT_EQ(min(dice).item(), 1);
  EXPECT_EQ(max(dice).item(), 6);
}

TEST(Random, HasThePrecisionOfItsDType) {
  std::vector<double> wide =
      random::uniform(random::key(1), {1000}, 0, 1, DType::f64).to_vector<double>();
  auto fits_f32 = [](double x) { return static_cast<double>(static_cast<float>(x)) == x; };
  EXPECT_LT(std::count_if(wide.begin(), wide.end(), fits_f32), 5);
  for (DType half : {DType::f16, DType::bf16}) {
    EXPECT_LT(max(random::uniform(random::key(1), {100000}, 0, 1, half)).item(), 1);
    EXPECT_LT(max(random::uniform(random::key(1), {100000}, 1, 2, half)).item(), 2);
    EXPECT_LT(max(random::uniform(random::key(1), {100000}, -2, -1, half)).item(), -1);
  }
  Tensor normal = random::normal(random::key(2), {10000}, DType::f64);
  EXPECT_NEAR(mean(normal).item(), 0, 0.03);
  EXPECT_NEAR(variance(normal).item(), 1, 0.05);
}

TEST(Random, PermutesAndChooses) {
  EXPECT_THAT(values_of(random::permutation(random::key(1), 5)),
              UnorderedElementsAre(0, 1, 2, 3, 4));
  Tensor logits = broadcast_to(Tensor{-100, 100, -100}, {8, 3});
  EXPECT_THAT(values_of(random::categorical(random::key(2), logits)), Each(1));
}

}  // namespace
}  // namespace tenon
