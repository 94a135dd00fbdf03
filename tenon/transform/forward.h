#pragma once

// Forward mode as a walk: a graph is emitted together with the tangents of its values. Private to
// transform/.

#include <span>
#include <vector>

#include "tenon/graph/build.h"
#include "tenon/transform/reach.h"

namespace tenon::detail {

/// Values and their tangents; an invalid tangent is zero.
struct Tangents {
  std::vector<Value> outputs;
  std::vector<Value> tangents;
};

/// Emits `f` on inputs whose tangents are given.
Tangents jvp_inline(Build& build, const Graph& f, std::span<const Value> inputs,
                    std::span<const Value> tangents);

/// (inputs, tangents of flagged inputs) -> (outputs, tangents of flagged outputs), for regions.
std::unique_ptr<Graph> jvp_region_graph(const Graph& f, const OpRegistry& ops, const Flags& inputs,
                                        const Flags& outputs);

/// One call with regions as forward mode sees it.
struct TangentCall {
  Build& build;
  const Graph& graph;  // the graph that holds the call
  const Node& node;
  std::span<const Value> inputs;
  std::span<const Value> tangents;
};
Tangents jvp_region(const TangentCall& call);

}  // namespace tenon::detail
