#pragma once

// Parts of graphs: the nodes that outputs need, or between two sets of values.
//
//   given: Graph graph; ValueId h, y;
//   auto small = prune(graph);                         // without the nodes that no output needs
//   std::vector<ValueId> from = {h}, to = {y};
//   auto part = extract(graph, from, to, "head");      // from h to y as a separate graph

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tenon/graph/graph.h"

namespace tenon {

/// The same graph without the nodes that no output needs. Inputs stay, used or not.
std::unique_ptr<Graph> prune(const Graph& graph);
std::unique_ptr<Graph> prune(Graph&& graph);

/// The part of `graph` that computes `outputs` from `inputs`, which may be any of its values; nodes
/// before them are omitted. Every graph input that the part reads must be among `inputs`.
std::unique_ptr<Graph> extract(const Graph& graph, std::span<const ValueId> inputs,
                               std::span<const ValueId> outputs, std::string name);

/// Appends `node` of `from` to `to` unchanged; `map` gives each value of `from` its value in `to`
/// and learns the results. The inputs keep their types, so nothing is inferred again.
void copy_node(Graph& to, const Graph& from, const Node& node, std::vector<ValueId>& map);

/// Appends all nodes of `from` to `to`, its inputs replaced by `inputs` of the same types. Returns
/// the map.
std::vector<ValueId> copy_nodes(Graph& to, const Graph& from, std::span<const ValueId> inputs);

/// Copies the bounds of the symbols of `from`, and its conditions.
void copy_symbol_bounds(Graph& to, const Graph& from);

/// Whether each node is needed for `outputs` if the `given` values are already computed.
std::vector<bool> needed_nodes(const Graph& graph, std::span<const ValueId> outputs,
                               std::span<const ValueId> given = {});

}  // namespace tenon
