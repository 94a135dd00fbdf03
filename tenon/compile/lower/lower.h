// From a fusion node to loop kernels.
//
//   Lowered lowered = lower_fusion(graph, node);
//   for (const Launch& launch : lowered.launches) print("{}\n", to_string(launch.kernel));
#pragma once

#include <vector>

#include "tenon/compile/fusion.h"
#include "tenon/compile/loop_ir.h"

namespace tenon {

/// One kernel and what its buffers are. Operands count the node's inputs, then its results, then
/// `temporaries`.
struct Launch {
  Kernel kernel;
  std::vector<uint32_t> operands;
  Dim extent;  // iterations of the parallel loop
};

struct Lowered {
  std::vector<Launch> launches;   // run in order
  std::vector<Type> temporaries;  // partial results between them
};

Lowered lower_fusion(const Graph& graph, const Node& fusion);

}  // namespace tenon
