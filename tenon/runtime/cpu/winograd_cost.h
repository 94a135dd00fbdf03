// Which algorithm does a convolution of 3x3 in the least time. Private.
//
//   std::string why_not;
//   winograd_tile(problem, 8, why_not);      // 4 or 2, or 0 and why a direct sum is better
#pragma once

#include <string>

#include "tenon/runtime/cpu/convolution.h"

namespace tenon {

/// With vectors of so many lanes.
int winograd_tile(const ConvolutionProblem& problem, int lanes, std::string& why_not);

}  // namespace tenon
