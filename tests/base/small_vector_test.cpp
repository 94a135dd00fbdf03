#include "tenon/base/small_vector.h"

#include <gtest/gtest.h>

#include <string>

#include "tenon/base/random.h"
#include "tenon/base/stable_vector.h"

namespace tenon {
namespace {

using Small = SmallVector<std::string, 3>;

/// Longer than what a string holds in itself, so that a slip is a leak or a double free.
std::string element(uint64_t i) { return "element number " + std::to_string(i); }

// Any changes in any order leave what they leave in a plain vector.
TEST(SmallVector, IsAVector) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    RandomStream random{RandomKey(seed)};
    Small small;
    std::vector<std::string> plain;
    for (uint64_t i = 0; i < 60; ++i) {
      const auto at = static_cast<std::ptrdiff_t>(random.below(plain.size() + 1));
      const uint64_t kind = random.below(10);
      if (kind < 3) {
        small.push_back(element(i));
        plain.push_back(element(i));
      } else if (kind < 5) {
        small.insert(small.begin() + at, element(i));
        plain.insert(plain.begin() + at, element(i));
      } else if (kind < 8 && at < static_cast<std::ptrdiff_t>(plain.size())) {
        small.erase(small.begin() + at);
        plain.erase(plain.begin() + at);
      } else if (kind == 8) {
        Small copy = small, moved = std::move(small);
        EXPECT_TRUE(small.empty());
        EXPECT_TRUE(copy == moved);
        small = std::move(copy);
        moved = small;
        EXPECT_TRUE(moved == small);
      } else if (random.below(5) == 0) {
        small.clear();
        plain.clear();
      }
      ASSERT_EQ(std::vector<std::string>(small), plain) << seed;
      ASSERT_EQ(small.size(), plain.size());
    }
    EXPECT_TRUE(Small(plain) == small);
    EXPECT_TRUE(small == plain);
  }
}

TEST(SmallVector, TakesItsOwnElements) {
  Small small{element(0), element(1), element(2)};
  small.push_back(small[0]);  // grows meanwhile
  small.push_back(small.back());
  small.insert(small.begin(), small.back());
  EXPECT_EQ(std::vector<std::string>(small),
            (std::vector<std::string>{element(0), element(0), element(1), element(2), element(0),
                                      element(0)}));
  Small& same = small;
  small = same;
  EXPECT_EQ(small.size(), 6u);
}

TEST(StableVector, KeepsElementsWhereTheyAre) {
  StableVector<std::string> values;
  std::vector<const std::string*> places;
  for (uint64_t i = 0; i < 1000; ++i) places.push_back(&values.push_back(element(i)));
  for (uint64_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(&values[i], places[i]);
    EXPECT_EQ(values[i], element(i));
  }
}

TEST(StableVector, CopiesGrowOnTheirOwn) {
  StableVector<std::string> values;
  for (uint64_t i = 0; i < 21; ++i) values.push_back(element(i));
  StableVector<std::string> copy = values;
  const std::string* const last = &copy[20];
  for (uint64_t i = 21; i < 100; ++i) copy.push_back(element(i));
  EXPECT_EQ(&copy[20], last);
  EXPECT_EQ(values.size(), 21u);
  StableVector<std::string> moved = std::move(copy);
  EXPECT_EQ(&moved[20], last);
  ASSERT_EQ(moved.size(), 100u);
  EXPECT_EQ(moved[99], element(99));
  values = moved;
  EXPECT_EQ(values[99], element(99));
}

}  // namespace
}  // namespace tenon
