#pragma once

// Moves work out of loops: what is the same in every step, and products with weights that can be
// made for all steps at once.
//
//   given: Graph graph; OpRegistry ops;
//   if (auto faster = hoist_from_loops(graph, ops)) graph = *faster;

#include <memory>

#include "tenon/graph/graph.h"
#include "tenon/graph/op.h"

namespace tenon {

/// For every `scan`, in regions too:
/// - values that no step changes are computed once in front of the loop, unless they are cheap;
/// - a dot of a loop-invariant value with one that depends on the step's slices, not on what is
///   carried, becomes one dot over all steps in front of the loop (x W of a recurrent layer);
/// - a dot with a loop-invariant value that is only given out becomes one dot behind it.
/// Carries that a scan or `while` hands on as they are become its constants, and what a `while`
/// would compute from constants in every step is computed in front of it.
/// Null where there was nothing to do.
std::unique_ptr<Graph> hoist_from_loops(const Graph& graph, const OpRegistry& ops);

}  // namespace tenon
