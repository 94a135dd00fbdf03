#pragma once

// Moves work out of loops: loop-invariant values, and products with weights that can be computed
// for all steps at once.
//
//   given: Graph graph; OpRegistry ops;
//   if (auto faster = hoist_from_loops(graph, ops)) graph = *faster;

#include <memory>

#include "tenon/graph/graph.h"
#include "tenon/graph/op.h"

namespace tenon {

/// For every `scan`, in regions too:
/// - loop-invariant values are computed once before the loop, unless they are cheap;
/// - a dot of a loop-invariant value with one that depends on the step's slices, but not on the
///   carries, becomes one dot over all steps before the loop (x W of a recurrent layer);
/// - a dot with a loop-invariant value that is only an output becomes one dot after the loop.
/// Carries that a scan or `while` passes on unchanged become its constants, and values that a
/// `while` would compute from constants in every step are computed before it.
/// Null if nothing changed.
std::unique_ptr<Graph> hoist_from_loops(const Graph& graph, const OpRegistry& ops);

}  // namespace tenon
