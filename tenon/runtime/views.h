// Calls of ops that state they are views: they compute nothing. Private to runtime/.
#pragma once

#include "tenon/graph/graph.h"

namespace tenon {

/// The input that a result of a view is.
ValueId viewed(const Node& view, ValueId result);

}  // namespace tenon
