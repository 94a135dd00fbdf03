#include "tenon/transform/rewrite.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/ops/control_flow.h"
#include "tenon/ops/opening.h"
#include "tenon/transform/subgraph.h"
#include "tenon/transform/values.h"

namespace tenon {

namespace {

void check_replacement(const Graph& graph, const Node& node, std::span<const Value> values) {
  bool same = values.size() == node.outputs.size();
  for (size_t i = 0; same && i < values.size(); ++i) {
    same = values[i].type() == graph.type(node.outputs[i]);
  }
  if (same) return;
  Error error(ErrorCode::internal,
              "what replaces " + detail::describe_call(graph, node) + " has other types");
  for (const Value& value : values) error.add_note(value.type().to_string());
  throw error;
}

/// Rewrites until nothing is left to rewrite: replacements may hold what has to be replaced again.
std::unique_ptr<Graph> rewrite_all(const Graph& graph, const OpRegistry& ops,
                                   const std::function<bool(const Node&)>& replaced,
                                   const NodeRewrite& rewrite) {
  auto result = rewrite_nodes(graph, ops, rewrite);
  for (size_t rounds = 1;; ++rounds) {
    const auto& nodes = result->nodes();
    const auto left = std::find_if(nodes.begin(), nodes.end(), replaced);
    if (left == nodes.end()) return result;
    if (left->op->kind == OpKind::composite) check_opening(*left->op, rounds);
    result = rewrite_nodes(*result, ops, rewrite);
  }
}

/// The node with `change` applied to its regions, or nothing where it has none.
std::optional<std::vector<Value>> rewrite_regions(
    Build& build, const Node& node, std::span<const Value> inputs,
    const std::function<std::unique_ptr<Graph>(const Graph&)>& change) {
  std::optional<Attributes> attributes = with_regions(node, change);
  if (!attributes) return std::nullopt;
  return build.call_multi(*node.op, inputs, std::move(*attributes));
}

}  // namespace

std::unique_ptr<Graph> rewrite_nodes(const Graph& graph, const OpRegistry& ops,
                                     const NodeRewrite& rewrite) {
  auto result = std::make_unique<Graph>(graph.name());
  copy_symbol_bounds(*result, graph);
  Build build(*result, ops);
  std::vector<ValueId> map(graph.value_count());
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    ValueId input = graph.inputs()[i];
    map[input.index] = result->add_input(graph.input_names()[i], graph.type(input));
  }
  std::vector<Value> inputs;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    inputs.clear();
    for (ValueId input : node.inputs) inputs.push_back(build.value(map[input.index]));
    build.set_label(node.label);
    std::optional<std::vector<Value>> values = rewrite(build, graph, id, inputs);
    if (!values) {
      copy_node(*result, graph, node, map);
      continue;
    }
    check_replacement(graph, node, *values);
    for (size_t i = 0; i < values->size(); ++i) map[node.outputs[i].index] = (*values)[i].id();
  }
  std::vector<ValueId> outputs;
  for (ValueId output : graph.outputs()) outputs.push_back(map[output.index]);
  result->set_outputs(std::move(outputs));
  result->set_output_names(graph.output_names());
  return result;
}

std::vector<Value> decompose_call(Build& build, const Node& node, std::span<const Value> inputs) {
  RuleContext context{build, node.attributes, inputs, {}};
  return node.op->decomposition(context);
}

std::unique_ptr<Graph> decomposition_graph(const Node& node, std::span<const Type> inputs,
                                           const OpRegistry& ops) {
  auto graph = std::make_unique<Graph>(node.op->name);
  Build build(*graph, ops);
  build.set_label(node.label);
  std::vector<Value> parameters;
  for (size_t i = 0; i < inputs.size(); ++i) {
    parameters.push_back(build.input("x" + std::to_string(i), inputs[i]));
  }
  std::vector<ValueId> outputs;
  for (const Value& value : decompose_call(build, node, parameters)) outputs.push_back(value.id());
  graph->set_outputs(std::move(outputs));
  return graph;
}

std::unique_ptr<Graph> decompose(const Graph& graph, const OpRegistry& ops,
                                 const NodePredicate& pick) {
  auto picked = [&](const Node& node) {
    return node.op->kind == OpKind::composite && (!pick || pick(node));
  };
  auto rewrite = [&](Build& build, const Graph& from, NodeId id, std::span<const Value> inputs) {
    const Node& node = from.node(id);
    if (picked(node)) return std::optional(decompose_call(build, node, inputs));
    return rewrite_regions(build, node, inputs,
                           [&](const Graph& region) { return decompose(region, ops, pick); });
  };
  return rewrite_all(graph, ops, picked, rewrite);
}

std::unique_ptr<Graph> inline_calls(const Graph& graph, const OpRegistry& ops, bool remats) {
  auto picked = [&](const Node& node) {
    return control_of(*node.op) == Control::call && (remats || !node.attributes.boolean("remat"));
  };
  auto rewrite = [&](Build& build, const Graph& from, NodeId id, std::span<const Value> inputs) {
    const Node& node = from.node(id);
    if (picked(node)) {
      return std::optional(build.inline_graph(*node.attributes.graph("body"), inputs));
    }
    return rewrite_regions(build, node, inputs,
                           [&](const Graph& region) { return inline_calls(region, ops, remats); });
  };
  return rewrite_all(graph, ops, picked, rewrite);
}

}  // namespace tenon
