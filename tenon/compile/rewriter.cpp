#include "tenon/compile/rewriter.h"

#include "tenon/base/error.h"

namespace tenon {

Rewriter::Rewriter(const Graph& from, const OpRegistry& ops)
    : from_(from),
      to_(std::make_unique<Graph>(from.name())),
      build_(*to_, ops),
      map_(from.value_count()) {
  to_->reserve_nodes(from.node_count());
  for (size_t i = 0; i < from.inputs().size(); ++i) {
    ValueId old = from.inputs()[i];
    map_[old.index] = build_.input(from.input_names()[i], from.type(old));
  }
  for (const auto& [symbol, bounds] : from.symbol_bounds()) to_->set_symbol_bounds(symbol, bounds);
}

std::vector<Value> Rewriter::inputs_of(const Node& node) const {
  std::vector<Value> inputs;
  inputs.reserve(node.inputs.size());
  for (ValueId input : node.inputs) inputs.push_back(map_[input.index]);
  return inputs;
}

void Rewriter::keep(NodeId id) {
  const Node& node = from_.node(id);
  ValueIds inputs;
  inputs.reserve(node.inputs.size());
  for (ValueId input : node.inputs) inputs.push_back(map_[input.index].id());
  const NodeId copy = to_->add_copy(from_, id, std::move(inputs));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    map_[node.outputs[i].index] = build_.value(to_->node(copy).outputs[i]);
  }
}

void Rewriter::replace(NodeId id, const std::vector<Value>& outputs) {
  const Node& node = from_.node(id);
  check(outputs.size() == node.outputs.size(), "a replacement gives every result");
  for (size_t i = 0; i < outputs.size(); ++i) map_[node.outputs[i].index] = outputs[i];
}

std::unique_ptr<Graph> Rewriter::finish() {
  std::vector<ValueId> outputs;
  outputs.reserve(from_.outputs().size());
  for (ValueId output : from_.outputs()) outputs.push_back(map_[output.index].id());
  to_->set_outputs(std::move(outputs));
  to_->set_output_names(from_.output_names());
  return std::move(to_);
}

}  // namespace tenon
