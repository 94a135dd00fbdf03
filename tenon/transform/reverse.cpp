#include "tenon/transform/reverse.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/graph/op.h"
#include "tenon/ops/control_flow.h"
#include "tenon/ops/opening.h"
#include "tenon/ops/value_functions.h"
#include "tenon/transform/rewrite.h"
#include "tenon/transform/subgraph.h"
#include "tenon/transform/values.h"

namespace tenon::detail {

namespace {

/// Values that lie between a wanted input and a seeded output.
Flags active_values(const Graph& f, const Flags& wanted, const Flags& seeded) {
  Flags active = reached_from(f, wanted);
  Flags useful = reaching(f, seeded);
  for (size_t i = 0; i < active.size(); ++i) active[i] = active[i] && useful[i];
  return active;
}

bool any_active(const Flags& active, const std::vector<ValueId>& values) {
  for (ValueId value : values) {
    if (active[value.index]) return true;
  }
  return false;
}

/// Composites that state no derivative of their own, and calls whose body may be seen through.
bool must_be_opened(const Node& node) {
  if (control_of(*node.op) == Control::call) return !node.attributes.boolean("remat");
  return node.op->derivative_class == DerivativeClass::decompose && !node.op->vjp;
}

}  // namespace

PreparedGraph::PreparedGraph(const Graph& f, const OpRegistry& ops, const Flags& wanted,
                             const Flags& seeded)
    : current_(&f) {
  for (size_t rounds = 1;; ++rounds) {
    active_ = active_values(*current_, wanted, seeded);
    auto opened = [&](const Node& node) {
      return must_be_opened(node) && any_active(active_, node.outputs);
    };
    const auto& nodes = current_->nodes();
    const auto first = std::find_if(nodes.begin(), nodes.end(), opened);
    if (first == nodes.end()) return;
    if (first->op->kind == OpKind::composite) check_opening(*first->op, rounds);
    auto open = [&](Build& build, const Graph& graph, NodeId id,
                    std::span<const Value> inputs) -> std::optional<std::vector<Value>> {
      const Node& node = graph.node(id);
      if (!opened(node)) return std::nullopt;
      if (node.op->decomposition) return decompose_call(build, node, inputs);
      return build.inline_graph(*node.attributes.graph("body"), inputs);
    };
    changed_ = rewrite_nodes(*current_, ops, open);
    current_ = changed_.get();
  }
}

ReverseWalk::ReverseWalk(Build& build, const PreparedGraph& prepared, std::span<const Value> inputs)
    : build_(build),
      f_(prepared.graph()),
      active_(prepared.active()),
      values_(f_.value_count()),
      region_pulls_(f_.node_count()) {
  for (size_t i = 0; i < inputs.size(); ++i) values_[f_.inputs()[i].index] = inputs[i].id();
  for (NodeId id = 0; id < f_.node_count(); ++id) emit(id);
}

void ReverseWalk::emit(NodeId id) {
  const Node& node = f_.node(id);
  bool active = any_active(active_, node.inputs) && any_active(active_, node.outputs);
  if (!active || node.op->derivative_class != DerivativeClass::region) {
    copy_node(build_.graph(), f_, node, values_);
    return;
  }
  std::vector<Value> inputs = values_of(node.inputs);
  LabelScope label(build_, node.label);
  RegionForward forward = forward_region(
      {build_, f_, node, inputs, pick(active_, node.inputs), pick(active_, node.outputs)});
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    values_[node.outputs[i].index] = forward.outputs[i].id();
  }
  region_pulls_[id] = std::move(forward.pull);
}

std::vector<Value> ReverseWalk::values_of(const std::vector<ValueId>& ids) const {
  std::vector<Value> values;
  values.reserve(ids.size());
  for (ValueId id : ids) values.push_back(build_.value(values_[id.index]));
  return values;
}

std::vector<Value> ReverseWalk::outputs() const { return values_of(f_.outputs()); }

std::vector<Value> ReverseWalk::pull(std::span<const Value> cotangents) {
  std::vector<Value> sums(f_.value_count());
  for (size_t i = 0; i < cotangents.size(); ++i) {
    ValueId output = f_.outputs()[i];
    if (active_[output.index])
      sums[output.index] = add_derivatives(sums[output.index], cotangents[i]);
  }
  std::vector<Value> of_outputs;
  for (size_t i = f_.node_count(); i-- > 0;) {
    const Node& node = f_.node(static_cast<NodeId>(i));
    of_outputs.clear();
    bool any = false;
    for (ValueId output : node.outputs) {
      of_outputs.push_back(rounded(sums[output.index], f_.type(output).dtype));
      any = any || of_outputs.back();
    }
    if (!any || !any_active(active_, node.inputs)) continue;
    LabelScope label(build_, derivative_label(node.label));
    const Pull& region = region_pulls_[i];
    std::vector<Value> of_inputs = region ? region(of_outputs) : pull_node(node, of_outputs);
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      ValueId input = node.inputs[k];
      if (!active_[input.index] || k >= of_inputs.size() || !of_inputs[k]) continue;
      check_cotangent(node, k, of_inputs[k]);
      sums[input.index] = add_derivatives(sums[input.index], of_inputs[k]);
    }
  }
  std::vector<Value> result;
  for (ValueId input : f_.inputs())
    result.push_back(rounded(sums[input.index], f_.type(input).dtype));
  return result;
}

std::vector<Value> ReverseWalk::pull_node(const Node& node, std::span<const Value> cotangents) {
  if (node.op->vjp) return pull_by_rule(node, cotangents);
  if (node.op->derivative_class == DerivativeClass::elementwise) {
    return pull_elementwise(node, cotangents[0]);
  }
  if (node.op->derivative_class == DerivativeClass::linear) return pull_linear(node, cotangents[0]);
  if (node.op->derivative_class == DerivativeClass::refused) fail_refused("vjp", f_, node);
  fail(ErrorCode::internal, "vjp: there is no reverse-mode rule for {}", describe_call(f_, node));
}

std::vector<Value> ReverseWalk::pull_elementwise(const Node& node, const Value& cotangent) {
  std::vector<Value> inputs = values_of(node.inputs);
  std::vector<Value> outputs = values_of(node.outputs);
  RuleContext context{build_, node.attributes, inputs, outputs};
  std::vector<Value> result = node.op->partials(context);
  for (size_t i = 0; i < result.size(); ++i) {
    bool wanted = active_[node.inputs[i].index];
    result[i] = wanted ? scaled(cotangent, result[i]) : Value();
  }
  return result;
}

std::vector<Value> ReverseWalk::pull_linear(const Node& node, const Value& cotangent) {
  std::vector<Value> inputs = values_of(node.inputs);
  std::vector<Value> outputs = values_of(node.outputs);
  std::vector<Value> result(inputs.size());
  for (size_t operand : node.op->linear_operands) {
    if (operand >= inputs.size() || !active_[node.inputs[operand].index]) continue;
    TransposeContext context{{build_, node.attributes, inputs, outputs}, cotangent, operand};
    result[operand] = node.op->transpose(context);
  }
  return result;
}

std::vector<Value> ReverseWalk::pull_by_rule(const Node& node, std::span<const Value> cotangents) {
  std::vector<Value> inputs = values_of(node.inputs);
  std::vector<Value> outputs = values_of(node.outputs);
  auto wanted = std::make_unique<bool[]>(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) wanted[i] = active_[node.inputs[i].index];
  VjpContext context{{build_, node.attributes, inputs, outputs},
                     cotangents,
                     std::span<const bool>(wanted.get(), inputs.size())};
  return node.op->vjp(context);
}

void ReverseWalk::check_cotangent(const Node& node, size_t input, const Value& cotangent) const {
  const Type& expected = f_.type(node.inputs[input]);
  if (cotangent.type() == expected) return;
  throw make_error(ErrorCode::internal,
                   "vjp: the cotangent of input {} of {} is {}, the input is {}", input,
                   describe_call(f_, node), cotangent.type().to_string(), expected.to_string());
}

std::vector<Value> vjp_inline(Build& build, const Graph& f, std::span<const Value> inputs,
                              std::span<const Value> cotangents, const Flags& wanted) {
  Flags seeded;
  for (const Value& cotangent : cotangents) seeded.push_back(static_cast<bool>(cotangent));
  PreparedGraph prepared(f, build.ops(), wanted, seeded);
  ReverseWalk walk(build, prepared, inputs);
  return walk.pull(cotangents);
}

}  // namespace tenon::detail
