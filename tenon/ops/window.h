// The geometry of a window that slides over a tensor, as its rules and kernels need it.
//
//   WindowGeometry g = window_geometry(node.attributes);
//   g.window;                                // {1, 2, 2, 1} for 2x2 pooling of [batch, height,
//   width, channels] g.output_shape(x.shape());
#pragma once

#include "tenon/graph/attributes.h"

namespace tenon {

/// One entry an axis, size 1 for axes that are not pooled. Result position o covers input positions
/// o * stride - padding_low + k * dilation for k in [0, window).
struct WindowGeometry {
  Integers window, strides, padding_low, padding_high, dilation;

  Shape output_shape(const Shape& input) const;
  bool pads(size_t axis) const { return padding_low[axis] > 0 || padding_high[axis] > 0; }
};

WindowGeometry window_geometry(const Attributes& attributes);

}  // namespace tenon
