// In: nodes that compute the same. Out: one of them (common subexpression elimination).
// Why: reverse mode and decompositions repeat cheap subexpressions; one kernel then serves all of
// them.
#include <bit>

#include "tenon/base/hash.h"
#include "tenon/compile/pass.h"
#include "tenon/compile/rewriter.h"

namespace tenon {

namespace {

/// The first node of each key: one table without an allocation for each.
class FirstNodes {
 public:
  explicit FirstNodes(size_t nodes)
      : mask_(std::bit_ceil(2 * nodes + 1) - 1), slots_(mask_ + 1, kNoNode), keys_(nodes) {}

  /// The node that had this key before, or `id` from now on.
  NodeId find_or_add(const Hash128& key, NodeId id) {
    size_t slot = key.low & mask_;
    while (slots_[slot] != kNoNode && keys_[slots_[slot]] != key) slot = (slot + 1) & mask_;
    if (slots_[slot] != kNoNode) return slots_[slot];
    slots_[slot] = id;
    keys_[id] = key;
    return id;
  }

 private:
  size_t mask_;
  std::vector<NodeId> slots_;
  std::vector<Hash128> keys_;  // by node
};

/// For each node the first one that computes the same: itself, mostly.
std::vector<NodeId> first_equals(const Graph& graph) {
  FirstNodes seen(graph.node_count());
  std::vector<NodeId> first(graph.node_count());
  std::vector<ValueId> same(graph.value_count());  // by value: the result of the first equal node
  for (ValueId input : graph.inputs()) same[input.index] = input;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    first[id] = id;
    if (!node.op->is_opaque) {
      Hasher hasher;
      hasher.add(node.op->name);
      node.attributes.hash(hasher);
      for (ValueId input : node.inputs) hasher.add(same[input.index].index);
      first[id] = seen.find_or_add(hasher.finish(), id);
    }
    const Node& equal = graph.node(first[id]);
    for (size_t i = 0; i < node.outputs.size(); ++i) same[node.outputs[i].index] = equal.outputs[i];
  }
  return first;
}

}  // namespace

std::unique_ptr<Graph> eliminate_common_subexpressions(const Graph& graph,
                                                       const PassContext& context) {
  const std::vector<NodeId> first = first_equals(graph);
  bool merged = false;
  for (NodeId id = 0; id < graph.node_count(); ++id) merged |= first[id] != id;
  if (!merged) return nullptr;
  Rewriter rewrite(graph, context.ops);
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    if (first[id] == id) {
      rewrite.keep(id);
      continue;
    }
    std::vector<Value> results;
    for (ValueId output : graph.node(first[id]).outputs) results.push_back(rewrite[output]);
    rewrite.replace(id, results);
  }
  return rewrite.finish();
}

}  // namespace tenon
