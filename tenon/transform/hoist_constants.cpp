#include "tenon/transform/hoist_constants.h"
#include "tenon/ops/cost.h"

#include <algorithm>

#include "tenon/transform/control_dependence.h"
#include "tenon/transform/joint.h"
#include "tenon/transform/subgraph.h"
#include "tenon/transform/values.h"

namespace tenon::detail {

UnchangedCarries::UnchangedCarries(const Graph& body, size_t constants, size_t carries)
    : constants_(constants) {
  for (size_t i = 0; i < constants; ++i) inputs_.push_back(i);
  std::vector<size_t> changed;
  for (size_t i = 0; i < body.inputs().size() - constants; ++i) {
    const size_t input = constants + i;
    const bool same = i < carries && body.outputs()[i] == body.inputs()[input];
    (same ? unchanged_ : changed).push_back(input);
  }
  inputs_.insert(inputs_.end(), unchanged_.begin(), unchanged_.end());
  inputs_.insert(inputs_.end(), changed.begin(), changed.end());
  for (size_t i = 0; i < body.outputs().size(); ++i) {
    if (!std::ranges::binary_search(unchanged_, constants + i)) outputs_.push_back(i);
  }
}

GraphRef UnchangedCarries::region(const Graph& graph, bool is_body) const {
  const size_t verdict[] = {0};
  return permuted(graph, inputs_, is_body ? std::span<const size_t>(outputs_) : verdict);
}

std::vector<Value> UnchangedCarries::pick(std::span<const Value> inputs) const {
  std::vector<Value> picked;
  for (size_t input : inputs_) picked.push_back(inputs[input]);
  return picked;
}

std::vector<Value> UnchangedCarries::restore(std::span<const Value> results,
                                             std::span<const Value> inputs) const {
  std::vector<Value> all(results.size() + unchanged_.size());
  for (size_t input : unchanged_) all[input - constants_] = inputs[input];
  for (size_t i = 0; i < results.size(); ++i) all[outputs_[i]] = results[i];
  return all;
}

namespace {

/// Values that a region computes from constants alone, are dear, and are read by what is not. Calls
/// with their own regions are left where they are: one might not end where it is never reached.
std::vector<ValueId> invariant_values(const Graph& region, size_t constants) {
  const Flags changed = depends_on(region, std::span(region.inputs()).subspan(constants));
  Flags leaves(region.value_count(), false);
  for (const Node& node : region.nodes()) {
    const bool stays = node.outputs.empty() || node.op->is_opaque || node.op->is_random ||
                       node.op->derivative_class == DerivativeClass::region ||
                       node.inputs.empty() || is_cheap(region, node);
    if (stays) continue;
    for (ValueId output : node.outputs) leaves[output.index] = !changed[output.index];
  }
  // What is computed in front itself reads no value that is handed in.
  Flags handed(region.value_count(), false);
  for (const Node& node : region.nodes()) {
    const bool in_front = !node.outputs.empty() && leaves[node.outputs[0].index];
    for (ValueId input : node.inputs) {
      if (!in_front && leaves[input.index]) handed[input.index] = true;
    }
  }
  for (ValueId output : region.outputs()) {
    if (leaves[output.index]) handed[output.index] = true;
  }
  std::vector<ValueId> values;
  for (uint32_t i = 0; i < handed.size(); ++i) {
    if (handed[i]) values.push_back({i});
  }
  return values;
}

/// Computed in front of the loop, from its constants.
std::vector<Value> emit_in_front(Build& build, const Graph& region, std::span<const ValueId> values,
                                 std::span<const Value> constants) {
  auto once =
      extract(region, std::span(region.inputs()).first(constants.size()), values, region.name());
  return build.inline_graph(*once, constants);
}

/// The region with further constants: `own` of its values, with `before` and `after` of other types
/// around them.
GraphRef with_constants(const Graph& region, size_t constants, std::span<const Type> before,
                        std::span<const ValueId> own, std::span<const Type> after) {
  Graph widened = region;
  std::vector<ValueId> inputs(region.inputs().begin(),
                              region.inputs().begin() + static_cast<std::ptrdiff_t>(constants));
  auto add = [&](std::span<const Type> types) {
    for (const Type& type : types)
      inputs.push_back(widened.add_input(unused_input_name(widened, "same"), type));
  };
  add(before);
  inputs.insert(inputs.end(), own.begin(), own.end());
  add(after);
  inputs.insert(inputs.end(), region.inputs().begin() + static_cast<std::ptrdiff_t>(constants),
                region.inputs().end());
  return extract(widened, inputs, widened.outputs(), region.name());
}

std::vector<Type> types_of(const Graph& graph, std::span<const ValueId> values) {
  std::vector<Type> types;
  for (ValueId value : values) types.push_back(graph.type(value));
  return types;
}

}  // namespace

std::optional<std::vector<Value>> hoist_from_while(Build& build, const Node& node,
                                                   std::span<const Value> inputs) {
  While loop = While::of(node);
  const UnchangedCarries same(*loop.body, loop.constants, loop.states());
  std::vector<Value> arguments(inputs.begin(), inputs.end());
  // A loop without states has no results.
  const bool settles = same.count() > 0 && same.count() < loop.states();
  if (settles) {
    loop = {.condition = same.region(*loop.condition, false),
            .body = same.region(*loop.body, true),
            .constants = loop.constants + same.count()};
    arguments = same.pick(inputs);
  }
  const std::vector<ValueId> of_condition = invariant_values(*loop.condition, loop.constants);
  const std::vector<ValueId> of_body = invariant_values(*loop.body, loop.constants);
  if (!settles && of_condition.empty() && of_body.empty()) return std::nullopt;

  const auto constants = std::span<const Value>(arguments).first(loop.constants);
  std::vector<Value> further = emit_in_front(build, *loop.condition, of_condition, constants);
  for (const Value& value : emit_in_front(build, *loop.body, of_body, constants))
    further.push_back(value);
  const std::vector<Type> condition_types = types_of(*loop.condition, of_condition);
  const std::vector<Type> body_types = types_of(*loop.body, of_body);
  const While hoisted{
      .condition = with_constants(*loop.condition, loop.constants, {}, of_condition, body_types),
      .body = with_constants(*loop.body, loop.constants, condition_types, of_body, {}),
      .constants = loop.constants + further.size()};
  arguments.insert(arguments.begin() + static_cast<std::ptrdiff_t>(loop.constants), further.begin(),
                   further.end());
  std::vector<Value> results = hoisted.emit(build, arguments);
  return settles ? same.restore(results, inputs) : results;
}

}  // namespace tenon::detail
