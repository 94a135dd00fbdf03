// Collectives look at the other participants along a mapped axis: examples of a vmap that names the
// axis, or processes.
//
//   given: Graph graph;
//   for (const Node& node : graph.nodes()) {
//     if (node.op->is_collective && !is_alone(node.attributes)) check_is_bound(*node.op, node.attributes);
//   }
#pragma once

#include "tenon/graph/op.h"

namespace tenon {

/// Whether the attributes of a collective say that there is one participant only.
bool is_alone(const Attributes& attributes);

/// Throws Error(not_found) unless there is one participant only: nothing that runs collectives has
/// bound the axis of a call that gets here.
void check_is_bound(const OpDef& op, const Attributes& attributes);

}  // namespace tenon
