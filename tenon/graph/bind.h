// What the symbols of a graph stand for, found from the shapes that it is called with.
//
//   // graph f(%x: f32[batch,4], %y: f32[2*batch])
//   SymbolValues symbols = bind_symbols(f, {{8, 4}, {16}});     // batch is 8
//   f.type(output).shape.evaluate(symbols);                     // numbers
#pragma once

#include <span>
#include <vector>

#include "tenon/graph/graph.h"

namespace tenon {

/// Throws Error(shape_mismatch) that names the input and shows both sides where a shape does not
/// fit its type, Error(out_of_range) where a symbol leaves its bounds. `outer` are values that are
/// known already (of the graph around a region).
SymbolValues bind_symbols(const Graph& graph, std::span<const std::vector<int64_t>> shapes,
                          const SymbolValues& outer = {});

/// The attributes with every dimension a number, in shapes.
Attributes evaluate_attributes(const Attributes& attributes, const SymbolValues& symbols);

/// Infers the types of a node once more with numbers for symbols, which shows what could not be
/// known before, such as a slice that reaches beyond its axis. The regions of control flow are
/// graphs of their own and are not entered. Throws as check_call does.
void check_sizes(const Graph& graph, const Node& node, const SymbolValues& symbols);

}  // namespace tenon
