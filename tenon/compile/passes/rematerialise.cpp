// In: transcendental functions whose results the backward pass reads again long after the forward
// pass did. Out: the same computed a second time for the late readers, where everything that it is
// computed from is kept for them anyway.
// Why: such a result would be held in memory across all the products in between (the tanh of every
// GELU of a transformer), and computing it again costs less than writing and reading it. Readers
// are those that read memory: equal nodes are merged before, so that most late reads go through
// arithmetic that stands in the forward pass (`1 + tanh` there) and that each reader computes for
// itself. That arithmetic is repeated, too, or it would go on reading the first result. Source:
// Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost" (2016).
#include <algorithm>
#include <limits>

#include "tenon/compile/fuse_groups.h"
#include "tenon/compile/pass.h"
#include "tenon/compile/rewriter.h"

namespace tenon {

namespace {

/// Reads before and after so many library calls are far apart.
constexpr size_t kFarApart = 2;
/// Smaller values cost no memory worth speaking of.
constexpr int64_t kSmallest = 4096;
/// Values that are followed to see what a value is computed from.
constexpr size_t kMostValues = 64;
constexpr size_t kNever = std::numeric_limits<size_t>::max();

class Rematerialiser {
 public:
  Rematerialiser(const Graph& graph, const PassContext& context)
      : graph_(graph),
        context_(context),
        storage_(plan_storage(graph, context)),
        rewrite_(graph, context.ops),
        reads_(graph.value_count()),
        late_from_(graph.node_count(), kNever),
        is_late_(graph.node_count(), false) {
    count_calls();
    find_reads();
    for (NodeId id = 0; id < graph.node_count(); ++id) late_from_[id] = find_late_from(id);
  }

  std::unique_ptr<Graph> run() {
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      for (ValueId input : graph_.node(id).inputs) repeat(producer(input), calls_until_[id]);
      rewrite_.keep(id);
      is_late_[id] = calls_until_[id] >= late_from_[id];
    }
    if (!changed_) return nullptr;
    std::unique_ptr<Graph> graph = rewrite_.finish();
    // Of arithmetic that only late readers use the first copy is not needed.
    std::unique_ptr<Graph> live = eliminate_dead_code(*graph, context_);
    return live ? std::move(live) : std::move(graph);
  }

 private:
  /// The nodes that read a value from memory, or what they compute from it by themselves.
  struct Reads {
    NodeId first = kNoNode;
    NodeId last = 0;
    void add(const Reads& other) {
      first = std::min(first, other.first);
      last = std::max(last, other.last);
    }
  };
  static_assert(kNoNode == std::numeric_limits<NodeId>::max());

  NodeId producer(ValueId value) const { return graph_.value(value).producer; }
  bool is_inlined(NodeId id) const { return storage_.inlined[id]; }

  void count_calls() {
    size_t calls = 0;
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      calls += storage_.costs[id] == NodeCost::kernel && !is_constant(graph_.node(id));
      calls_until_.push_back(calls);
    }
  }

  void find_reads() {
    for (NodeId id = static_cast<NodeId>(graph_.node_count()); id-- > 0;) {
      const Node& node = graph_.node(id);
      const Reads reads = is_inlined(id) ? reads_[node.outputs[0].index] : Reads{id, id};
      for (ValueId input : node.inputs) reads_[input.index].add(reads);
    }
    for (ValueId output : graph_.outputs())
      reads_[output.index].last = static_cast<NodeId>(graph_.node_count());
  }

  /// After how many library calls readers get their own copy.
  size_t find_late_from(NodeId id) const {
    if (is_repeated(id)) {
      return calls_until_[reads_[graph_.node(id).outputs[0].index].first] + kFarApart;
    }
    size_t from = kNever;
    for (ValueId input : graph_.node(id).inputs) {
      if (producer(input) != kNoNode) from = std::min(from, late_from_[producer(input)]);
    }
    return is_inlined(id) || follows(id, from) ? from : kNever;
  }

  /// Whether a stored result of arithmetic on what is repeated, such as the GELU that a product
  /// reads, is only held for readers behind so many calls.
  bool follows(NodeId id, size_t calls) const {
    const Node& node = graph_.node(id);
    if (calls == kNever || storage_.costs[id] != NodeCost::cheap || !node.op->is_elementwise) {
      return false;
    }
    const Reads& reads = reads_[node.outputs[0].index];
    if (reads.last >= graph_.node_count()) return false;  // an output
    return calls_until_[reads.last] >= calls && can_be_computed(node, reads.last);
  }

  bool is_repeated(NodeId id) const {
    const Node& node = graph_.node(id);
    if (storage_.costs[id] != NodeCost::expensive || !node.op->is_elementwise) return false;
    const Reads& reads = reads_[node.outputs[0].index];
    if (is_inlined(id) || reads.last >= graph_.node_count()) return false;  // an output
    if (reads.first >= reads.last) return false;                            // read once, or never
    if (calls_until_[reads.last] < calls_until_[reads.first] + kFarApart) return false;
    const Dim count = graph_.type(node.outputs[0]).shape.element_count();
    if (count.is_constant() && count.constant() < kSmallest) return false;
    return can_be_computed(node, reads.last);
  }

  /// Whether all that `node` reads is in memory at `reader` for other reasons, or is computed there
  /// from such values by cheap operations.
  bool can_be_computed(const Node& node, NodeId reader) const {
    std::vector<ValueId> values = node.inputs;
    for (size_t i = 0; i < values.size(); ++i) {
      if (i == kMostValues) return false;
      const NodeId made = producer(values[i]);
      if (made == kNoNode || is_constant(graph_.node(made))) continue;
      if (!is_inlined(made)) {
        const bool kept = reads_[values[i].index].last >= reader;
        if (!kept && late_from_[made] == kNever) return false;
        continue;
      }
      const NodeCost cost = storage_.costs[made];
      if (cost != NodeCost::cheap && cost != NodeCost::free) return false;
      for (ValueId input : graph_.node(made).inputs) {
        if (std::ranges::find(values, input) == values.end()) values.push_back(input);
      }
    }
    return true;
  }

  /// Copies what is late at a reader behind so many calls, once.
  void repeat(NodeId id, size_t calls) {
    if (id == kNoNode || is_late_[id] || late_from_[id] > calls) return;
    for (ValueId input : graph_.node(id).inputs) repeat(producer(input), calls);
    rewrite_.keep(id);
    is_late_[id] = true;
    changed_ = true;
  }

  const Graph& graph_;
  const PassContext& context_;
  StoragePlan storage_;
  Rewriter rewrite_;
  std::vector<size_t> calls_until_;  // library calls up to a node, itself among them
  std::vector<Reads> reads_;         // per value
  std::vector<size_t> late_from_;    // per node: calls, or kNever
  std::vector<bool> is_late_;        // per node: the latest copy is one for late readers
  bool changed_ = false;
};

}  // namespace

std::unique_ptr<Graph> rematerialise(const Graph& graph, const PassContext& context) {
  return Rematerialiser(graph, context).run();
}

}  // namespace tenon
