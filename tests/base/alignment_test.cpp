#include "tenon/base/alignment.h"

#include <gtest/gtest.h>

namespace tenon {
namespace {

TEST(Alignment, RoundsUpToMultiples) {
  EXPECT_EQ(round_up(int64_t{0}, kBufferAlignment), 0);
  EXPECT_EQ(round_up(size_t{1}, kBufferAlignment), 64u);
  EXPECT_EQ(round_up(size_t{64}, kBufferAlignment), 64u);
  EXPECT_EQ(round_up(int64_t{65}, kBufferAlignment), 128);
  EXPECT_EQ(round_up(33, 16), 48);
}

}  // namespace
}  // namespace tenon
