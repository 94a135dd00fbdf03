#include "tenon/transform/reach.h"

#include "tenon/transform/control_dependence.h"

namespace tenon::detail {

bool passes_derivative(const OpDef& op, size_t input) {
  if (op.derivative_class == DerivativeClass::none) return false;
  if (op.derivative_class != DerivativeClass::linear) return true;
  for (size_t operand : op.linear_operands) {
    if (operand == input) return true;
  }
  return false;
}

Flags pick(const Flags& flags, const std::vector<ValueId>& values) {
  Flags picked;
  picked.reserve(values.size());
  for (ValueId value : values) picked.push_back(flags[value.index]);
  return picked;
}

Flags reached_from(const Graph& graph, const Flags& inputs) {
  Flags reached(graph.value_count(), false);
  auto mark = [&](ValueId value) {
    if (is_floating(graph.type(value).dtype)) reached[value.index] = true;
  };
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i]) mark(graph.inputs()[i]);
  }
  for (const Node& node : graph.nodes()) {
    if (node.op->derivative_class == DerivativeClass::region) {
      Flags outputs = region_reached_from(node, pick(reached, node.inputs));
      for (size_t i = 0; i < outputs.size(); ++i) {
        if (outputs[i]) mark(node.outputs[i]);
      }
      continue;
    }
    bool any = false;
    for (size_t i = 0; i < node.inputs.size() && !any; ++i) {
      any = reached[node.inputs[i].index] && passes_derivative(*node.op, i);
    }
    if (!any) continue;
    for (ValueId output : node.outputs) mark(output);
  }
  return reached;
}

Flags reaching(const Graph& graph, const Flags& outputs) {
  Flags reaching(graph.value_count(), false);
  auto mark = [&](ValueId value) {
    if (is_floating(graph.type(value).dtype)) reaching[value.index] = true;
  };
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i]) mark(graph.outputs()[i]);
  }
  for (size_t id = graph.node_count(); id-- > 0;) {
    const Node& node = graph.node(static_cast<NodeId>(id));
    bool any = false;
    for (ValueId output : node.outputs) any = any || reaching[output.index];
    if (!any) continue;
    bool region = node.op->derivative_class == DerivativeClass::region;
    Flags inputs;
    if (region) inputs = region_reaching(node, pick(reaching, node.outputs));
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (region ? inputs[i] : passes_derivative(*node.op, i)) mark(node.inputs[i]);
    }
  }
  return reaching;
}

}  // namespace tenon::detail
