#pragma once

// Copies a graph and replaces some of its nodes.
//
//   given: Graph graph; OpRegistry ops; NodeRewrite rewrite; const OpDef* softmax;
//   auto plain = inline_calls(graph, ops);      // only calls with remat=true are left
//   auto primitives = decompose(graph, ops);    // no composites, also inside regions
//   auto some = decompose(graph, ops, [&](const Node& n) { return n.op == softmax; });
//   auto other = rewrite_nodes(graph, ops, rewrite);

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "tenon/graph/build.h"

namespace tenon {

/// The values that replace the results of a node, or none to copy it unchanged.
using NodeRewrite = std::function<std::optional<std::vector<Value>>(
    Build& build, const Graph& graph, NodeId node, std::span<const Value> inputs)>;

/// Replacements must have the types of the results that they replace, and get the node's label.
std::unique_ptr<Graph> rewrite_nodes(const Graph& graph, const OpRegistry& ops,
                                     const NodeRewrite& rewrite);

/// Replaces `call` nodes with their bodies, also in regions. Calls that request
/// rematerialisation (remat=true) stay unless `remats` is set.
std::unique_ptr<Graph> inline_calls(const Graph& graph, const OpRegistry& ops, bool remats = false);

using NodePredicate = std::function<bool(const Node&)>;

/// Replaces the composites that `pick` selects (default: all) with their decompositions until none
/// is left, also in regions.
std::unique_ptr<Graph> decompose(const Graph& graph, const OpRegistry& ops,
                                 const NodePredicate& pick = nullptr);

/// The decomposition of one call.
std::vector<Value> decompose_call(Build& build, const Node& node, std::span<const Value> inputs);
/// The same as a graph of inputs of these types.
std::unique_ptr<Graph> decomposition_graph(const Node& node, std::span<const Type> inputs,
                                           const OpRegistry& ops);

}  // namespace tenon
