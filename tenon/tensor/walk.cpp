#include "tenon/tensor/walk.h"

#include <algorithm>

namespace tenon::detail {

void Section::clear() {
  leaves.clear();
  calls.clear();
  results.clear();
  complete = true;
}

void Section::sort_calls() {
  std::ranges::sort(calls, {}, &PendingCall::serial);
  for (size_t i = 0; i < calls.size(); ++i) calls[i]->mark.index = static_cast<uint32_t>(i);
}

ValueId value_of(const Section& section, const TensorNode& node, std::span<const ValueId> leaves,
                 std::span<const ValueId> calls) {
  if (!section.computes(node)) return leaves[node.mark.index];
  return ValueId{calls[node.call->mark.index].index + node.output};
}

namespace {

/// Types of all results, also of those that nobody holds any more.
std::vector<Type> result_types(const Graph& graph, const PendingCall& call,
                               std::span<const ValueId> inputs) {
  if (call.result_count == 1) return {call.reached->type};
  std::vector<Type> types;
  for (ValueId input : inputs) types.push_back(graph.type(input));
  Attributes attributes = call.attributes;
  return check_call(*call.op, types, attributes, nullptr);
}

}  // namespace

std::vector<ValueId> emit_calls(Graph& graph, const Section& section,
                                std::span<const ValueId> leaves) {
  std::vector<ValueId> firsts;
  firsts.reserve(section.calls.size());
  for (const PendingCall* call : section.calls) {
    std::vector<ValueId> inputs;
    inputs.reserve(call->inputs.size());
    for (const NodeRef& input : call->inputs)
      inputs.push_back(value_of(section, *input, leaves, firsts));
    std::vector<Type> types = result_types(graph, *call, inputs);
    NodeId node = graph.add_node(call->op, call->attributes, std::move(inputs), std::move(types),
                                 call->label);
    // Ops without results (none so far) would not be reached.
    firsts.push_back(graph.node(node).outputs.front());
  }
  return firsts;
}

}  // namespace tenon::detail
