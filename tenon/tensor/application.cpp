#include "tenon/tensor/application.h"

#include <algorithm>

#include "tenon/graph/bind.h"
#include "tenon/ops/known_op.h"
#include "tenon/tensor/node.h"
#include "tenon/tensor/tracing.h"
#include "tenon/tensor/transforms.h"

namespace tenon {

namespace detail {

namespace {

/// A scalar constant as a number: plans then do not depend on its value.
Tensor number_of(const Literal& value) {
  NodeRef number = evaluated_node(Buffer::copy_of(value));
  number->is_number = true;
  number->is_fraction = is_floating(value.dtype());
  number->number = value.to_double(0);
  return Tensor(std::move(number));
}

/// Records one node whose inputs are known; `symbols` say what the graph's stand for, if they are
/// to be replaced.
void apply_node(const Graph& graph, const Node& node, std::vector<Tensor>& values,
                const SymbolValues* symbols = nullptr) {
  static constinit KnownOp constant("constant");
  if (node.op == &constant.get() && node.attributes.literal("value")->shape().empty()) {
    values[node.outputs[0].index] = number_of(*node.attributes.literal("value"));
    return;
  }
  std::vector<NodeRef> arguments;
  std::vector<Type> types;
  arguments.reserve(node.inputs.size());
  for (ValueId id : node.inputs) arguments.push_back(values[id.index].node());
  Attributes attributes =
      symbols ? evaluate_attributes(node.attributes, *symbols) : node.attributes;
  for (ValueId id : node.outputs) {
    types.push_back(graph.type(id));
    if (symbols) types.back().shape = Shape::of(types.back().shape.evaluate(*symbols));
  }
  std::vector<Tensor> results =
      record(*node.op, std::move(attributes), std::move(arguments), std::move(types),
             node.label.empty() ? current_label() : node.label);
  for (size_t i = 0; i < results.size(); ++i) values[node.outputs[i].index] = std::move(results[i]);
}

/// A constant that is a result has the dtype that the graph says, also next to tensors of others;
/// a number that was given stays one.
Tensor result_of(const Graph& graph, ValueId id, std::span<const Tensor> values) {
  const Tensor& value = values[id.index];
  bool is_constant =
      value.node()->is_number && std::ranges::find(graph.inputs(), id) == graph.inputs().end();
  return is_constant ? Tensor(evaluated_node(value.buffer())) : value;
}

bool all_known(const Node& node, std::span<const Tensor> values) {
  for (ValueId id : node.inputs) {
    if (!values[id.index].has_value()) return false;
  }
  return true;
}

}  // namespace

PartialApplication::PartialApplication(std::shared_ptr<const Graph> graph,
                                       std::span<const Tensor> known)
    : graph_(std::move(graph)), known_inputs_(known.size()), values_(graph_->value_count()) {
  for (size_t i = 0; i < known.size(); ++i) values_[graph_->inputs()[i].index] = known[i];
  std::vector<bool> needed(values_.size(), false);
  for (ValueId output : graph_->outputs()) needed[output.index] = true;
  for (const Node& node : graph_->nodes()) {
    if (all_known(node, values_)) {
      apply_node(*graph_, node, values_);
    } else {
      for (ValueId input : node.inputs) needed[input.index] = true;
    }
  }
  // Whatever has a handle is kept in memory when it is computed.
  for (size_t i = 0; i < values_.size(); ++i) {
    if (!needed[i]) values_[i] = Tensor();
  }
}

std::vector<Tensor> PartialApplication::known_outputs(size_t count) const {
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < count; ++i)
    outputs.push_back(result_of(*graph_, graph_->outputs()[i], values_));
  return outputs;
}

std::vector<Tensor> PartialApplication::finish(std::span<const Tensor> rest) const {
  std::vector<Tensor> values = values_;
  for (size_t i = 0; i < rest.size(); ++i)
    values[graph_->inputs()[known_inputs_ + i].index] = rest[i];
  for (const Node& node : graph_->nodes()) {
    bool done = values[node.outputs[0].index].has_value();
    if (!done && all_known(node, values)) apply_node(*graph_, node, values);
  }
  std::vector<Tensor> outputs;
  for (ValueId id : graph_->outputs()) outputs.push_back(result_of(*graph_, id, values));
  return outputs;
}

}  // namespace detail

std::vector<Tensor> apply_graph(const Graph& graph, std::span<const Tensor> inputs) {
  if (inputs.size() != graph.inputs().size())
    fail(ErrorCode::invalid_argument, "graph '{}' takes {} inputs, not {}", graph.name(),
         graph.inputs().size(), inputs.size());
  std::vector<Tensor> values(graph.value_count());
  bool same_types = true;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Type& type = graph.type(graph.inputs()[i]);
    if (inputs[i].dtype() != type.dtype)
      fail(ErrorCode::type_mismatch, "input '{}' of graph '{}' is {}, not {}",
           graph.input_names()[i], graph.name(), inputs[i].type().to_string(), type.to_string());
    values[graph.inputs()[i].index] = inputs[i];
    same_types = same_types && inputs[i].shape() == type.shape;
  }
  std::optional<SymbolValues> symbols;
  if (!same_types) {
    std::vector<std::vector<int64_t>> shapes;
    for (const Tensor& input : inputs) shapes.push_back(input.shape().constants());
    symbols = bind_symbols(graph, shapes);
  }
  for (const Node& node : graph.nodes())
    detail::apply_node(graph, node, values, symbols ? &*symbols : nullptr);
  std::vector<Tensor> outputs;
  for (ValueId id : graph.outputs()) outputs.push_back(detail::result_of(graph, id, values));
  return outputs;
}

}  // namespace tenon
