// The values of a graph's symbols, derived from the shapes of its inputs.
//
//   // graph f(%x: f32[batch,4], %y: f32[2*batch])
//   SymbolValues symbols = bind_symbols(f, {{8, 4}, {16}});     // batch is 8
//   f.type(output).shape.evaluate(symbols);                     // numbers
#pragma once

#include <span>
#include <vector>

#include "tenon/graph/graph.h"

namespace tenon {

/// Throws Error(shape_mismatch) that names the input and shows both sides if a shape does not fit
/// its type, Error(out_of_range) if a symbol exceeds its bounds. `outer` has the known values of
/// the graph that encloses a region.
SymbolValues bind_symbols(const Graph& graph, std::span<const std::vector<int64_t>> shapes,
                          const SymbolValues& outer = {});

/// The attributes with every dimension a number, in shapes.
Attributes evaluate_attributes(const Attributes& attributes, const SymbolValues& symbols);

/// Infers the types of a node again with numbers for symbols, which finds errors that were not
/// visible before, such as a slice beyond its axis. Regions of control flow are separate graphs and
/// are not entered. Throws like check_call.
void check_sizes(const Graph& graph, const Node& node, const SymbolValues& symbols);

}  // namespace tenon
