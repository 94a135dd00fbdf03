#include "tenon/transform/hoist.h"
#include "tenon/ops/cost.h"

#include <algorithm>
#include <optional>

#include "tenon/transform/batch.h"
#include "tenon/transform/control_dependence.h"
#include "tenon/transform/hoist_constants.h"
#include "tenon/transform/joint.h"
#include "tenon/transform/rewrite.h"
#include "tenon/transform/scan_builder.h"
#include "tenon/transform/subgraph.h"

namespace tenon {

using namespace detail;

namespace {

/// One scan, and what can leave its body.
class LoopHoist {
 public:
  LoopHoist(Build& build, const Scan& scan, std::span<const Value> inputs)
      : build_(build), scan_(scan), body_(*scan_.body), inputs_(inputs.begin(), inputs.end()) {
    std::span<const ValueId> of_body(body_.inputs());
    carried_ = depends_on(body_, of_body.subspan(scan_.constants, scan_.carries));
    stepped_ = depends_on(body_, of_body.subspan(scan_.constants + scan_.carries));
    find();
  }

  bool has_work() const { return !same_.empty() || !early_.empty() || !late_.empty(); }
  std::vector<Value> emit();

 private:
  struct Late {
    size_t y;
    ValueId value, stacked, invariant;
  };

  bool is_constant(ValueId value) const { return !carried_[value.index] && !stepped_[value.index]; }
  void find();
  void find_late();
  void emit_in_front();
  void emit_late(ScanBuilder& loop, std::vector<Value>& ys, const std::vector<size_t>& handles);

  Build& build_;
  Scan scan_;
  const Graph& body_;
  std::vector<Value> inputs_;
  Flags carried_, stepped_;
  std::vector<ValueId> same_;   // computed once in front
  std::vector<ValueId> early_;  // computed for all steps in front
  std::vector<Late> late_;      // computed for all steps behind
  std::vector<Value> same_values_, early_values_;
};

/// The operand of a dot that no step changes, where the other one does change.
std::optional<size_t> weight_operand(const Node& node, const std::function<bool(ValueId)>& same) {
  if (!node.op->is(CoreOp::dot)) return std::nullopt;
  bool lhs = same(node.inputs[0]);
  bool rhs = same(node.inputs[1]);
  if (lhs == rhs) return std::nullopt;
  return lhs ? 0 : 1;
}

void LoopHoist::find() {
  auto same = [&](ValueId value) { return is_constant(value); };
  for (const Node& node : body_.nodes()) {
    if (node.outputs.empty() || node.op->is_opaque) continue;
    ValueId value = node.outputs[0];
    if (is_constant(value)) {
      bool constant = node.inputs.empty();
      if (!constant && !is_cheap(body_, node)) {
        same_.insert(same_.end(), node.outputs.begin(), node.outputs.end());
      }
    } else if (!carried_[value.index] && weight_operand(node, same)) {
      early_.push_back(value);
    }
  }
  find_late();
}

void LoopHoist::find_late() {
  std::span<const ValueId> outputs(body_.outputs());
  std::vector<bool> carries_need = needed_nodes(body_, outputs.first(scan_.carries));
  auto same = [&](ValueId value) { return is_constant(value); };
  for (size_t i = scan_.carries; i < outputs.size(); ++i) {
    NodeId producer = body_.value(outputs[i]).producer;
    if (producer == kNoNode || carries_need[producer] || !carried_[outputs[i].index]) continue;
    const Node& node = body_.node(producer);
    std::optional<size_t> weight = weight_operand(node, same);
    if (!weight) continue;
    ValueId invariant = node.inputs[*weight];
    late_.push_back({i - scan_.carries, outputs[i], node.inputs[1 - *weight], invariant});
    bool given = body_.is_input(invariant);
    bool known = std::find(same_.begin(), same_.end(), invariant) != same_.end();
    if (!given && !known) same_.push_back(invariant);
  }
}

void LoopHoist::emit_in_front() {
  std::span<const ValueId> of_body(body_.inputs());
  std::span<const Value> given(inputs_);
  size_t constants = scan_.constants;
  auto once = extract(body_, of_body.first(constants), same_, body_.name());
  same_values_ = build_.inline_graph(*once, given.first(constants));

  std::vector<ValueId> sources(of_body.begin(),
                               of_body.begin() + static_cast<std::ptrdiff_t>(constants));
  std::vector<Batched> arguments;
  for (size_t i = 0; i < constants; ++i) arguments.push_back({inputs_[i], false});
  for (size_t i = constants + scan_.carries; i < scan_.inputs(); ++i) {
    sources.push_back(of_body[i]);
    arguments.push_back({inputs_[i], true});
  }
  for (size_t i = 0; i < same_.size(); ++i) {
    sources.push_back(same_[i]);
    arguments.push_back({same_values_[i], false});
  }
  auto each = extract(body_, sources, early_, body_.name());
  BatchScope scope{scan_.length, {}};
  for (const Batched& result : vmap_inline(build_, scope, *each, arguments)) {
    early_values_.push_back(scope.spread(result));
  }
}

std::vector<Value> LoopHoist::emit() {
  emit_in_front();
  ScanBuilder loop(build_, body_.name(), scan_.length, scan_.reverse);
  std::vector<ValueId> map(body_.value_count());
  for (size_t i = 0; i < scan_.inputs(); ++i) {
    Value inside = scan_.is_constant(i) ? loop.invariant(inputs_[i])
                   : scan_.is_x(i)      ? loop.x(inputs_[i])
                                        : loop.carry(inputs_[i]);
    map[body_.inputs()[i].index] = inside.id();
  }
  for (size_t i = 0; i < same_.size(); ++i) {
    map[same_[i].index] = loop.invariant(same_values_[i]).id();
  }
  for (size_t i = 0; i < early_.size(); ++i) {
    map[early_[i].index] = loop.x(early_values_[i]).id();
  }
  for (const Node& node : body_.nodes()) {
    bool outside = !node.outputs.empty() && map[node.outputs[0].index].valid();
    if (!outside) copy_node(loop.body().graph(), body_, node, map);
  }
  auto inside = [&](ValueId value) { return loop.body().value(map[value.index]); };
  for (size_t i = 0; i < scan_.carries; ++i) loop.set_next(i, inside(body_.outputs()[i]));
  std::vector<ValueId> given(body_.outputs().begin() + static_cast<std::ptrdiff_t>(scan_.carries),
                             body_.outputs().end());
  for (const Late& late : late_) given[late.y] = late.stacked;
  std::vector<size_t> handles;
  for (ValueId value : given) handles.push_back(loop.y(inside(value)));
  loop.finish();

  std::vector<Value> results;
  for (size_t i = 0; i < scan_.carries; ++i) results.push_back(loop.final_carry(i));
  std::vector<Value> ys;
  for (size_t handle : handles) ys.push_back(loop.stack(handle));
  emit_late(loop, ys, handles);
  results.insert(results.end(), ys.begin(), ys.end());
  return results;
}

void LoopHoist::emit_late(ScanBuilder& loop, std::vector<Value>& ys,
                          const std::vector<size_t>& handles) {
  for (const Late& late : late_) {
    Value weight;
    if (body_.is_input(late.invariant)) {
      weight = inputs_[body_.value(late.invariant).output];
    } else {
      auto found = std::find(same_.begin(), same_.end(), late.invariant);
      weight = same_values_[static_cast<size_t>(found - same_.begin())];
    }
    std::vector<ValueId> sources = {late.stacked, late.invariant};
    std::vector<ValueId> targets = {late.value};
    auto each = extract(body_, sources, targets, body_.name());
    BatchScope scope{scan_.length, {}};
    std::vector<Batched> arguments = {{loop.stack(handles[late.y]), true}, {weight, false}};
    ys[late.y] = vmap_inline(build_, scope, *each, arguments)[0].value;
  }
}

/// The results of a scan with what is the same in all steps, or can be made for all of them at
/// once, outside; nothing where nothing is.
std::optional<std::vector<Value>> hoist_from_scan(Build& build, const Node& node,
                                                  std::span<const Value> inputs) {
  Scan scan = Scan::of(node);
  const UnchangedCarries same(*scan.body, scan.constants, scan.carries);
  std::vector<Value> arguments(inputs.begin(), inputs.end());
  if (same.count() > 0) {
    scan.body = same.region(*scan.body, true);
    scan.constants += same.count();
    scan.carries -= same.count();
    arguments = same.pick(inputs);
  }
  LoopHoist hoist(build, scan, arguments);
  if (same.count() == 0 && !hoist.has_work()) return std::nullopt;
  if (scan.body->outputs().empty()) return same.restore({}, inputs);
  return same.restore(hoist.has_work() ? hoist.emit() : scan.emit(build, arguments), inputs);
}

bool has_regions(const Node& node) {
  for (const auto& [name, attribute] : node.attributes) {
    if (attribute.get_if<GraphRef>()) return true;
  }
  return false;
}

}  // namespace

std::unique_ptr<Graph> hoist_from_loops(const Graph& graph, const OpRegistry& ops) {
  if (std::none_of(graph.nodes().begin(), graph.nodes().end(), has_regions)) return nullptr;
  bool changed = false;
  auto rewrite = [&](Build& build, const Graph& from, NodeId id,
                     std::span<const Value> inputs) -> std::optional<std::vector<Value>> {
    Node node = from.node(id);
    bool inner = false;
    auto hoist = [&ops](const Graph& region) { return hoist_from_loops(region, ops); };
    if (auto attributes = with_regions(node, hoist)) {
      node.attributes = std::move(*attributes);
      inner = true;
    }
    changed = changed || inner;
    std::optional<std::vector<Value>> results;
    if (control_of(*node.op) == Control::scan) results = hoist_from_scan(build, node, inputs);
    if (control_of(*node.op) == Control::while_loop) {
      results = hoist_from_while(build, node, inputs);
    }
    changed = changed || results;
    if (results) return results;
    if (!inner) return std::nullopt;
    return build.call_multi(*node.op, inputs, node.attributes);
  };
  auto result = rewrite_nodes(graph, ops, rewrite);
  if (!changed) return nullptr;
  return prune(std::move(*result));
}

}  // namespace tenon
