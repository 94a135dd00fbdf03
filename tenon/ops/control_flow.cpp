#include "tenon/ops/control_flow.h"

namespace tenon {

Control control_of(const OpDef& op) {
  if (!op.core) return Control::other;
  switch (*op.core) {
    case CoreOp::call:
      return Control::call;
    case CoreOp::cond:
      return Control::cond;
    case CoreOp::while_loop:
      return Control::while_loop;
    case CoreOp::scan:
      return Control::scan;
    case CoreOp::custom_vjp:
      return Control::custom_vjp;
    default:
      return Control::other;
  }
}

std::optional<Attributes> with_regions(
    const Node& node, const std::function<std::unique_ptr<Graph>(const Graph&)>& change) {
  std::optional<Attributes> attributes;
  for (const auto& [name, attribute] : node.attributes) {
    const GraphRef* region = attribute.get_if<GraphRef>();
    if (!region) continue;
    std::unique_ptr<Graph> changed = change(**region);
    if (!changed) continue;
    if (!attributes) attributes = node.attributes;
    attributes->set(name, GraphRef(std::move(changed)));
  }
  return attributes;
}

Scan Scan::of(const Node& node) { return of(node.attributes, node.inputs.size()); }

Scan Scan::of(const Attributes& attributes, size_t inputs) {
  auto constants = static_cast<size_t>(attributes.integer("constants"));
  auto carries = static_cast<size_t>(attributes.integer("carries"));
  return {.body = attributes.graph("body"),
          .constants = constants,
          .carries = carries,
          .xs = inputs - constants - carries,
          .length = attributes.shape("length")[0],
          .reverse = attributes.boolean("reverse")};
}

Attributes Scan::attributes() const {
  return {{"body", body},
          {"constants", static_cast<int64_t>(constants)},
          {"carries", static_cast<int64_t>(carries)},
          {"length", Shape{length}},
          {"reverse", reverse}};
}

std::vector<Value> Scan::emit(Build& build, std::span<const Value> inputs) const {
  return build.call_multi(build.ops().get("scan"), inputs, attributes());
}

While While::of(const Node& node) {
  return {.condition = node.attributes.graph("condition"),
          .body = node.attributes.graph("body"),
          .constants = static_cast<size_t>(node.attributes.integer("constants"))};
}

std::vector<Value> While::emit(Build& build, std::span<const Value> inputs) const {
  return build.call_multi(
      build.ops().get("while"), inputs,
      {{"condition", condition}, {"body", body}, {"constants", static_cast<int64_t>(constants)}});
}

Cond Cond::of(const Node& node) {
  return {node.attributes.graph("then"), node.attributes.graph("otherwise")};
}

std::vector<Value> Cond::emit(Build& build, const Value& predicate,
                              std::span<const Value> operands) const {
  std::vector<Value> inputs = {predicate};
  inputs.insert(inputs.end(), operands.begin(), operands.end());
  return build.call_multi(build.ops().get("cond"), inputs,
                          {{"then", then}, {"otherwise", otherwise}});
}

CustomVjp CustomVjp::of(const Node& node) {
  const Attributes& attributes = node.attributes;
  return {attributes.graph("primal"), attributes.graph("forward"), attributes.graph("backward")};
}

CustomVjp::Forward CustomVjp::inline_forward(Build& build, std::span<const Value> inputs) const {
  const std::vector<Value> all = build.inline_graph(*forward, inputs);
  const auto first_residual = all.begin() + static_cast<std::ptrdiff_t>(primal->outputs().size());
  return {{all.begin(), first_residual}, {first_residual, all.end()}};
}

std::vector<Value> CustomVjp::emit(Build& build, std::span<const Value> inputs) const {
  return build.call_multi(build.ops().get("custom_vjp"), inputs,
                          {{"primal", primal}, {"forward", forward}, {"backward", backward}});
}

}  // namespace tenon
