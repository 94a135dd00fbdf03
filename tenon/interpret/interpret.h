// The reference interpreter: runs a graph by the ops' own definitions, in double precision. Slow
// and obvious; everything faster is compared with it.
//
//   auto graph = parse_graph("graph f(%x: f32[n]) -> (f32[n]) { … }", ops);
//   std::vector<Literal> y = interpret(*graph, {Literal::of<float>({2}, {1, 2})});
#pragma once

#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"

namespace tenon {

/// Composites run through their decomposition, made with `ops`. Throws Error if the inputs do not
/// fit the graph; `outer` has the symbols of the graph that encloses a region.
std::vector<RefArray> interpret(const Graph& graph, std::vector<RefArray> inputs,
                                const OpRegistry& ops = core_ops(), const SymbolValues& outer = {});

/// The same on host arrays; floating-point results are rounded to their dtype only at the end.
std::vector<Literal> interpret(const Graph& graph, const std::vector<Literal>& inputs,
                               const OpRegistry& ops = core_ops());

}  // namespace tenon
