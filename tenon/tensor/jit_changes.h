// Finds what changes between the calls of a jitted function that is compiled again and again.
// Private to tensor/.
#pragma once

#include <atomic>
#include <span>
#include <string>
#include <vector>

#include "tenon/base/fork_safe_mutex.h"
#include "tenon/tensor/jit.h"

namespace tenon::detail {

/// Warns once, after kManyCompilations, and names the argument.
class JitChanges {
 public:
  static constexpr size_t kManyCompilations = 16;

  /// A call that no version fits.
  void note(const JitRequest& request, std::span<const Type> types, size_t compilations);

 private:
  ForkSafeMutex mutex_;
  std::atomic<bool> warned_ = false;
  std::vector<JitArgument> arguments_;
  std::vector<Type> types_;
};

}  // namespace tenon::detail
