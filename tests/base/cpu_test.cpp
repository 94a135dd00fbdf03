#include "tenon/base/cpu.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace tenon
