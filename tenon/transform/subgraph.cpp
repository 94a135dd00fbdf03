#include "tenon/transform/subgraph.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "tenon/base/error.h"
#include "tenon/graph/op.h"

namespace tenon {

void copy_node(Graph& to, const Graph& from, const Node& node, std::vector<ValueId>& map) {
  std::vector<ValueId> inputs;
  inputs.reserve(node.inputs.size());
  for (ValueId input : node.inputs) inputs.push_back(map[input.index]);
  std::vector<Type> types;
  types.reserve(node.outputs.size());
  for (ValueId output : node.outputs) types.push_back(from.type(output));
  NodeId copy =
      to.add_node(node.op, node.attributes, std::move(inputs), std::move(types), node.label);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    map[node.outputs[i].index] = to.node(copy).outputs[i];
  }
}

std::vector<ValueId> copy_nodes(Graph& to, const Graph& from, std::span<const ValueId> inputs) {
  check(inputs.size() == from.inputs().size(), "a copied graph is given all its inputs");
  std::vector<ValueId> map(from.value_count());
  for (size_t i = 0; i < inputs.size(); ++i) map[from.inputs()[i].index] = inputs[i];
  for (const Node& node : from.nodes()) copy_node(to, from, node, map);
  return map;
}

void copy_symbol_bounds(Graph& to, const Graph& from) {
  for (const auto& [symbol, bounds] : from.symbol_bounds()) to.set_symbol_bounds(symbol, bounds);
  for (const DimCondition& condition : from.conditions()) {
    const std::string text = condition.to_string();
    bool known = std::ranges::any_of(
        to.conditions(), [&](const DimCondition& other) { return other.to_string() == text; });
    if (!known) to.add_condition(condition);
  }
}

std::vector<bool> needed_nodes(const Graph& graph, std::span<const ValueId> outputs,
                               std::span<const ValueId> given) {
  std::vector<bool> is_given(graph.value_count(), false);
  for (ValueId value : given) is_given[value.index] = true;
  std::vector<bool> needed(graph.node_count(), false);
  auto need = [&](ValueId value) {
    NodeId producer = graph.value(value).producer;
    if (producer != kNoNode && !is_given[value.index]) needed[producer] = true;
  };
  for (ValueId output : outputs) need(output);
  for (size_t i = graph.node_count(); i-- > 0;) {
    if (!needed[i]) continue;
    for (ValueId input : graph.node(static_cast<NodeId>(i)).inputs) need(input);
  }
  return needed;
}

std::unique_ptr<Graph> prune(const Graph& graph) {
  auto pruned = extract(graph, graph.inputs(), graph.outputs(), graph.name());
  pruned->set_output_names(graph.output_names());
  return pruned;
}

/// Moves what the nodes own instead of copying it: most graphs are pruned right after they were
/// built.
std::unique_ptr<Graph> prune(Graph&& graph) {
  std::vector<bool> needed = needed_nodes(graph, graph.outputs());
  auto pruned = std::make_unique<Graph>(graph.name());
  copy_symbol_bounds(*pruned, graph);
  std::vector<ValueId> map(graph.value_count());
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    ValueId input = graph.inputs()[i];
    map[input.index] = pruned->add_input(graph.input_names()[i], graph.type(input));
  }
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    if (!needed[id]) continue;
    Node& node = graph.mutable_node(id);
    std::vector<Type> types;
    types.reserve(node.outputs.size());
    for (ValueId output : node.outputs) types.push_back(graph.type(output));
    for (ValueId& input : node.inputs) input = map[input.index];
    NodeId copy = pruned->add_node(node.op, std::move(node.attributes), std::move(node.inputs),
                                   std::move(types), std::move(node.label));
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      map[node.outputs[i].index] = pruned->node(copy).outputs[i];
    }
  }
  std::vector<ValueId> outputs;
  for (ValueId output : graph.outputs()) outputs.push_back(map[output.index]);
  pruned->set_outputs(std::move(outputs));
  pruned->set_output_names(graph.output_names());
  return pruned;
}

std::unique_ptr<Graph> extract(const Graph& graph, std::span<const ValueId> inputs,
                               std::span<const ValueId> outputs, std::string name) {
  std::vector<bool> needed = needed_nodes(graph, outputs, inputs);
  auto part = std::make_unique<Graph>(std::move(name));
  copy_symbol_bounds(*part, graph);
  std::vector<ValueId> map(graph.value_count());
  std::unordered_set<std::string> names;
  for (ValueId input : inputs) {
    const ValueInfo& info = graph.value(input);
    std::string input_name = graph.is_input(input) ? graph.input_names()[info.output]
                                                   : "v" + std::to_string(input.index);
    while (!names.insert(input_name).second) input_name += '\'';
    map[input.index] = part->add_input(std::move(input_name), info.type);
  }
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    if (!needed[id]) continue;
    const Node& node = graph.node(id);
    for (ValueId input : node.inputs) {
      check(map[input.index].valid(), "an extracted part reads only its inputs");
    }
    // A result that is given stays the input: the node runs for its other results.
    std::vector<ValueId> given(node.outputs.size());
    for (size_t i = 0; i < given.size(); ++i) given[i] = map[node.outputs[i].index];
    copy_node(*part, graph, node, map);
    for (size_t i = 0; i < given.size(); ++i) {
      if (given[i].valid()) map[node.outputs[i].index] = given[i];
    }
  }
  std::vector<ValueId> results;
  results.reserve(outputs.size());
  for (ValueId output : outputs) {
    check(map[output.index].valid(), "an extracted part computes its outputs");
    results.push_back(map[output.index]);
  }
  part->set_outputs(std::move(results));
  return part;
}

}  // namespace tenon
