// In: transcendental functions whose results the way back reads again long after the way forward
// did. Out: the same computed a second time for the late readers, where everything that it is
// computed from is kept for them anyway.
// Why: such a result would be held in memory across all the products in between (the tanh of every
// GELU of a transformer), and computing it again costs less than writing and reading it. Comes
// after equal nodes are merged, which would undo it. Source: Chen, Xu, Zhang, Guestrin, "Training
// Deep Nets with Sublinear Memory Cost" (2016).
#include <algorithm>

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
      : graph_(graph), context_(context), users_(graph.value_count()) {
    CostModel model;
    size_t calls = 0;
    for (NodeId id = 0; id < graph.node_count(); ++id) {
      const Node& node = graph.node(id);
      const bool call = node.op->is_opaque || context.oracle.has_kernel(graph, node);
      costs_.push_back(call ? NodeCost::kernel : model.cost(graph, node));
      calls += costs_.back() == NodeCost::kernel;
      calls_before_.push_back(calls);
      for (ValueId input : node.inputs) users_[input.index].push_back(id);
    }
    for (ValueId output : graph.outputs()) is_output_.push_back(output);
  }

  std::unique_ptr<Graph> run() {
    Rewriter rewrite(graph_, context_.ops);
    bool changed = false;
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      // From here on readers get a second copy of what they are the first late reader of.
      for (ValueId input : graph_.node(id).inputs) {
        const NodeId made = graph_.value(input).producer;
        if (made == kNoNode || first_late_reader(made) != id || !can_repeat(made, id)) continue;
        rewrite.keep(made);
        changed = true;
      }
      rewrite.keep(id);
    }
    return changed ? rewrite.finish() : nullptr;
  }

 private:
  /// The first reader far behind the first one, where there is one.
  NodeId first_late_reader(NodeId id) const {
    const Node& node = graph_.node(id);
    if (costs_[id] != NodeCost::expensive || !node.op->is_elementwise) return kNoNode;
    const std::vector<NodeId>& users = users_[node.outputs[0].index];
    const auto late = std::ranges::find_if(users, [&](NodeId user) {
      return calls_before_[user] >= calls_before_[users.front()] + kFarApart;
    });
    return late == users.end() ? kNoNode : *late;
  }

  bool can_repeat(NodeId id, NodeId reader) const {
    const Node& node = graph_.node(id);
    if (std::ranges::find(is_output_, node.outputs[0]) != is_output_.end()) return false;
    const Dim count = graph_.type(node.outputs[0]).shape.element_count();
    if (count.is_constant() && count.constant() < kSmallest) return false;
    int steps = kMostSteps;
    return are_kept(node, id, reader, steps);
  }

  bool are_kept(const Node& node, NodeId id, NodeId reader, int& steps) const {
    return std::ranges::all_of(node.inputs,
                               [&](ValueId value) { return is_kept(value, id, reader, steps); });
  }

  /// Whether a value is in memory at `reader` for other reasons than `node`, or is computed from
  /// such values by cheap operations.
  bool is_kept(ValueId value, NodeId node, NodeId reader, int& steps) const {
    if (--steps < 0) return false;
    const NodeId made = graph_.value(value).producer;
    if (made == kNoNode) return true;
    const bool read_late = std::ranges::any_of(
        users_[value.index], [&](NodeId user) { return user >= reader && user != node; });
    if (read_late) return true;
    const bool cheap = costs_[made] == NodeCost::cheap || costs_[made] == NodeCost::free;
    return cheap && are_kept(graph_.node(made), made, reader, steps);
  }

  const Graph& graph_;
  const PassContext& context_;
  std::vector<NodeCost> costs_;
  std::vector<size_t> calls_before_;  // library calls up to a node
  std::vector<std::vector<NodeId>> users_;
  std::vector<ValueId> is_output_;
};

}  // namespace

std::unique_ptr<Graph> rematerialise(const Graph& graph, const PassContext& context) {
  return Rematerialiser(graph, context).run();
}

}  // namespace tenon
