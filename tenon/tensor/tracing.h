// Functions recorded as graphs, and graphs recorded as calls on tensors.
//
//   auto square_of = [](std::vector<Tensor> x) { return std::vector<Tensor>{x[0] * x[0]}; };
//   Type type = Type::parse("f32[batch]");
//   Traced traced = trace(square_of, {&type, 1});
//   traced.graph->conditions().empty();                // valid for all sizes
//   Tensor y = apply_graph(*traced.graph, std::vector<Tensor>{Tensor{1.0, 2.0}})[0];
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/tensor/detail/flat.h"

namespace tenon {

/// A function recorded as a graph. Its inputs are the arguments' leaves, then `captures`: tensors
/// from outside that the function uses.
struct Traced {
  GraphRef graph;
  std::vector<Tensor> captures;
};
/// `names` (one per argument, or none) are the arguments' names in errors and printed graphs.
Traced trace(const FlatFunction& f, std::span<const Type> arguments, std::string name = "traced",
             std::span<const std::string> names = {});
/// Records the nodes of `graph` as calls on `inputs`. Symbols of its input types may stand for the
/// numbers of concrete inputs.
std::vector<Tensor> apply_graph(const Graph& graph, std::span<const Tensor> inputs);

}  // namespace tenon
