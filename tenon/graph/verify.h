// Checks that a graph is well formed; the pass manager calls it on every graph it gets.
//
//   verify(graph);                           // throws Error(internal) that names the node
#pragma once

#include "tenon/graph/graph.h"

namespace tenon {

/// Inputs precede uses, every node's types are what its op infers, attributes fit the schema,
/// regions are well formed.
void verify(const Graph& graph);

}  // namespace tenon
