#include "tenon/base/hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
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

// However much is added at once, and whether it fits the memory that a hasher has in itself.
TEST(Hash, PiecesHashAsTheWhole) {
  std::string bytes;
  for (size_t i = 0; i < 3000; ++i) bytes.push_back(static_cast<char>(i * i % 251));
  for (const uint64_t seed : {uint64_t{0}, uint64_t{7}}) {
    for (const size_t size : {0, 1, 240, 511, 512, 513, 1024, 1025, 3000}) {
      for (const size_t piece : {1, 3, 511, 512, 513, 3000}) {
        Hasher hasher(seed);
        for (size_t at = 0; at < size; at += piece)
          hasher.add_bytes(bytes.data() + at, std::min(piece, size - at));
        const Hasher copy = hasher;
        EXPECT_EQ(hasher.finish(), hash_bytes(bytes.data(), size, seed)) << size << " " << piece;
        EXPECT_EQ(copy.finish(), hasher.finish());
      }
    }
  }
}

TEST(Hash, SeedChangesTheHash) { EXPECT_NE(hash_bytes("x", 1, 0), hash_bytes("x", 1, 1)); }

TEST(Hash, IsAKeyForContainers) {
  std::unordered_set<Hash128> set{Hasher().add(1).finish(), Hasher().add(1).finish()};
  EXPECT_EQ(set.size(), 1u);
}

}  // namespace
}  // namespace tenon
