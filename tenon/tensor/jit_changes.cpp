#include "tenon/tensor/jit_changes.h"

#include <cxxabi.h>
#include <fmt/format.h>

#include <cstdlib>
#include <memory>

#include "tenon/base/log.h"

namespace tenon::detail {

namespace {

std::string readable(const char* type) {
  int status = 0;
  std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type, nullptr, nullptr, &status), &std::free);
  return name && status == 0 ? std::string(name.get()) : std::string(type);
}

std::string change_of(size_t index, const JitArgument& before, const JitArgument& now) {
  std::string what =
      now.shown.empty()
          ? fmt::format("what argument {} holds besides tensors changed", index)
          : fmt::format("argument {} changed from {} to {}", index, before.shown, now.shown);
  return what +
         "; C++ values are compiled in. A number that changes is an input where the function takes "
         "a Tensor (or auto) in its place, without Static; in a structure, make it a Tensor";
}

std::string change_of(const std::string& name, const Type& before, const Type& now) {
  return fmt::format(
      "argument '{}' changed from {} to {}, and the function decides by sizes or asks for them as "
      "numbers: call it with fewer different sizes, or pad to some",
      name, before.to_string(), now.to_string());
}

/// Between two calls; "" where they are of different kinds altogether.
std::string change_between(std::span<const JitArgument> before, std::span<const JitArgument> now,
                           std::span<const Type> types_before, std::span<const Type> types,
                           const std::vector<std::string>& names) {
  if (before.size() != now.size()) return "";
  for (size_t i = 0; i < now.size(); ++i) {
    if (before[i].structure != now[i].structure) return change_of(i, before[i], now[i]);
  }
  for (size_t i = 0; i < types.size() && types_before.size() == types.size(); ++i) {
    if (types_before[i] != types[i]) return change_of(names[i], types_before[i], types[i]);
  }
  return "no argument changed: versions that were compiled before were dropped for others, which "
         "JitOptions::max_versions bounds";
}

}  // namespace

std::string shown_number(double value) { return fmt::format("{}", value); }

void JitChanges::note(const JitRequest& request, std::span<const Type> types, size_t compilations) {
  if (warned_) return;
  std::vector<JitArgument> now = request.arguments();
  const std::vector<std::string> names = request.leaf_names();
  std::string warning;
  {
    std::scoped_lock lock(mutex_);
    if (warned_) return;
    if (compilations >= kManyCompilations) {
      std::string change = change_between(arguments_, now, types_, types, names);
      warned_ = !change.empty();
      if (warned_) {
        warning = fmt::format("jit: {} was compiled {} times. Last, {}",
                              readable(request.function_type), compilations, change);
      }
    }
    arguments_.swap(now);
    types_.assign(types.begin(), types.end());
  }
  if (!warning.empty()) log_warning("{}", warning);
}

}  // namespace tenon::detail
