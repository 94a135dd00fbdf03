// Values for inputs of a graph, checked before they are used.
//
//   BoundValues values = bound_values(graph, {{1, weights}}, {});
#pragma once

#include <map>

#include "tenon/runtime/executable.h"

namespace tenon {

/// By input of the graph. Sealed; equal values share their memory across the process.
using BoundValues = std::map<size_t, Literal>;

/// `known` and the given values. Errors as in Executable::bind_inputs.
BoundValues bound_values(const Graph& graph, const BoundInputs& given, BoundValues known);

}  // namespace tenon
