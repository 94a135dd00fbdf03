// Walks over pending calls, for evaluation and for tracing. Private to tensor/.
#pragma once

#include <limits>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/tensor/node.h"

namespace tenon::detail {

/// The calls behind some tensors, in topological order, with marks set: a call's mark has its place
/// in `calls`, a leaf's its place in `leaves`.
struct Section {
  uint64_t walk = 0;
  std::vector<const NodeRef*> leaves;
  std::vector<PendingCall*> calls;
  std::vector<const NodeRef*> results;  // pending nodes met; mark.uses counts uses by `calls`
  bool complete = true;

  void clear();
  /// Puts the calls into the order in which the program made them.
  void sort_calls();
  bool is_leaf(const TensorNode& node) const { return !computes(node); }
  /// Whether one of `calls` computes it.
  bool computes(const TensorNode& node) const {
    return node.call && node.mark.walk == walk && node.call->mark.walk == walk &&
           node.call->mark.index != kUnfinished;
  }
  static constexpr uint32_t kUnfinished = std::numeric_limits<uint32_t>::max();
};

/// Collects what `roots` need down to nodes for which `is_leaf` holds; at most `limit` calls,
/// chosen so that none needs one that was left out. In a loop, since chains may be very long. Call
/// under walk_mutex(); the section is valid as long as the lock is held and the roots live.
template <class IsLeaf>
void collect(Section& section, std::span<const NodeRef* const> roots, size_t limit,
             const IsLeaf& is_leaf) {
  struct Frame {
    PendingCall* call;
    size_t next;
  };
  thread_local std::vector<Frame> stack;
  stack.clear();
  section.clear();
  section.walk = next_walk();
  const uint64_t walk = section.walk;

  auto meet = [&](const NodeRef& ref) {
    TensorNode& node = *ref;
    if (node.mark.walk != walk) {
      node.mark = {walk, 0, 0};
      if (is_leaf(node)) {
        node.mark.index = static_cast<uint32_t>(section.leaves.size());
        section.leaves.push_back(&ref);
        return;
      }
      section.results.push_back(&ref);
      node.call->reached = &node;
      if (node.call->mark.walk != walk) {
        node.call->mark = {walk, Section::kUnfinished, 0};
        stack.push_back({node.call.get(), 0});
      }
    }
  };
  for (const NodeRef* root : roots) {
    meet(*root);
    while (!stack.empty()) {
      Frame& frame = stack.back();
      PendingCall& call = *frame.call;
      if (frame.next < call.inputs.size()) {
        meet(call.inputs[frame.next++]);
        continue;
      }
      if (section.calls.size() == limit) {
        section.complete = false;
        return;
      }
      call.mark.index = static_cast<uint32_t>(section.calls.size());
      section.calls.push_back(&call);
      for (const NodeRef& input : call.inputs) ++input->mark.uses;
      stack.pop_back();
    }
  }
}

/// Appends the calls of a section to `graph`. `leaves` are the values that stand for its leaves.
/// Returns the first result of each call; the others follow it.
std::vector<ValueId> emit_calls(Graph& graph, const Section& section,
                                std::span<const ValueId> leaves);
ValueId value_of(const Section& section, const TensorNode& node, std::span<const ValueId> leaves,
                 std::span<const ValueId> calls);

}  // namespace tenon::detail
