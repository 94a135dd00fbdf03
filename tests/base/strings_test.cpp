#include "tenon/base/strings.h"

#include <gtest/gtest.h>

namespace tenon {
namespace {

TEST(Strings, SplitKeepsEmptyParts) {
  EXPECT_EQ(split("a..b", '.'), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(split("", '.'), std::vector<std::string>{""});
  EXPECT_EQ(join(split("encoder.0.weight", '.'), "/"), "encoder/0/weight");
}

TEST(Strings, TrimsAndParsesWholeNumbersOnly) {
  EXPECT_EQ(trim("  x y\t\n"), "x y");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(parse_int("-64"), -64);
  EXPECT_EQ(parse_int("64x"), std::nullopt);
  EXPECT_EQ(parse_int("+7"), 7);
  for (const char* text : {"+-7", "++7", "-+7", "+", "--7"})
    EXPECT_EQ(parse_int(text), std::nullopt) << text;
  EXPECT_EQ(parse_int(""), std::nullopt);
  EXPECT_EQ(parse_double("4e-3"), 4e-3);
  EXPECT_EQ(parse_double("fast"), std::nullopt);
}

TEST(Strings, EditDistanceCountsASwapOnce) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("rleu", "relu"), 1);
  EXPECT_EQ(edit_distance("", "abc"), 3);
}

TEST(Strings, SuggestsOnlyWhatIsNear) {
  EXPECT_EQ(suggest("learning_rte", {"momentum", "learning_rate"}), "learning_rate");
  EXPECT_EQ(suggest("optimizer", {"batch", "seed"}), "");
  const std::vector<std::string> known{"batch", "seed"};
  EXPECT_EQ(hint("bacth", known), "did you mean 'batch'?");
  EXPECT_EQ(hint("optimizer", known), "known: batch, seed");
}

TEST(Strings, OfManyNamesTheNearestAreShown) {
  std::vector<std::string> known;
  for (char c = 'a'; c <= 'z'; ++c) known.insert(known.end(), {std::string(6, c), {c, c}});
  EXPECT_EQ(hint("qqxy", known), "nearest of 52 that are known: qq, xx, yy, aa, bb, cc, dd, ee");
}

TEST(Strings, NumbersForPeople) {
  EXPECT_EQ(group_digits(41900), "41,900");
  EXPECT_EQ(group_digits(-1234567), "-1,234,567");
  EXPECT_EQ(group_digits(-123), "-123");
  EXPECT_EQ(format_bytes(512), "512 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(uint64_t{300} << 20), "300 MiB");
}

}  // namespace
}  // namespace tenon
