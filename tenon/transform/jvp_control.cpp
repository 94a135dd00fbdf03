#include <algorithm>
#include <numeric>

#include "tenon/base/error.h"
#include "tenon/graph/op.h"
#include "tenon/transform/control_dependence.h"
#include "tenon/transform/forward.h"
#include "tenon/transform/reverse.h"
#include "tenon/transform/values.h"

namespace tenon::detail {

namespace {

Flags validity(std::span<const Value> values) {
  Flags flags;
  for (const Value& value : values) flags.push_back(static_cast<bool>(value));
  return flags;
}

/// `values`, then the tangents that are flagged (zeros for those that are invalid).
std::vector<Value> with_tangents(Build& build, std::span<const Value> values,
                                 std::span<const Value> tangents, const Flags& flagged) {
  std::vector<Value> all(values.begin(), values.end());
  for (size_t i = 0; i < values.size(); ++i) {
    if (flagged[i]) all.push_back(or_zeros(build, tangents[i], values[i].type()));
  }
  return all;
}

/// The other way round.
Tangents split_tangents(std::span<const Value> all, const Flags& flagged) {
  Tangents result;
  result.outputs.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(flagged.size()));
  result.tangents.resize(flagged.size());
  size_t next = flagged.size();
  for (size_t i = 0; i < flagged.size(); ++i) {
    if (flagged[i]) result.tangents[i] = all[next++];
  }
  return result;
}

/// Positions of groups of values, each group followed by its tangents, in a list of all values and
/// then all tangents. `groups` are the sizes of the groups.
std::vector<size_t> interleaved(const Flags& flagged, std::initializer_list<size_t> groups) {
  std::vector<size_t> tangent_at(flagged.size());
  size_t next = flagged.size();
  for (size_t i = 0; i < flagged.size(); ++i) {
    if (flagged[i]) tangent_at[i] = next++;
  }
  std::vector<size_t> order;
  size_t begin = 0;
  for (size_t size : groups) {
    for (size_t i = begin; i < begin + size; ++i) order.push_back(i);
    for (size_t i = begin; i < begin + size; ++i) {
      if (flagged[i]) order.push_back(tangent_at[i]);
    }
    begin += size;
  }
  return order;
}

template <class T>
std::vector<T> in_order(const std::vector<T>& items, std::span<const size_t> order) {
  std::vector<T> result;
  for (size_t i : order) result.push_back(items[i]);
  return result;
}

std::vector<Value> from_order(const std::vector<Value>& items, std::span<const size_t> order) {
  std::vector<Value> result(items.size());
  for (size_t i = 0; i < order.size(); ++i) result[order[i]] = items[i];
  return result;
}

Tangents push_call(const TangentCall& call) {
  const Attributes& attributes = call.node.attributes;
  GraphRef body = attributes.graph("body");
  if (!attributes.boolean("remat")) {
    return jvp_inline(call.build, *body, call.inputs, call.tangents);
  }
  Flags flagged = validity(call.tangents);
  Flags outputs = pick(reached_from(*body, flagged), body->outputs());
  Attributes changed = attributes;
  changed.set("body", GraphRef(jvp_region_graph(*body, call.build.ops(), flagged, outputs)));
  std::vector<Value> inputs = with_tangents(call.build, call.inputs, call.tangents, flagged);
  return split_tangents(call.build.call_multi(*call.node.op, inputs, changed), outputs);
}

Tangents push_cond(const TangentCall& call) {
  Cond cond = Cond::of(call.node);
  std::span<const Value> operands = call.inputs.subspan(1);
  std::span<const Value> tangents = call.tangents.subspan(1);
  Flags flagged = validity(tangents);
  Flags outputs = region_reached_from(call.node, validity(call.tangents));
  const OpRegistry& ops = call.build.ops();
  Cond pushed{jvp_region_graph(*cond.then, ops, flagged, outputs),
              jvp_region_graph(*cond.otherwise, ops, flagged, outputs)};
  std::vector<Value> inputs = with_tangents(call.build, operands, tangents, flagged);
  return split_tangents(pushed.emit(call.build, call.inputs[0], inputs), outputs);
}

Tangents push_scan(const TangentCall& call) {
  Scan scan = Scan::of(call.node);
  size_t first = scan.constants;
  Flags inputs = settle_forwards(*scan.body, first, scan.carries, validity(call.tangents));
  Flags outputs = pick(reached_from(*scan.body, inputs), scan.body->outputs());
  for (size_t i = 0; i < scan.carries; ++i) outputs[i] = inputs[first + i];

  auto input_order = interleaved(inputs, {scan.constants, scan.carries, scan.xs});
  auto output_order = interleaved(outputs, {scan.carries, scan.ys()});
  auto body = jvp_region_graph(*scan.body, call.build.ops(), inputs, outputs);
  auto counted = [&](size_t from, size_t size) {
    auto begin = inputs.begin() + static_cast<std::ptrdiff_t>(from);
    auto end = begin + static_cast<std::ptrdiff_t>(size);
    return size + static_cast<size_t>(std::count(begin, end, true));
  };
  Scan pushed{.body = permuted(*body, input_order, output_order),
              .constants = counted(0, scan.constants),
              .carries = counted(first, scan.carries),
              .xs = counted(first + scan.carries, scan.xs),
              .length = scan.length,
              .reverse = scan.reverse};
  std::vector<Value> values = with_tangents(call.build, call.inputs, call.tangents, inputs);
  std::vector<Value> results = pushed.emit(call.build, in_order(values, input_order));
  return split_tangents(from_order(results, output_order), outputs);
}

Tangents push_while(const TangentCall& call) {
  const While loop = While::of(call.node);
  Flags inputs =
      settle_forwards(*loop.body, loop.constants, loop.states(), validity(call.tangents));
  auto first_state = inputs.begin() + static_cast<std::ptrdiff_t>(loop.constants);
  Flags outputs(first_state, inputs.end());
  auto body = jvp_region_graph(*loop.body, call.build.ops(), inputs, outputs);
  // The condition sees the tangents, too, and ignores them.
  Graph condition = *loop.condition;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i]) continue;
    std::string name = unused_input_name(condition, condition.input_names()[i] + "'");
    condition.add_input(std::move(name), call.inputs[i].type());
  }
  auto order = interleaved(inputs, {loop.constants, loop.states()});
  std::vector<size_t> all_outputs(body->outputs().size());
  std::iota(all_outputs.begin(), all_outputs.end(), size_t{0});
  const size_t verdict[] = {0};
  const auto tangents = static_cast<size_t>(std::count(inputs.begin(), first_state, true));
  While pushed{.condition = permuted(condition, order, verdict),
               .body = permuted(*body, order, all_outputs),
               .constants = loop.constants + tangents};
  std::vector<Value> values = with_tangents(call.build, call.inputs, call.tangents, inputs);
  return split_tangents(pushed.emit(call.build, in_order(values, order)), outputs);
}

/// Forward mode that agrees with the user's reverse rule: `backward` is linear in the cotangents,
/// so its own vjp, taken anywhere, is the Jacobian applied to the tangents.
Tangents push_custom_vjp(const TangentCall& call) {
  Build& build = call.build;
  CustomVjp custom = CustomVjp::of(call.node);
  auto [outputs, arguments] = custom.inline_forward(build, call.inputs);
  Flags wanted(arguments.size(), false);
  for (const Value& output : outputs) {
    wanted.push_back(is_floating(output.dtype()));
    arguments.push_back(zeros_like(output));
  }
  std::vector<Value> pulled = vjp_inline(build, *custom.backward, arguments, call.tangents, wanted);
  Tangents result{std::move(outputs), {}};
  const auto count = static_cast<std::ptrdiff_t>(result.outputs.size());
  result.tangents.assign(pulled.end() - count, pulled.end());
  return result;
}

}  // namespace

Tangents jvp_region(const TangentCall& call) {
  switch (control_of(*call.node.op)) {
    case Control::call:
      return push_call(call);
    case Control::cond:
      return push_cond(call);
    case Control::scan:
      return push_scan(call);
    case Control::while_loop:
      return push_while(call);
    case Control::custom_vjp:
      return push_custom_vjp(call);
    case Control::other:
      break;
  }
  fail(ErrorCode::internal, "jvp: no rule for {}", describe_call(call.graph, call.node));
}

}  // namespace tenon::detail
