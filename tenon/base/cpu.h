#pragma once

//   #include "tenon/base/strings.h"
//   given: void (*use_wide_vectors)();
//   const CpuInfo& cpu = cpu_info();
//   fmt::print("{} ({})\n", cpu.name, join(cpu.features, " "));
//   if (cpu.has("avx512f")) use_wide_vectors();
//   fmt::print("{}\n", name_of(host_instruction_set()));  // "avx512"; TENON_CPU=avx2 limits it
//   fmt::print("{} are free\n", format_bytes(available_memory()));

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

/// Vector instructions that generated code may use: those of every processor of the architecture
/// (SSE2, NEON), and on x86-64 also its levels 3 and 4.
enum class InstructionSet : uint8_t { baseline, avx2, avx512 };
std::string_view name_of(InstructionSet set);

/// The instruction set that a value of TENON_CPU allows on this processor: "native" is its best;
/// "avx512", "avx2" and "baseline" are those. Error invalid_argument for other words, unsupported
/// if the processor lacks it.
InstructionSet allowed_instruction_set(std::string_view word);
/// By TENON_CPU, which is read once, or "native" without it. It limits libraries, too.
InstructionSet host_instruction_set();
/// Whether TENON_CPU is set to something other than "native".
bool instruction_set_is_limited();

struct CpuInfo {
  std::string name;                   ///< "AMD EPYC 9R14", or the architecture when unknown
  std::vector<std::string> features;  ///< the relevant ones that TENON_CPU allows, as spelled in
                                      ///< /proc/cpuinfo
  int logical_cpus = 1;               ///< available to this process

  bool has(std::string_view feature) const;
};

/// Determined once.
const CpuInfo& cpu_info();

uint64_t total_memory();
/// The bytes that can be allocated now without swapping, within the limits of control groups
/// (cgroup v1 and v2).
uint64_t available_memory();

}  // namespace tenon
