#include "tenon/transform/scan_builder.h"

#include "tenon/base/error.h"
#include "tenon/transform/control_dependence.h"
#include "tenon/transform/subgraph.h"

namespace tenon::detail {

namespace {

/// Per value: whether computing `outputs` reads it.
Flags read_values(const Graph& graph, const std::vector<ValueId>& outputs) {
  std::vector<bool> needed = needed_nodes(graph, outputs);
  Flags read(graph.value_count(), false);
  for (ValueId output : outputs) read[output.index] = true;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    if (!needed[id]) continue;
    for (ValueId input : graph.node(id).inputs) read[input.index] = true;
  }
  return read;
}

}  // namespace

ScanBuilder::ScanBuilder(Build& outer, std::string name, Dim length, bool reverse)
    : outer_(outer),
      graph_(std::make_unique<Graph>(std::move(name))),
      body_(*graph_, outer.ops()),
      length_(std::move(length)),
      reverse_(reverse) {
  copy_symbol_bounds(*graph_, outer.graph());
}

Value ScanBuilder::add(std::vector<Input>& inputs, const char* prefix, Type type,
                       const Value& outside) {
  Value inside = body_.input(prefix + std::to_string(inputs.size()), std::move(type));
  inputs.push_back({inside, outside});
  return inside;
}

Value ScanBuilder::carry(const Value& initial) {
  next_.emplace_back();
  return add(carries_, "carry", initial.type(), initial);
}

Value ScanBuilder::x(const Value& array) {
  Type slice = array.type();
  slice.shape.erase(0);
  return add(xs_, "x", std::move(slice), array);
}

Value ScanBuilder::invariant(const Value& value) {
  return add(invariants_, "invariant", value.type(), value);
}

size_t ScanBuilder::y(const Value& value) {
  y_refs_.push_back(ys_.size());
  for (size_t i = 0; i < xs_.size(); ++i) {
    if (xs_[i].inside.id() == value.id()) y_refs_.back() = kArray + i;
  }
  for (size_t i = 0; i < ys_.size(); ++i) {
    if (ys_[i].id() == value.id()) y_refs_.back() = i;
  }
  if (y_refs_.back() == ys_.size()) ys_.push_back(value);
  return y_refs_.size() - 1;
}

Value ScanBuilder::stack(size_t y) const {
  size_t ref = y_refs_[y];
  return ref >= kArray ? xs_[ref - kArray].outside : results_[carries_.size() + ref];
}

void ScanBuilder::finish() {
  std::vector<ValueId> outputs;
  for (const Value& value : next_) {
    check(static_cast<bool>(value), "every carry of a scan has a next value");
    outputs.push_back(value.id());
  }
  for (const Value& value : ys_) outputs.push_back(value.id());
  Flags read = read_values(*graph_, outputs);

  Scan scan{.carries = carries_.size(), .length = length_, .reverse = reverse_};
  std::vector<ValueId> inputs;
  std::vector<Value> arguments;
  auto keep = [&](const Input& input) {
    inputs.push_back(input.inside.id());
    arguments.push_back(input.outside);
  };
  for (const Input& input : invariants_) {
    if (read[input.inside.id().index]) keep(input);
  }
  scan.constants = inputs.size();
  for (const Input& input : carries_) keep(input);
  for (const Input& input : xs_) {
    if (read[input.inside.id().index]) keep(input);
  }
  scan.xs = inputs.size() - scan.constants - scan.carries;
  scan.body = extract(*graph_, inputs, outputs, graph_->name());
  results_ = scan.emit(outer_, arguments);
}

}  // namespace tenon::detail
