#include "tenon/tensor/walk.h"

#include <algorithm>
#include <numeric>

namespace tenon::detail {

void Section::clear() {
  constexpr size_t kMaxKept = 4096;
  // The memory of usual walks stays for the next one, but not that of a very long one.
  if (values.capacity() > kMaxKept || operands.capacity() > kMaxKept) *this = Section();
  values.clear();
  leaves.clear();
  calls.clear();
  operands.clear();
  roots.clear();
  stack.clear();
  met.clear();
  table.clear();
  complete = true;
}

std::vector<uint32_t> Section::program_order() const {
  std::vector<uint32_t> order(calls.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [this](uint32_t call) { return calls[call]->serial; });
  return order;
}

ValueId value_of(const Section& section, uint32_t value, std::span<const ValueId> leaves,
                 std::span<const ValueId> calls) {
  const Section::Value& known = section.values[value];
  if (known.is_leaf) return leaves[known.index];
  return ValueId{calls[known.index].index + (*known.node)->output};
}

namespace {

/// Types of all results, also of those that nobody holds any more.
std::vector<Type> result_types(const Graph& graph, const Section& section,
                               const Section::Call& call, std::span<const ValueId> inputs) {
  if (call->result_count == 1) return {section.type_of(call.reached)};
  std::vector<Type> types;
  for (ValueId input : inputs) types.push_back(graph.type(input));
  Attributes attributes = call->attributes;
  return check_call(*call->op, types, attributes, nullptr);
}

}  // namespace

std::vector<ValueId> emit_calls(Graph& graph, const Section& section,
                                std::span<const ValueId> leaves, std::span<const uint32_t> order) {
  std::vector<ValueId> firsts(section.calls.size());
  for (size_t i = 0; i < section.calls.size(); ++i) {
    const size_t at = order.empty() ? i : order[i];
    const Section::Call& call = section.calls[at];
    std::vector<ValueId> inputs;
    inputs.reserve(call->inputs.size());
    for (uint32_t operand : section.operands_of(call))
      inputs.push_back(value_of(section, operand, leaves, firsts));
    std::vector<Type> types = result_types(graph, section, call, inputs);
    NodeId node = graph.add_node(call->op, call->attributes, std::move(inputs), std::move(types),
                                 call->label);
    // Ops without results (none so far) would not be reached.
    firsts[at] = graph.node(node).outputs.front();
  }
  return firsts;
}

}  // namespace tenon::detail
