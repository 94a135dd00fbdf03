// In: transcendental functions whose results the way back reads again long after the way forward
// did. Out: the same computed a second time for the late readers, where everything that it is
// computed from is kept for them anyway.
// Why: such a result would be held in memory across all the products in between (the tanh of every
// GELU of a transformer), and computing it again costs less than writing and reading it. Comes
// after equal nodes are merged, which would undo it. Source: Chen, Xu, Zhang, Guestrin, "Training
// Deep Nets with Sublinear Memory Cost" (2016).
#include <algorithm>
#include <map>
#include <set>

#include "tenon/compile/fusion.h"
#include "tenon/compile/pass.h"
#include "tenon/compile/rewriter.h"

namespace tenon {

namespace {

/// Reads before and after so many library calls are far apart.
constexpr size_t kFarApart = 2;
/// Smaller values cost no memory worth speaking of.
constexpr int64_t kSmallest = 4096;
/// Cheap operations that are followed to see what a value is computed from.
constexpr int kMostSteps = 32;

class Rematerialiser {
 public:
  Rematerialiser(const Graph& graph, const PassContext& context)
      : graph_(graph),
        context_(context),
        users_(graph.value_count()),
        is_stored_(graph.value_count(), false),
        last_read_(graph.value_count(), 0) {
    CostModel model;
    size_t calls = 0;
    for (NodeId id = 0; id < graph.node_count(); ++id) {
      const Node& node = graph.node(id);
      const bool call = node.op->is_opaque || context.oracle.has_kernel(graph, node);
      costs_.push_back(call ? NodeCost::kernel : model.cost(graph, node));
      calls += costs_.back() == NodeCost::kernel;
      calls_before_.push_back(calls);
      for (ValueId input : node.inputs) {
        users_[input.index].push_back(id);
        if (costs_.back() == NodeCost::kernel) is_stored_[input.index] = true;
      }
    }
    for (ValueId output : graph.outputs()) is_stored_[output.index] = true;
    for (NodeId id = static_cast<NodeId>(graph.node_count()); id-- > 0;) {
      const NodeId last = is_fused(id) ? std::max(id, last_read_[result(id).index]) : id;
      for (ValueId input : graph.node(id).inputs)
        last_read_[input.index] = std::max(last_read_[input.index], last);
    }
  }

  std::unique_ptr<Graph> run() {
    for (NodeId id = 0; id < graph_.node_count(); ++id) plan(id);
    if (repeats_.empty()) return nullptr;
    Rewriter rewrite(graph_, context_.ops);
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      // From here on readers get the second copies.
      if (const auto found = repeats_.find(id); found != repeats_.end()) {
        for (NodeId repeated : found->second) rewrite.keep(repeated);
      }
      rewrite.keep(id);
    }
    return rewrite.finish();
  }

 private:
  ValueId result(NodeId id) const { return graph_.node(id).outputs[0]; }

  bool is_cheap(NodeId id) const {
    return costs_[id] == NodeCost::cheap || costs_[id] == NodeCost::free;
  }

  /// Whether every reader computes the result for itself.
  bool is_fused(NodeId id) const { return is_cheap(id) && !is_stored_[result(id).index]; }

  bool is_candidate(NodeId id) const {
    const Node& node = graph_.node(id);
    if (costs_[id] != NodeCost::expensive || !node.op->is_elementwise) return false;
    if (is_stored_[result(id).index] || users_[result(id).index].empty()) return false;
    const Dim count = graph_.type(result(id)).shape.element_count();
    return !count.is_constant() || count.constant() >= kSmallest;
  }

  /// Finds the first late reader of a candidate, directly or through cheap operations, which fusion
  /// computes where they are read; these are repeated with it.
  void plan(NodeId id) {
    if (!is_candidate(id)) return;
    const std::vector<NodeId>& users = users_[result(id).index];
    const size_t late = calls_before_[users.front()] + kFarApart;
    std::vector<NodeId> repeated{id};
    std::set<NodeId> todo(users.begin(), users.end());
    while (!todo.empty() && calls_before_[*todo.begin()] < late) {
      const NodeId reader = *todo.begin();
      todo.erase(todo.begin());
      if (!is_fused(reader)) continue;
      repeated.push_back(reader);
      const auto& readers = users_[result(reader).index];
      todo.insert(readers.begin(), readers.end());
    }
    if (todo.empty()) return;
    const NodeId reader = *todo.begin();
    std::erase_if(repeated, [&](NodeId node) { return last_read_[result(node).index] < reader; });
    int steps = kMostSteps;
    for (NodeId node : repeated) {
      for (ValueId input : graph_.node(node).inputs) {
        const bool ours = std::ranges::binary_search(repeated, graph_.value(input).producer);
        if (!ours && !is_kept(input, reader, steps)) return;
      }
    }
    repeats_[reader].insert(repeated.begin(), repeated.end());
  }

  /// Whether a value is in memory at `reader` anyway, or is computed from such values by cheap
  /// operations.
  bool is_kept(ValueId value, NodeId reader, int& steps) const {
    if (--steps < 0) return false;
    const NodeId made = graph_.value(value).producer;
    if (made == kNoNode || last_read_[value.index] >= reader) return true;
    return is_cheap(made) && std::ranges::all_of(graph_.node(made).inputs, [&](ValueId input) {
             return is_kept(input, reader, steps);
           });
  }

  const Graph& graph_;
  const PassContext& context_;
  std::vector<NodeCost> costs_;
  std::vector<size_t> calls_before_;        // library calls up to a node
  std::vector<std::vector<NodeId>> users_;  // per value, in order
  std::vector<bool> is_stored_;             // per value: whatever fusion does
  std::vector<NodeId> last_read_;  // per value: by a node, or by what fusion computes from it
  std::map<NodeId, std::set<NodeId>> repeats_;  // in front of a node
};

}  // namespace

std::unique_ptr<Graph> rematerialise(const Graph& graph, const PassContext& context) {
  return Rematerialiser(graph, context).run();
}

}  // namespace tenon
