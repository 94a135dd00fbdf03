// The geometry of a convolution, as its rules and kernels need it.
//
//   ConvolutionGeometry g = convolution_geometry(node.attributes);
//   g.strides[0];                            // along the first spatial axis
//   g.output_extent(1, 28, 5);               // 24 without padding
#pragma once

#include "tenon/graph/attributes.h"

namespace tenon {

/// One entry per spatial axis. Output position o reads input position o * stride - padding_low +
/// k * dilation for each kernel position k.
struct ConvolutionGeometry {
  Integers strides, padding_low, padding_high, dilation;
  Dim groups = 1;  // symbolic if a batch of filters was merged into the groups

  size_t spatial_rank() const { return strides.size(); }
  Dim output_extent(size_t axis, const Dim& input, const Dim& kernel) const;
};

ConvolutionGeometry convolution_geometry(const Attributes& attributes);

}  // namespace tenon
