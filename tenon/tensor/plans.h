// Plans for sections of pending calls, found again by structure. Private to tensor/.
#pragma once

#include <memory>

#include "tenon/base/hash.h"
#include "tenon/runtime/executable.h"
#include "tenon/tensor/walk.h"

namespace tenon::detail {

/// Equal for sections that compute the same outputs from inputs of the same types by the same ops.
/// Computed without building a graph: this is most of what a small op costs.
Hash128 structural_key(const Section& section, std::span<const NodeRef* const> outputs);

/// The one place where tensors meet the compiler.
std::shared_ptr<const Executable> make_plan(const Graph& graph, CompileOptions options = {});

}  // namespace tenon::detail
