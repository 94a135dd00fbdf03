// Walks over pending calls, for evaluation and for tracing. Private to tensor/.
#pragma once

#include <limits>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/tensor/node.h"
#include "tenon/tensor/pointer_table.h"

namespace tenon::detail {

/// The pending calls of some tensors, in topological order, and the values that they read and make.
/// It belongs to the walking thread; nodes are only read, so any number of threads may walk over
/// them. The section keeps the calls alive, and with them the nodes that they read.
struct Section {
  static constexpr uint32_t kUnfinished = std::numeric_limits<uint32_t>::max();

  struct Value {
    const NodeRef* node;
    uint32_t index;     // in `leaves`, or of its call; kUnfinished where `limit` cut it off
    uint32_t uses = 0;  // by `calls`
    bool is_leaf = false;
    bool is_root = false;
  };
  struct Call {
    std::shared_ptr<PendingCall> call;
    uint32_t reached;        // one of its results, in `values`
    uint32_t first_operand;  // in `operands`; as many as it has inputs
    PendingCall* operator->() const { return call.get(); }
    PendingCall& operator*() const { return *call; }
  };

  std::vector<Value> values;
  std::vector<const NodeRef*> leaves;
  std::vector<Call> calls;
  std::vector<uint32_t> operands;  // in `values`
  std::vector<uint32_t> roots;     // in `values`
  bool complete = true;

  void clear();
  /// Whether one of `calls` computes it.
  bool computes(uint32_t value) const {
    return !values[value].is_leaf && values[value].index != kUnfinished;
  }
  std::span<const uint32_t> operands_of(const Call& call) const {
    return {operands.data() + call.first_operand, call->inputs.size()};
  }
  const Type& type_of(uint32_t value) const { return (*values[value].node)->type; }
  /// The indices of all calls, in the order in which the program made them.
  std::vector<uint32_t> program_order() const;

  // Working memory of `collect`, reused from walk to walk.
  struct Frame {
    std::shared_ptr<PendingCall> call;
    uint32_t result;  // in `values`
    uint32_t next;    // input
  };
  std::vector<Frame> stack;
  std::vector<uint32_t> met;  // inputs of the calls on the stack
  PointerTable table;
};

/// Collects what `roots` need down to evaluated nodes, arguments, and calls for which
/// `stops(node, call)` is true; at most `limit` calls, chosen so that none needs one that was left
/// out. Uses a loop instead of recursion, since chains may be very long.
template <class Stops>
void collect(Section& section, std::span<const NodeRef* const> roots, size_t limit,
             const Stops& stops) {
  section.clear();
  std::vector<Section::Frame>& stack = section.stack;

  auto meet = [&](const NodeRef& ref) -> uint32_t {
    bool added = false;
    auto id = static_cast<uint32_t>(section.values.size());
    id = section.table.add(ref.get(), id, added);
    if (!added) return id;
    std::shared_ptr<PendingCall> call = ref->pending();
    if (!call || stops(*ref, *call)) {
      section.values.push_back({&ref, static_cast<uint32_t>(section.leaves.size()), 0, true});
      section.leaves.push_back(&ref);
      return id;
    }
    section.values.push_back({&ref, Section::kUnfinished});
    if (call->result_count > 1) {
      // Another result of a call that was met before: the call is done, as it cannot need itself.
      uint32_t first = section.table.add(call.get(), id, added);
      if (!added) {
        section.values[id].index = section.values[first].index;
        return id;
      }
    }
    stack.push_back({std::move(call), id, 0});
    return id;
  };
  auto finish = [&] {
    Section::Frame& frame = stack.back();
    const size_t inputs = frame.call->inputs.size();
    section.values[frame.result].index = static_cast<uint32_t>(section.calls.size());
    auto first = section.met.end() - static_cast<std::ptrdiff_t>(inputs);
    for (auto operand = first; operand != section.met.end(); ++operand)
      ++section.values[*operand].uses;
    const auto first_operand = static_cast<uint32_t>(section.operands.size());
    section.operands.insert(section.operands.end(), first, section.met.end());
    section.met.erase(first, section.met.end());
    section.calls.push_back({std::move(frame.call), frame.result, first_operand});
    stack.pop_back();
  };
  for (const NodeRef* root : roots) {
    section.roots.push_back(meet(*root));
    section.values[section.roots.back()].is_root = true;
    while (!stack.empty()) {
      Section::Frame& frame = stack.back();
      if (frame.next < frame.call->inputs.size()) {
        // The stack may grow, but not the call's inputs.
        const NodeRef& input = frame.call->inputs[frame.next++];
        const uint32_t value = meet(input);
        section.met.push_back(value);
        continue;
      }
      if (section.calls.size() == limit) {
        section.complete = false;
        return;
      }
      finish();
    }
  }
}

/// Down to evaluated nodes.
inline void collect(Section& section, std::span<const NodeRef* const> roots, size_t limit) {
  collect(section, roots, limit, [](const TensorNode&, const PendingCall&) { return false; });
}

/// Appends the calls of a section to `graph`, in the given order (or in the section's). `leaves`
/// are the values that stand for its leaves. Returns the first result of each call; the others
/// follow it.
std::vector<ValueId> emit_calls(Graph& graph, const Section& section,
                                std::span<const ValueId> leaves,
                                std::span<const uint32_t> order = {});
ValueId value_of(const Section& section, uint32_t value, std::span<const ValueId> leaves,
                 std::span<const ValueId> calls);

}  // namespace tenon::detail
