#include <fmt/format.h>

#include "cli/command.h"
#include "tenon/base/cpu.h"
#include "tenon/base/parallel.h"
#include "tenon/base/strings.h"
#include "tenon/base/version.h"

namespace tenon::cli {

std::string version_text() {
  const CpuInfo& cpu = cpu_info();
  std::string libraries;
  auto add = [&](bool built_with, std::string_view name, std::string_view use) {
    libraries += fmt::format("{}{} ({})", libraries.empty() ? "" : ", ", name,
                             built_with ? use : "left out of this build");
  };
  add(built_with_llvm(), TENON_LLVM_NAME, "generated kernels");
  add(built_with_onednn(), TENON_ONEDNN_NAME, "dots and convolutions");
  return fmt::format(
      "tenon {}\n"
      "cpu        {}\n"
      "features   {}\n"
      "threads    {} of {}\n"
      "memory     {} free of {}\n"
      "libraries  {}",
      version(), cpu.name, join(cpu.features, " "), thread_count(), cpu.logical_cpus,
      format_bytes(available_memory()), format_bytes(total_memory()), libraries);
}

}  // namespace tenon::cli
