#include "tenon/base/cpu.h"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

namespace tenon {
namespace {

TEST(Cpu, KnowsItsNameAndThreads) {
  EXPECT_FALSE(cpu_info().name.empty());
  EXPECT_GE(cpu_info().logical_cpus, 1);
  EXPECT_FALSE(cpu_info().has("no such feature"));
}

TEST(Cpu, MemoryFiguresAreConsistent) {
  EXPECT_GT(total_memory(), 0u);
  EXPECT_LE(available_memory(), total_memory());
  EXPECT_GT(resident_bytes(), 0u);
  // The kernel batches its counters, so the two figures may differ by a little.
  EXPECT_GT(peak_resident_bytes() + (uint64_t{4} << 20), resident_bytes());
}

TEST(Cpu, ControlGroupsLimitWhatIsAvailable) {
  // The topmost group of either version; without one there is nothing to check.
  for (const char* path :
       {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"}) {
    uint64_t limit = UINT64_MAX;
    if (!(std::ifstream(path) >> limit)) continue;  // not there, or "max"
    EXPECT_LE(available_memory(), limit);
  }
}

TEST(Cpu, PeakGrowsWithUse) {
  const uint64_t before = peak_resident_bytes();
  std::vector<char> block(size_t{64} << 20, 1);
  EXPECT_GE(peak_resident_bytes(), before);
  EXPECT_GE(peak_resident_bytes(), block.size());
}

}  // namespace
}  // namespace tenon
