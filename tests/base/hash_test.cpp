#include "tenon/base/hash.h"

#include <gtest/gtest.h>

#include <unordered_set>

namespace tenon {
namespace {

TEST(Hash, IsStableAcrossRunsAndMachines) {
  EXPECT_EQ(hash_bytes("", 0).hex(), "99aa06d3014798d86001c324468d497f");  // XXH128 of nothing
}

TEST(Hash, BoundariesBetweenStringsCount) {
  EXPECT_NE(Hasher().add("ab").add("c").finish(), Hasher().add("a").add("bc").finish());
}

TEST(Hash, IntegersHashByValueNotByWidth) {
  EXPECT_EQ(Hasher().add(int32_t{-5}).finish(), Hasher().add(int64_t{-5}).finish());
}

TEST(Hash, CopyContinuesIndependently) {
  Hasher a;
  a.add("prefix");
  Hasher b = a;
  EXPECT_EQ(a.finish(), b.finish());
  b.add(1.0);
  EXPECT_NE(a.finish(), b.finish());
}

TEST(Hash, SeedChangesTheHash) { EXPECT_NE(hash_bytes("x", 1, 0), hash_bytes("x", 1, 1)); }

TEST(Hash, IsAKeyForContainers) {
  std::unordered_set<Hash128> set{Hasher().add(1).finish(), Hasher().add(1).finish()};
  EXPECT_EQ(set.size(), 1u);
}

}  // namespace
}  // namespace tenon
