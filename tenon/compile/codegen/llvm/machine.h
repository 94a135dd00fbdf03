#pragma once

// LLVM's optimiser and assembler for the processors of this build:
//
//   Machine machine(InstructionSet::avx512);
//   std::vector<std::byte> object = machine.compile(kernel, "kernel");
//
// Not thread-safe: use one per thread.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tenon/compile/codegen/codegen.h"

namespace tenon {

class Machine {
 public:
  explicit Machine(InstructionSet set);
  ~Machine();

  /// A relocatable object that defines `symbol`.
  std::vector<std::byte> compile(const Kernel& kernel, const std::string& symbol);

  /// Part of the key of cached objects: LLVM, the architecture and the emitter's sources.
  static std::string version();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tenon
