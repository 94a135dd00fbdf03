#pragma once

//   #include "tenon/base/strings.h"
//   given: void (*use_wide_vectors)();
//   const CpuInfo& cpu = cpu_info();
//   fmt::print("{} ({})\n", cpu.name, join(cpu.features, " "));
//   if (cpu.has("avx512f")) use_wide_vectors();
//   fmt::print("{} are free\n", format_bytes(available_memory()));

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

struct CpuInfo {
  std::string name;                   ///< "AMD EPYC 9R14", or the architecture when unknown
  std::vector<std::string> features;  ///< those that matter here, as /proc/cpuinfo spells them
  int logical_cpus = 1;               ///< that this process may use

  bool has(std::string_view feature) const;
};

/// Found out once.
const CpuInfo& cpu_info();

uint64_t total_memory();
/// What could be allocated now without swapping, within the limits of the control groups (cgroup
/// v1 and v2).
uint64_t available_memory();

}  // namespace tenon
