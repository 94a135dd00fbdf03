// The geometry of a window that slides over a tensor, as its rules and kernels need it.
//
//   WindowGeometry g = window_geometry(node.attributes);
//   g.window;                     // {1, 2, 2, 1}: 2x2 pooling of [batch, height, width, channels]
//   g.output_shape(x.shape());
#pragma once

#include <span>

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

/// An attribute with one entry an axis. `least` is also what an empty list is filled with.
struct WindowList {
  const char* name;
  int64_t least;
};
inline constexpr WindowList kWindowLists[] = {
    {"window", 1}, {"strides", 1}, {"padding_low", 0}, {"padding_high", 0}, {"dilation", 1}};

/// What windows, strides, paddings and dilations may be at most: products of two fit 64 bits.
inline constexpr int64_t kMostInWindow = INT32_MAX;
/// Error out_of_range, naming the list, where one is more than that.
void check_window_list(const char* name, const Integers& list);

/// Fills the empty ones of these lists for so many axes, called `what` in errors, and checks them.
void normalise_lists(std::span<const WindowList> lists, Attributes& attributes, size_t axes,
                     const char* what = "axes");

}  // namespace tenon
