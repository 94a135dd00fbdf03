#include "tenon/base/cpu.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>

#include "tenon/base/error.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/base/strings.h"

namespace tenon {
namespace {

constexpr const char* kLimitVariable = "TENON_CPU";

InstructionSet instruction_set_of_processor() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return InstructionSet::avx512;
  if (__builtin_cpu_supports("x86-64-v3")) return InstructionSet::avx2;
#endif
  return InstructionSet::baseline;
}

std::string_view instruction_set_word() {
  const char* const word = std::getenv(kLimitVariable);
  return word == nullptr ? "native" : word;
}

// Whether the operating system saves the wide registers is already in the compiler's answer.
std::vector<std::string> detect_features() {
  std::vector<std::string> features;
#if defined(__x86_64__)
  const InstructionSet allowed = host_instruction_set();
  if (__builtin_cpu_supports("sse4.2")) features.emplace_back("sse4_2");
  if (allowed < InstructionSet::avx2 && instruction_set_is_limited()) return features;
  if (__builtin_cpu_supports("avx")) features.emplace_back("avx");
  if (__builtin_cpu_supports("avx2")) features.emplace_back("avx2");
  if (__builtin_cpu_supports("fma")) features.emplace_back("fma");
  if (allowed < InstructionSet::avx512 && instruction_set_is_limited()) return features;
  if (__builtin_cpu_supports("avx512f")) features.emplace_back("avx512f");
  if (__builtin_cpu_supports("avx512bw")) features.emplace_back("avx512bw");
  if (__builtin_cpu_supports("avx512dq")) features.emplace_back("avx512dq");
  if (__builtin_cpu_supports("avx512vl")) features.emplace_back("avx512vl");
  if (__builtin_cpu_supports("avx512vnni")) features.emplace_back("avx512_vnni");
  if (__builtin_cpu_supports("avx512bf16")) features.emplace_back("avx512_bf16");
#elif defined(__aarch64__)
  features.emplace_back("neon");
#endif
  return features;
}

// The value behind "key" in a file of "key : value" lines, or "".
std::string field(const char* path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || trim(std::string_view(line).substr(0, colon)) != key)
      continue;
    return std::string(trim(std::string_view(line).substr(colon + 1)));
  }
  return "";
}

uint64_t kib_field(const char* path, std::string_view key) {
  const std::string text = field(path, key);
  const auto kib = parse_int(text.substr(0, text.find(' ')));
  return kib && *kib > 0 ? static_cast<uint64_t>(*kib) * 1024 : 0;
}

// A file that holds one number; 0 when it does not ("max" in control groups).
uint64_t number_in(const char* path) {
  std::ifstream file(path);
  std::string text;
  file >> text;
  const auto number = parse_int(text);
  return number && *number > 0 ? static_cast<uint64_t>(*number) : 0;
}

// The number behind "key" in a file of "key number" lines, or 0.
uint64_t number_in(const char* path, std::string_view key) {
  std::ifstream file(path);
  uint64_t number = 0;
  for (std::string word; file >> word >> number;) {
    if (word == key) return number;
  }
  return 0;
}

// Where control groups keep their figures. Pages of files count as used, but give way; MemAvailable
// leaves them out, too.
struct GroupFiles {
  const char* root;
  const char* limit;
  const char* used;
  std::array<const char*, 2> file_pages;
};

constexpr GroupFiles kVersion1 = {"/sys/fs/cgroup/memory",
                                  "memory.limit_in_bytes",
                                  "memory.usage_in_bytes",
                                  {"total_active_file", "total_inactive_file"}};
constexpr GroupFiles kVersion2 = {
    "/sys/fs/cgroup", "memory.max", "memory.current", {"active_file", "inactive_file"}};

// What the limits of a group and of those above it leave; a container may see only the topmost.
uint64_t left_in_groups(const GroupFiles& files, std::string group) {
  uint64_t left = UINT64_MAX;
  for (;;) {
    const std::string folder = files.root + group + "/";
    if (const uint64_t limit = number_in((folder + files.limit).c_str()); limit > 0) {
      const uint64_t current = number_in((folder + files.used).c_str());
      uint64_t pages = 0;
      for (const char* key : files.file_pages)
        pages += number_in((folder + "memory.stat").c_str(), key);
      const uint64_t used = current > pages ? current - pages : 0;
      left = std::min(left, limit > used ? limit - used : 0);
    }
    if (group.empty()) return left;
    group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
  }
}

int usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)));
}

CpuInfo detect() {
  CpuInfo info;
  info.name = field("/proc/cpuinfo", "model name");
  if (info.name.empty()) {
#if defined(__x86_64__)
    info.name = "x86-64";
#elif defined(__aarch64__)
    info.name = "AArch64";
#else
    info.name = "unknown";
#endif
  }
  info.features = detect_features();
  info.logical_cpus = usable_cpus();
  return info;
}

}  // namespace

std::string_view name_of(InstructionSet set) {
  switch (set) {
    case InstructionSet::baseline:
      return "baseline";
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::avx512:
      return "avx512";
  }
  return "?";
}

InstructionSet allowed_instruction_set(std::string_view word) {
  const InstructionSet best = instruction_set_of_processor();
  if (word == "native") return best;
  std::vector<std::string> words = {"native"};
  for (const InstructionSet set :
       {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    words.emplace_back(name_of(set));
    if (word != name_of(set)) continue;
    if (set > best) {
      fail(ErrorCode::unsupported, "{} is {}, but this processor has {} at most", kLimitVariable,
           word, name_of(best));
    }
    return set;
  }
  fail(ErrorCode::invalid_argument, "{} is '{}'; {}", kLimitVariable, word, hint(word, words));
}

InstructionSet host_instruction_set() {
  static constinit MadeOnce<const InstructionSet> set;
  return set.get(
      [] { return new InstructionSet(allowed_instruction_set(instruction_set_word())); });
}

bool instruction_set_is_limited() { return instruction_set_word() != "native"; }

bool CpuInfo::has(std::string_view feature) const {
  return std::find(features.begin(), features.end(), feature) != features.end();
}

const CpuInfo& cpu_info() {
  static constinit MadeOnce<const CpuInfo> info;
  return info.get([] { return new CpuInfo(detect()); });
}

uint64_t total_memory() { return kib_field("/proc/meminfo", "MemTotal"); }

uint64_t available_memory() {
  uint64_t available = kib_field("/proc/meminfo", "MemAvailable");
  // Lines "number:controllers:/group"; version 2 has "0::/group".
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> parts = split(line, ':');
    if (parts.size() < 3) continue;
    const std::vector<std::string> controllers = split(parts[1], ',');
    if (parts[1].empty()) available = std::min(available, left_in_groups(kVersion2, parts[2]));
    if (std::find(controllers.begin(), controllers.end(), "memory") != controllers.end())
      available = std::min(available, left_in_groups(kVersion1, parts[2]));
  }
  return available;
}

}  // namespace tenon
