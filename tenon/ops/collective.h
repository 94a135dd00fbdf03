// Collectives communicate with the other participants along a mapped axis: examples of a vmap that
// names the axis, or processes.
//
//   given: Graph graph;
//   for (const Node& node : graph.nodes()) {
//     if (node.op->is_collective && !is_alone(node.attributes)) check_is_bound(*node.op, node.attributes);
//   }
#pragma once

#include "tenon/graph/op.h"

namespace tenon {

/// Whether the attributes of a collective declare a single participant.
bool is_alone(const Attributes& attributes);

/// Throws Error(not_found) unless there is a single participant: a call that gets here has an
/// unbound axis.
void check_is_bound(const OpDef& op, const Attributes& attributes);

}  // namespace tenon
