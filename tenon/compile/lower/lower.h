// Lowers a fusion node to loop kernels.
//
//   Lowered lowered = lower_fusion(node, default_schedule(node));
//   for (const Launch& launch : lowered.launches) print("{}\n", to_string(launch.kernel));
#pragma once

#include <vector>

#include "tenon/compile/fusion.h"
#include "tenon/compile/loop_ir.h"
#include "tenon/compile/schedule.h"

namespace tenon {

/// One kernel and its buffers. Operands are numbered: the node's inputs, then its results, then
/// `temporaries`.
struct Launch {
  Kernel kernel;
  std::vector<uint32_t> operands;
};

struct Lowered {
  std::vector<Launch> launches;   // run in order
  std::vector<Type> temporaries;  // partial results between them
};

/// Error invalid_argument if the schedule is not valid for this fusion.
Lowered lower_fusion(const Node& fusion, const Schedule& schedule);

}  // namespace tenon
