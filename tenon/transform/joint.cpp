#include "tenon/transform/joint.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/ops/cost.h"
#include "tenon/transform/reverse.h"
#include "tenon/transform/subgraph.h"
#include "tenon/transform/values.h"

namespace tenon::detail {

Joint::Joint(const Graph& f, const OpRegistry& ops, const Flags& wanted, const Flags& seeded) {
  PreparedGraph prepared(f, ops, wanted, seeded);
  Graph whole(f.name());
  copy_symbol_bounds(whole, f);
  Build build(whole, ops);
  std::vector<Value> arguments;
  for (size_t i = 0; i < f.inputs().size(); ++i) {
    arguments.push_back(build.input(f.input_names()[i], f.type(f.inputs()[i])));
  }
  std::vector<Value> seeds(f.outputs().size());
  for (size_t i = 0; i < seeds.size(); ++i) {
    if (!seeded[i]) continue;
    std::string name = unused_input_name(whole, "out" + std::to_string(i) + "'");
    seeds[i] = build.input(std::move(name), f.type(f.outputs()[i]));
  }
  ReverseWalk walk(build, prepared, arguments);
  std::vector<Value> results = walk.outputs();
  std::vector<Value> pulled = walk.pull(seeds);
  std::vector<ValueId> ids;
  for (const Value& value : results) ids.push_back(value.id());
  for (size_t i = 0; i < pulled.size(); ++i) {
    if (wanted[i] && pulled[i]) ids.push_back(pulled[i].id());
  }
  whole.set_outputs(std::move(ids));
  graph = prune(std::move(whole));

  size_t input = 0;
  for (; input < f.inputs().size(); ++input) inputs.push_back(graph->inputs()[input]);
  for (bool has_seed : seeded) {
    cotangents.push_back(has_seed ? graph->inputs()[input++] : ValueId());
  }
  size_t output = 0;
  for (; output < f.outputs().size(); ++output) outputs.push_back(graph->outputs()[output]);
  for (size_t i = 0; i < pulled.size(); ++i) {
    bool valid = wanted[i] && pulled[i];
    input_cotangents.push_back(valid ? graph->outputs()[output++] : ValueId());
  }
}

Flags depends_on(const Graph& graph, std::span<const ValueId> sources) {
  Flags depends(graph.value_count(), false);
  for (ValueId source : sources) {
    if (source.valid()) depends[source.index] = true;
  }
  for (const Node& node : graph.nodes()) {
    bool any = false;
    for (ValueId input : node.inputs) any = any || depends[input.index];
    for (ValueId output : node.outputs) depends[output.index] = depends[output.index] || any;
  }
  return depends;
}

int64_t estimated_bytes(const Type& type) {
  constexpr int64_t kAssumedSymbol = 64;
  Dim bytes = type.bytes();
  if (bytes.is_constant()) return bytes.constant();
  std::vector<std::string> names;
  bytes.collect_symbols(names);
  SymbolValues values;
  for (const std::string& name : names) values[name] = kAssumedSymbol;
  return bytes.evaluate(values);
}

namespace {

/// Decides from the last value to the first what to save: a value that is cheap to get from others
/// gives way to them where that takes fewer bytes.
class ResidualChoice {
 public:
  ResidualChoice(const Graph& graph, const Flags& free)
      : graph_(graph), free_(free), saved_(graph.value_count(), false) {
    cheap_.reserve(graph.node_count());
    for (const Node& node : graph.nodes()) cheap_.push_back(is_cheap(graph, node));
  }

  void add(ValueId value) {
    if (!free_[value.index]) saved_[value.index] = true;
  }

  std::vector<ValueId> choose() {
    for (size_t id = graph_.node_count(); id-- > 0;) {
      const Node& node = graph_.node(static_cast<NodeId>(id));
      if (!cheap_[id] || node.outputs.size() != 1) continue;
      ValueId value = node.outputs[0];
      if (!saved_[value.index]) continue;
      saved_[value.index] = false;
      std::vector<ValueId> missing = missing_for(node);
      int64_t bytes = 0;
      for (ValueId input : missing) bytes += estimated_bytes(graph_.type(input));
      bool pays = bytes < estimated_bytes(graph_.type(value));
      if (!pays) missing = {value};
      for (ValueId input : missing) saved_[input.index] = true;
    }
    std::vector<ValueId> result;
    for (uint32_t i = 0; i < saved_.size(); ++i) {
      if (saved_[i]) result.push_back({i});
    }
    return result;
  }

 private:
  /// Inputs that cannot be had cheaply from what is saved or free.
  std::vector<ValueId> missing_for(const Node& node) const {
    std::vector<ValueId> missing;
    for (ValueId input : node.inputs) {
      bool known = std::find(missing.begin(), missing.end(), input) != missing.end();
      if (!known && !is_obtainable(input, kMaxDepth)) missing.push_back(input);
    }
    return missing;
  }

  bool is_obtainable(ValueId value, int depth) const {
    if (saved_[value.index] || free_[value.index]) return true;
    NodeId producer = graph_.value(value).producer;
    if (depth == 0 || producer == kNoNode || !cheap_[producer]) return false;
    for (ValueId input : graph_.node(producer).inputs) {
      if (!is_obtainable(input, depth - 1)) return false;
    }
    return true;
  }

  static constexpr int kMaxDepth = 8;
  const Graph& graph_;
  const Flags& free_;
  Flags saved_;
  std::vector<bool> cheap_;
};

}  // namespace

std::vector<ValueId> choose_residuals(const Joint& joint, const Flags& free) {
  const Graph& graph = *joint.graph;
  Flags backward = depends_on(graph, joint.cotangents);
  ResidualChoice choice(graph, free);
  for (const Node& node : graph.nodes()) {
    // All results of a node run together, so one of them tells.
    if (node.outputs.empty() || !backward[node.outputs[0].index]) continue;
    for (ValueId input : node.inputs) {
      if (!backward[input.index]) choice.add(input);
    }
  }
  for (ValueId cotangent : joint.input_cotangents) {
    if (cotangent.valid() && !backward[cotangent.index]) choice.add(cotangent);
  }
  return choice.choose();
}

std::unique_ptr<Graph> forward_part(const Joint& joint, std::span<const ValueId> residuals) {
  std::vector<ValueId> outputs = joint.outputs;
  outputs.insert(outputs.end(), residuals.begin(), residuals.end());
  return extract(*joint.graph, joint.inputs, outputs, joint.graph->name());
}

std::unique_ptr<Graph> backward_part(const Joint& joint, std::span<const ValueId> saved) {
  std::vector<ValueId> inputs(saved.begin(), saved.end());
  for (ValueId cotangent : joint.cotangents) {
    if (cotangent.valid()) inputs.push_back(cotangent);
  }
  std::vector<ValueId> outputs;
  for (ValueId cotangent : joint.input_cotangents) {
    if (cotangent.valid()) outputs.push_back(cotangent);
  }
  return extract(*joint.graph, inputs, outputs, joint.graph->name() + "_backward");
}

}  // namespace tenon::detail
