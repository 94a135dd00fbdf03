// A convolution, or the gradient of its input, as parts that can be done one by one. Private.
//
//   for (const ConvolutionPart& part : cut_convolution(problem)) ...   // disjoint results
#pragma once

#include <vector>

#include "tenon/runtime/cpu/convolution.h"

namespace tenon::detail {

/// Some images, or some rows of one image: a convolution of its own, with padding of its own.
struct ConvolutionPart {
  ConvolutionProblem problem;
  int64_t image = 0;             // the first one
  int64_t x_row = 0, y_row = 0;  // of the first spatial axis, the first of each that it reads or
                                 // writes
};

/// Parts of at least some tens of microseconds, which depend on the problem alone. Images are cut
/// where there are enough of them, else the first spatial axis of what is written.
std::vector<ConvolutionPart> cut_convolution(const ConvolutionProblem& problem);

}  // namespace tenon::detail
