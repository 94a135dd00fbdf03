#include "tenon/base/cpu.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tenon/base/error.h"

namespace tenon {
namespace {

TEST(Cpu, InstructionSetsHaveNamesThatCanBeAskedFor) {
  const InstructionSet native = allowed_instruction_set("native");
  EXPECT_LE(host_instruction_set(), native);
  for (const InstructionSet set :
       {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    const std::string word(name_of(set));
    if (set <= native) {
      EXPECT_EQ(allowed_instruction_set(word), set);
      continue;
    }
    try {
      allowed_instruction_set(word);
      ADD_FAILURE() << "this processor has no " << word;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported);
    }
  }
}

TEST(Cpu, AnUnknownInstructionSetIsAnError) {
  for (const char* word : {"avx3", "", "AVX2"}) {
    try {
      allowed_instruction_set(word);
      ADD_FAILURE() << word;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_NE(std::string(error.what()).find("TENON_CPU"), std::string::npos) << error.what();
    }
  }
}

TEST(Cpu, FeaturesAreThoseOfTheInstructionSet) {
  const InstructionSet set = host_instruction_set();
  EXPECT_EQ(cpu_info().has("avx512f"), set == InstructionSet::avx512);
  if (set == InstructionSet::avx2) {
    EXPECT_TRUE(cpu_info().has("avx2") && cpu_info().has("fma"));
  }
  if (instruction_set_is_limited() && set == InstructionSet::baseline) {
    EXPECT_FALSE(cpu_info().has("avx"));
  }
}

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
