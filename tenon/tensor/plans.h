// Plans for sections of pending calls, found again by structure. Private to tensor/.
#pragma once

#include <memory>

#include "tenon/base/hash.h"
#include "tenon/runtime/executable.h"
#include "tenon/tensor/walk.h"

namespace tenon::detail {

/// What runs a section: the program takes its leaves, then `sizes`, arrays without elements whose
/// shapes say what no leaf tells.
struct Plan {
  std::shared_ptr<const Executable> program;
  std::vector<Buffer> sizes;
};
using PlanRef = std::shared_ptr<const Plan>;

/// Where a value of a section comes from: leaves, and results of calls.
uint64_t place_of(const Section& section, uint32_t value);

/// Equal for sections that compute the same outputs from inputs of the same types by the same ops.
/// Computed without building a graph: this is most of what a small op costs.
Hash128 structural_key(const Section& section, std::span<const uint32_t> outputs);

/// The kept plan of these outputs (values of the section), or a new one.
PlanRef plan_for(const Section& section, std::span<const uint32_t> outputs);

/// The one place where tensors meet the compiler.
std::shared_ptr<const Executable> make_plan(const Graph& graph, CompileOptions options = {});

}  // namespace tenon::detail
