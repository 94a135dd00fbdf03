#include "tenon/graph/attributes.h"

#include <gtest/gtest.h>

namespace tenon {
namespace {

// Copies share their memory, which nobody may notice.
TEST(Attributes, CopiesChangeOnTheirOwn) {
  const Attributes original{{"keep", true}, {"axes", Integers{0, 1}}};
  Attributes changed = original, shorter = original, same = original;
  changed.set("axes", Integers{2});
  changed.set("name", "x");
  shorter.erase("keep");
  same.set("keep", true);
  EXPECT_EQ(original.to_string(), "{axes=[0,1], keep=true}");
  EXPECT_EQ(changed.to_string(), "{axes=[2], keep=true, name=\"x\"}");
  EXPECT_EQ(shorter.to_string(), "{axes=[0,1]}");
  EXPECT_TRUE(same == original);
  EXPECT_FALSE(changed == original);
}

TEST(Attributes, MayBeMadeOfAPartOfThemselves) {
  Attributes attributes{{"a", Integers{1, 2}}};
  attributes.set("b", *attributes.find("a"));
  attributes.set("a", *attributes.find("b"));
  EXPECT_EQ(attributes.to_string(), "{a=[1,2], b=[1,2]}");
  attributes = Attributes(attributes);
  Attributes moved = std::move(attributes);
  attributes = moved;
  EXPECT_TRUE(attributes == moved);
}

TEST(Attributes, OfNobodyAreEmpty) {
  Attributes none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.find("a"), nullptr);
  EXPECT_EQ(none.to_string(), "{}");
  EXPECT_TRUE(none.begin() == none.end());
  none.erase("a");
  EXPECT_TRUE(none == Attributes{});
}

}  // namespace
}  // namespace tenon
