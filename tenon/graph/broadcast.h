// How NumPy's broadcasting is written with reshape and the op broadcast, which only adds axes.
#pragma once

#include "tenon/graph/attributes.h"
#include "tenon/graph/type.h"

namespace tenon {

/// What `from` becomes without the axes of size 1 that are repeated, and where the others go.
struct BroadcastAxes {
  Shape kept;
  Integers dims;
};

/// `from` broadcasts to `to`.
BroadcastAxes broadcast_axes(const Shape& from, const Shape& to);

}  // namespace tenon
