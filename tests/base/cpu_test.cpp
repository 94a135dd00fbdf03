#include "tenon/base/cpu.h"

#include <gtest/gtest.h>

#include <fstream>

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

}  // namespace
}  // namespace tenon
