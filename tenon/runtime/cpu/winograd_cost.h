// Chooses the fastest algorithm for a 3x3 convolution. Private.
//
//   std::string why_not;
//   winograd_tile(problem, 8, why_not);      // 4 or 2, or 0 and why a direct sum is better
#pragma once

#include <string>

#include "tenon/runtime/cpu/convolution.h"

namespace tenon {

/// `lanes`: of a vector.
int winograd_tile(const ConvolutionProblem& problem, int lanes, std::string& why_not);

}  // namespace tenon
