// The reference interpreter: runs a graph by the ops' own definitions, in double precision. Slow,
// obvious, and what everything faster is compared with.
//
//   auto graph = parse_graph("graph f(%x: f32[n]) -> (f32[n]) { … }", ops);
//   std::vector<Literal> y = interpret(*graph, {Literal::of<float>({2}, {1, 2})});
#pragma once

#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"

namespace tenon {

/// Composites run through their decomposition, made with `ops`. Throws Error where the inputs do
/// not fit the graph; `outer` are symbols known from around a region.
std::vector<RefArray> interpret(const Graph& graph, std::vector<RefArray> inputs,
                                const OpRegistry& ops = core_ops(), const SymbolValues& outer = {});

/// The same on host arrays; floating results are rounded to their dtype at the end only.
std::vector<Literal> interpret(const Graph& graph, const std::vector<Literal>& inputs,
                               const OpRegistry& ops = core_ops());

}  // namespace tenon
