// Values for inputs of a graph, checked before anything is made of them.
//
//   BoundValues values = bound_values(graph, {{1, weights}}, {});
#pragma once

#include <map>

#include "tenon/runtime/executable.h"

namespace tenon {

/// By input of the graph. Sealed; equal ones share their memory with all others of the process.
using BoundValues = std::map<size_t, Literal>;

/// `known` and the given ones. Errors as Executable::bind_inputs.
BoundValues bound_values(const Graph& graph, const BoundInputs& given, BoundValues known);

}  // namespace tenon
