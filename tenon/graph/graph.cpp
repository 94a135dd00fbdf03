#include "tenon/graph/graph.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/graph/op.h"

namespace tenon {

ValueId Graph::add_input(std::string name, Type type) {
  ValueId id{static_cast<uint32_t>(values_.size())};
  values_.push_back({std::move(type), kNoNode, static_cast<uint32_t>(inputs_.size())});
  inputs_.push_back(id);
  input_names_.push_back(std::move(name));
  return id;
}

NodeId Graph::add_node(const OpDef* op, Attributes attributes, ValueIds inputs,
                       std::vector<Type> output_types, std::string label) {
  auto id = static_cast<NodeId>(nodes_.size());
  for (ValueId input : inputs)
    check(input.index < values_.size(), "a node's inputs are values of its graph");
  ValueIds outputs;
  outputs.reserve(output_types.size());
  for (Type& type : output_types) {
    ValueId value{static_cast<uint32_t>(values_.size())};
    values_.push_back({std::move(type), id, static_cast<uint32_t>(outputs.size())});
    outputs.push_back(value);
  }
  nodes_.push_back(
      {op, std::move(attributes), std::move(inputs), std::move(outputs), std::move(label)});
  return id;
}

NodeId Graph::add_copy(const Graph& from, NodeId node, ValueIds inputs) {
  const Node& original = from.node(node);
  const auto id = static_cast<NodeId>(nodes_.size());
  for (ValueId input : inputs)
    check(input.index < values_.size(), "a node's inputs are values of its graph");
  ValueIds outputs;
  outputs.reserve(original.outputs.size());
  for (ValueId output : original.outputs) {
    ValueId value{static_cast<uint32_t>(values_.size())};
    values_.push_back({from.type(output), id, static_cast<uint32_t>(outputs.size())});
    outputs.push_back(value);
  }
  nodes_.push_back(
      {original.op, original.attributes, std::move(inputs), std::move(outputs), original.label});
  return id;
}

const Node* Graph::producer(ValueId id) const& {
  NodeId node = values_[id.index].producer;
  return node == kNoNode ? nullptr : &nodes_[node];
}

std::string Graph::describe(ValueId id) const {
  const Node* node = producer(id);
  if (!node) return input_names_[values_[id.index].output];
  if (!node->label.empty()) return node->label;
  // The number that the text form gives it, unless inputs have numbers for names.
  size_t number = value(id).output;
  for (NodeId i = 0; i < value(id).producer; ++i) number += nodes_[i].outputs.size();
  return "%" + std::to_string(number);
}

std::vector<Type> Graph::input_types() const {
  std::vector<Type> types;
  for (ValueId id : inputs_) types.push_back(type(id));
  return types;
}

std::vector<Type> Graph::output_types() const {
  std::vector<Type> types;
  for (ValueId id : outputs_) types.push_back(type(id));
  return types;
}

std::vector<std::string> Graph::symbols() const {
  std::vector<std::string> names;
  for (ValueId input : inputs_) {
    for (const Dim& dim : type(input).shape) dim.collect_symbols(names);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Hash128 Graph::structural_hash() const {
  Hasher hasher;
  auto add_type = [&hasher](const Type& type) {
    hasher.add(type.dtype).add(type.rank());
    for (const Dim& dim : type.shape) dim.hash(hasher);
  };
  // Values are numbered by first appearance, so that the numbering of the arena does not count.
  std::vector<uint32_t> number(values_.size(), 0);
  uint32_t next = 0;
  hasher.add(inputs_.size());
  for (ValueId input : inputs_) {
    number[input.index] = next++;
    add_type(type(input));
  }
  for (const Node& node : nodes_) {
    hasher.add(node.op->name);
    node.attributes.hash(hasher);
    hasher.add(node.inputs.size());
    for (ValueId input : node.inputs) hasher.add(number[input.index]);
    for (ValueId output : node.outputs) {
      number[output.index] = next++;
      add_type(type(output));
    }
  }
  hasher.add(outputs_.size());
  for (ValueId output : outputs_) hasher.add(number[output.index]);
  for (const auto& [symbol, bounds] : bounds_) {
    hasher.add(symbol).add(bounds.low).add(bounds.high.value_or(-1));
  }
  for (const DimCondition& condition : conditions_) hasher.add(condition.to_string());
  return hasher.finish();
}

}  // namespace tenon
