// Lists of axes, as ops that work along some axes share them.
//
//   Integers axes = normalise_axes({-1, 0}, 3, "axes");     // {0, 2}
//   reduced_shape({2, 3, 4}, axes, true);                    // [1,3,1]
//   other_axes(axes, 3);                                     // {1}
#pragma once

#include <algorithm>
#include <string_view>

#include "tenon/base/error.h"
#include "tenon/graph/attributes.h"

namespace tenon {

inline bool has_axis(const Integers& axes, size_t axis) {
  return std::find(axes.begin(), axes.end(), static_cast<int64_t>(axis)) != axes.end();
}

/// From the start, ascending; an error that names `what` for an axis out of range or given twice.
inline Integers normalise_axes(Integers axes, size_t rank, std::string_view what) {
  for (int64_t& axis : axes) axis = static_cast<int64_t>(normalise_axis(axis, rank, what));
  std::sort(axes.begin(), axes.end());
  if (auto twice = std::adjacent_find(axes.begin(), axes.end()); twice != axes.end()) {
    fail(ErrorCode::invalid_argument, "{} has axis {} twice", what, *twice);
  }
  return axes;
}

/// Without the axes, or with size 1 in their place.
inline Shape reduced_shape(const Shape& shape, const Integers& axes, bool keep) {
  Shape result;
  for (size_t i = 0; i < shape.rank(); ++i) {
    if (!has_axis(axes, i)) result.push_back(shape[i]);
    if (has_axis(axes, i) && keep) result.push_back(Dim(1));
  }
  return result;
}

inline Integers other_axes(const Integers& axes, size_t rank) {
  Integers others;
  for (size_t i = 0; i < rank; ++i) {
    if (!has_axis(axes, i)) others.push_back(static_cast<int64_t>(i));
  }
  return others;
}

}  // namespace tenon
