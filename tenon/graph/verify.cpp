#include "tenon/graph/verify.h"

#include "tenon/base/error.h"
#include "tenon/graph/op.h"

namespace tenon {

namespace {

/// `inputs` is used for the types of its inputs.
void verify_node(const Graph& graph, NodeId id, std::vector<Type>& inputs) {
  const Node& node = graph.node(id);
  check(node.op != nullptr, "every node has an op");
  inputs.clear();
  for (ValueId input : node.inputs) {
    if (input.index >= graph.value_count())
      fail(ErrorCode::internal, "reads value {}, which does not exist", input.index);
    NodeId producer = graph.value(input).producer;
    if (producer != kNoNode && producer >= id) {
      fail(ErrorCode::internal, "reads {} before it is made", graph.describe(input));
    }
    inputs.push_back(graph.type(input));
  }
  Attributes attributes = node.attributes;
  std::vector<Type> inferred = check_call(*node.op, inputs, attributes, nullptr);
  if (inferred.size() != node.outputs.size()) {
    fail(ErrorCode::internal, "has {} results where its op infers {}", node.outputs.size(),
         inferred.size());
  }
  for (size_t i = 0; i < inferred.size(); ++i) {
    if (graph.type(node.outputs[i]) == inferred[i]) continue;
    fail(ErrorCode::internal, "result {} is {} where its op infers {}", i,
         graph.type(node.outputs[i]).to_string(), inferred[i].to_string());
  }
  if (attributes != node.attributes) {
    fail(ErrorCode::internal, "attributes {} are not in the canonical form {}",
         node.attributes.to_string(), attributes.to_string());
  }
  for (const auto& [name, attribute] : node.attributes) {
    if (auto* region = attribute.get_if<GraphRef>()) verify(**region);
  }
}

}  // namespace

void verify(const Graph& graph) {
  std::vector<Type> inputs;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    try {
      verify_node(graph, id, inputs);
    } catch (const Error& error) {
      const Node& node = graph.node(id);
      throw make_error(ErrorCode::internal, "graph '{}', node {} ({}{}{}): {}", graph.name(), id,
                       node.op->name, node.label.empty() ? "" : " @", node.label, error.message());
    }
  }
  for (ValueId output : graph.outputs()) {
    check(output.index < graph.value_count(), "the outputs of a graph are its values");
  }
}

}  // namespace tenon
