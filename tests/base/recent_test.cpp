#include "tenon/base/recent.h"

#include <gtest/gtest.h>

#include <string>

#include "tenon/base/random.h"

namespace tenon {
namespace {

TEST(Recent, KeepsWhatWasUsedLast) {
  Recent<int, std::string> names(2);
  EXPECT_TRUE(names.insert(1, "one").empty());
  EXPECT_TRUE(names.insert(2, "two").empty());
  EXPECT_EQ(*names.find(1), "one");
  const auto gone = names.insert(3, "three");
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone.front().first, 2);
  EXPECT_EQ(names.find(2), nullptr);
  EXPECT_NE(names.find(1), nullptr);
  EXPECT_TRUE(names.insert(1, "uno").empty());
  EXPECT_EQ(*names.find(1), "uno");
}

TEST(Recent, OfNoCapacityKeepsNothing) {
  Recent<int, int> none(0);
  EXPECT_EQ(none.insert(1, 1).size(), 1u);
  EXPECT_EQ(none.find(1), nullptr);
}

// Against a list that is searched.
TEST(Recent, AgreesWithAPlainList) {
  RandomStream random(RandomKey(3));
  Recent<int64_t, int64_t> table(7);
  std::vector<std::pair<int64_t, int64_t>> plain;  // the last one was used last
  for (int64_t i = 0; i < 2000; ++i) {
    const auto key = static_cast<int64_t>(random.below(12));
    auto known = std::find_if(plain.begin(), plain.end(), [&](auto& e) { return e.first == key; });
    if (random.below(2) == 0) {
      int64_t* found = table.find(key);
      ASSERT_EQ(found != nullptr, known != plain.end());
      if (found) {
        ASSERT_EQ(*found, known->second);
        std::rotate(known, known + 1, plain.end());
      }
    } else {
      table.insert(key, i);
      if (known != plain.end()) plain.erase(known);
      plain.emplace_back(key, i);
      if (plain.size() > 7) plain.erase(plain.begin());
    }
    ASSERT_EQ(table.size(), plain.size());
  }
}

}  // namespace
}  // namespace tenon
