#include "tenon/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/base/parallel.h"

namespace tenon {
namespace {

// The known-answer vectors that Random123 publishes (kat_vectors, philox4x32 10).
TEST(Philox, GivesThePublishedVectors) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, FoldedKeysDiffer) {
  const RandomKey key(42);
  EXPECT_EQ(key.fold_in("a"), key.fold_in("a"));
  EXPECT_NE(key.fold_in("a"), key.fold_in("b"));
  EXPECT_NE(key.fold_in(uint64_t{0}), key);
  EXPECT_NE(RandomKey(1).fold_in(uint64_t{2}), RandomKey(2).fold_in(uint64_t{1}));
}

TEST(Random, FillDoesNotDependOnThreadsOrLength) {
  const int before = thread_count();
  std::vector<float> one(50'001), many(50'001), prefix(7);
  set_thread_count(1);
  fill_normal(RandomKey(3), one);
  set_thread_count(4);
  fill_normal(RandomKey(3), many);
  set_thread_count(before);
  EXPECT_EQ(one, many);
  fill_normal(RandomKey(3), prefix);
  EXPECT_TRUE(std::equal(prefix.begin(), prefix.end(), one.begin()));
}

TEST(Random, UniformHasItsMomentsAndBounds) {
  std::vector<float> values(200'000);
  fill_uniform(RandomKey(7), values, -1, 3);
  double sum = 0;
  for (float value : values) {
    ASSERT_GE(value, -1);
    ASSERT_LT(value, 3);
    sum += value;
  }
  EXPECT_NEAR(sum / 200'000, 1.0, 0.01);
}

/// Where numbers are coarse, low + part * (high - low) rounds to the upper end now and then.
TEST(Random, UniformNeverReachesItsUpperEnd) {
  std::vector<float> values(1'000'000);
  for (const auto& [low, high] :
       {std::pair{1000.0f, 1001.0f}, {-1001.0f, -1000.0f}, {-1.0f, 0.0f}}) {
    fill_uniform(RandomKey(11), values, low, high);
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    EXPECT_GE(*least, low);
    EXPECT_LT(*most, high);
  }
  fill_uniform(RandomKey(11), values, 2, 2);
  EXPECT_EQ(values[0], 2);
}

TEST(Random, NormalHasItsMoments) {
  std::vector<float> values(200'000);
  fill_normal(RandomKey(7), values, 2, 0.5f);
  double sum = 0, squares = 0;
  for (float value : values) {
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += (value - 2.0) * (value - 2.0);
  }
  EXPECT_NEAR(sum / 200'000, 2.0, 0.005);
  EXPECT_NEAR(std::sqrt(squares / 200'000), 0.5, 0.005);
}

TEST(Random, NormalOfExtremeWordsIsFinite) {
  for (uint32_t word : {0u, 0xffffffffu}) {
    EXPECT_TRUE(std::isfinite(unit_normal(word, word).first));
    EXPECT_TRUE(std::isfinite(unit_normal(word, word).second));
  }
}

TEST(RandomStream, SkipsToWhereItStood) {
  RandomStream a(RandomKey(5));
  for (int i = 0; i < 6; ++i) a();
  RandomStream b(RandomKey(5));
  b.skip_to(a.position());
  for (int i = 0; i < 9; ++i) EXPECT_EQ(a(), b());
}

TEST(RandomStream, BelowIsInRangeAndEven) {
  RandomStream stream(RandomKey(1));
  std::array<int, 6> counts{};
  for (int i = 0; i < 60'000; ++i) ++counts.at(static_cast<size_t>(stream.below(6)));
  for (int count : counts) EXPECT_NEAR(count, 10'000, 400);
  EXPECT_THROW(stream.below(0), Error);
}

TEST(Random, PermutationHoldsEachNumberOnceAndRepeats) {
  auto order = permutation(RandomKey(9), 1000);
  EXPECT_EQ(order, permutation(RandomKey(9), 1000));
  EXPECT_NE(order, permutation(RandomKey(10), 1000));
  std::sort(order.begin(), order.end());
  for (int64_t i = 0; i < 1000; ++i) ASSERT_EQ(order[static_cast<size_t>(i)], i);
}

}  // namespace
}  // namespace tenon
