// Calls that compute nothing. Private to runtime/.
#pragma once

#include "tenon/graph/graph.h"

namespace tenon {

/// Whether each result of the node is one of its inputs, in the same memory.
bool is_view(const Node& node);
/// The input that a result of a view is.
ValueId viewed(const Node& view, ValueId result);

}  // namespace tenon
