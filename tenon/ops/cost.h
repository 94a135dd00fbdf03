// What computing one element of an elementwise call takes: the one measure of "cheap" that fusion,
// saved values of derivatives and hoisting share.
#pragma once

#include <cstddef>

#include "tenon/graph/graph.h"

namespace tenon {

/// More machine operations an element than this are stored rather than computed twice.
constexpr size_t kCheapOperations = 12;

/// Machine operations an element, as the op's `expand` writes them. The call is elementwise and has
/// an `expand`.
size_t operations_per_element(const Graph& graph, const Node& node);

/// Whether a call is computed again rather than kept: an index map of constants, a view, a
/// broadcast, or arithmetic of few operations.
bool is_cheap(const Graph& graph, const Node& node);

}  // namespace tenon
