// Plans for sections of pending calls, found again by structure. Private to tensor/.
#pragma once

#include <memory>

#include "tenon/base/hash.h"
#include "tenon/runtime/executable.h"
#include "tenon/tensor/walk.h"

namespace tenon::detail {

/// Runs a section. The program takes its leaves, then `sizes`: arrays without elements whose shapes
/// carry the sizes that no leaf has.
struct Plan {
  std::shared_ptr<const Executable> program;
  std::vector<Buffer> sizes;
};
using PlanRef = std::shared_ptr<const Plan>;

/// The origin of a section's value: a leaf, or a result of a call.
uint64_t place_of(const Section& section, uint32_t value);

/// Equal for sections that compute the same outputs from inputs of the same types by the same ops.
/// Computed without building a graph: this is most of the cost of a small op.
Hash128 structural_key(const Section& section, std::span<const uint32_t> outputs);

/// The cached plan for these outputs (values of the section), or a new one.
PlanRef plan_for(const Section& section, std::span<const uint32_t> outputs);

/// The only place where tensors call the compiler.
std::shared_ptr<const Executable> make_plan(const Graph& graph, CompileOptions options = {});

}  // namespace tenon::detail
