// In: primitives. Out: fusion nodes and library calls, with reshapes left as views.
// First it is decided which values are stored: what outputs and library kernels read, reductions,
// and what is too expensive or reads too much to be computed again by every reader. All else is
// inlined into its readers. Then stored values that share an iteration space join into one kernel:
// chains of elementwise operations, normalisations (reductions over the rows of a space together
// with what uses their results on the same rows), reductions over the same columns. Why: memory
// traffic is what is left once libraries do the contractions.
#include <algorithm>
#include <utility>

#include "tenon/compile/fuse_groups.h"
#include "tenon/compile/fusion.h"
#include "tenon/compile/pass.h"
#include "tenon/compile/rewriter.h"

namespace tenon {

namespace {

/// Copies what groups compute into their own graphs, one after the other.
class BodyBuilder {
 public:
  BodyBuilder(const Graph& graph, const std::vector<bool>& inlined)
      : graph_(graph),
        inlined_(inlined),
        map_(graph.value_count()),
        seen_(graph.value_count(), 0) {}

  /// Results of the group in order; afterwards `inputs` lists the values it reads.
  std::shared_ptr<Graph> build(const FuseGroup& group, const std::vector<ValueId>& results) {
    auto body = std::make_shared<Graph>(std::string(name_of(group.kind)));
    members_.clear();
    for (NodeId member : group.members) members_.push_back(graph_.node(member).outputs[0]);
    collect(results);
    body->reserve_nodes(nodes_.size());
    // Inputs first, then nodes in the graph's own order.
    for (ValueId value : inputs) {
      std::string name = "p" + std::to_string(body->inputs().size());
      map_[value.index] = body->add_input(std::move(name), graph_.type(value));
    }
    for (NodeId id : nodes_) {
      const Node& node = graph_.node(id);
      ValueIds operands;
      operands.reserve(node.inputs.size());
      for (ValueId input : node.inputs) operands.push_back(map_[input.index]);
      const NodeId copy = body->add_copy(graph_, id, std::move(operands));
      map_[node.outputs[0].index] = body->node(copy).outputs[0];
    }
    std::vector<ValueId> outputs;
    for (ValueId result : results) outputs.push_back(map_[result.index]);
    body->set_outputs(std::move(outputs));
    for (const auto& [symbol, bounds] : graph_.symbol_bounds())
      body->set_symbol_bounds(symbol, bounds);
    return body;
  }

  std::vector<ValueId> inputs;

 private:
  bool is_inside(ValueId value) const {
    NodeId producer = graph_.value(value).producer;
    if (producer == kNoNode) return false;
    return inlined_[producer] || is_scalar_constant(graph_.node(producer)) ||
           std::find(members_.begin(), members_.end(), value) != members_.end();
  }
  void collect(const std::vector<ValueId>& results) {
    inputs.clear();
    nodes_.clear();
    ++group_count_;
    std::vector<ValueId> todo(results.begin(), results.end());
    while (!todo.empty()) {
      ValueId value = todo.back();
      todo.pop_back();
      if (std::exchange(seen_[value.index], group_count_) == group_count_) continue;
      if (!is_inside(value)) {
        inputs.push_back(value);
        continue;
      }
      NodeId id = graph_.value(value).producer;
      nodes_.push_back(id);
      for (ValueId input : graph_.node(id).inputs) todo.push_back(input);
    }
    std::sort(nodes_.begin(), nodes_.end());
    std::sort(inputs.begin(), inputs.end());
  }

  const Graph& graph_;
  const std::vector<bool>& inlined_;
  std::vector<ValueId> map_;    // of values that the group at hand reads or computes
  std::vector<uint32_t> seen_;  // by which group a value was last met
  uint32_t group_count_ = 0;
  std::vector<ValueId> members_;
  std::vector<NodeId> nodes_;
};

std::string label_of(const Graph& graph, const FuseGroup& group) {
  for (auto member = group.members.rbegin(); member != group.members.rend(); ++member) {
    if (!graph.node(*member).label.empty()) return graph.node(*member).label;
  }
  return "";
}

/// Emits groups and kernels so that each comes after what it reads.
class Emitter {
 public:
  Emitter(const Graph& graph, const PassContext& context, const FusePlan& plan)
      : graph_(graph),
        plan_(plan),
        bodies_(graph, plan.inlined),
        rewrite_(graph, context.ops),
        done_(graph.node_count(), false) {}

  std::unique_ptr<Graph> run() {
    find_final_groups();
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      if (plan_.inlined[id] || done_[id] || !is_last_of_group(id)) continue;
      emit(id);
      emit_final_groups();
    }
    return rewrite_.finish();
  }

 private:
  /// Groups stand where their last member does, unless somebody needs them before: at the first,
  /// all that the last one depends on would be pulled in front of what stands between, such as a
  /// chain of gradients in front of the updates that free its members.
  bool is_last_of_group(NodeId id) const {
    uint32_t group = plan_.group_of[id];
    return group == kNoGroup || plan_.groups[group].members.back() == id;
  }

  /// Groups that only make results of the graph, such as the update of one parameter, run as soon
  /// as nothing else needs what they read: gradients die early, and a donated parameter is
  /// overwritten after its last other reader.
  void find_final_groups() {
    std::vector<bool> is_read(graph_.value_count(), false);
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      if (plan_.inlined[id] || plan_.group_of[id] != kNoGroup) continue;
      for (ValueId input : graph_.node(id).inputs) is_read[input.index] = true;
    }
    for (const FuseGroup& group : plan_.groups) {
      for (ValueId read : group.reads) is_read[read.index] = true;
    }
    is_final_.resize(plan_.groups.size());
    for (uint32_t number = 0; number < plan_.groups.size(); ++number) {
      const FuseGroup& group = plan_.groups[number];
      is_final_[number] =
          !group.members.empty() && std::ranges::none_of(group.members, [&](NodeId member) {
            return is_read[graph_.node(member).outputs[0].index];
          });
    }
    count_what_they_wait_for();
  }

  /// A final group waits for the makers of what it reads, and for the last other reader of the
  /// graph's inputs among them.
  void count_what_they_wait_for() {
    readers_left_.assign(graph_.value_count(), 0);
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      if (is_unit(id) && !is_final(id)) {
        for (ValueId input : inputs_read_by(id)) ++readers_left_[input.index];
      }
    }
    waiting_.resize(graph_.value_count());
    left_.assign(plan_.groups.size(), 0);
    for (uint32_t number = 0; number < plan_.groups.size(); ++number) {
      if (!is_final_[number]) continue;
      for (ValueId read : plan_.groups[number].reads) {
        if (graph_.is_input(read) && readers_left_[read.index] == 0) continue;
        waiting_[read.index].push_back(number);
        ++left_[number];
      }
      if (left_[number] == 0) ready_.push_back(number);
    }
  }

  /// Whether a node stands for what is emitted at once: a call, or the first member of a group.
  bool is_unit(NodeId id) const {
    if (plan_.inlined[id]) return false;
    uint32_t group = plan_.group_of[id];
    return group == kNoGroup || plan_.groups[group].members.front() == id;
  }
  bool is_final(NodeId id) const {
    uint32_t group = plan_.group_of[id];
    return group != kNoGroup && is_final_[group];
  }
  std::vector<ValueId> inputs_read_by(NodeId id) {
    std::vector<ValueId> inputs = reads_of(id);
    std::erase_if(inputs, [&](ValueId value) { return !graph_.is_input(value); });
    std::ranges::sort(inputs);
    inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
    return inputs;
  }

  /// Tells the final groups that wait for a value that it is there, or read for the last time.
  void no_longer_waited_for(ValueId value) {
    for (uint32_t number : waiting_[value.index]) {
      if (--left_[number] == 0) ready_.push_back(number);
    }
    waiting_[value.index].clear();
  }

  void emit_final_groups() {
    std::ranges::sort(ready_);
    for (size_t i = 0; i < ready_.size(); ++i) {
      NodeId first = plan_.groups[ready_[i]].members.front();
      if (!done_[first]) finish(first);
    }
    ready_.clear();
  }

  // Depth is bounded by the number of groups on one path; an explicit stack keeps deep graphs safe.
  void emit(NodeId root) {
    std::vector<NodeId> stack{root};
    while (!stack.empty()) {
      NodeId id = stack.back();
      if (done_[id]) {
        stack.pop_back();
        continue;
      }
      size_t before = stack.size();
      for (ValueId read : reads_of(id)) {
        NodeId producer = graph_.value(read).producer;
        if (producer != kNoNode && !done_[producer]) stack.push_back(producer);
      }
      if (stack.size() == before) {
        finish(id);
        stack.pop_back();
      }
    }
  }

  std::vector<ValueId> reads_of(NodeId id) {
    uint32_t group = plan_.group_of[id];
    if (group == kNoGroup) return graph_.node(id).inputs;
    return plan_.groups[group].reads;
  }

  void finish(NodeId id) {
    uint32_t number = plan_.group_of[id];
    if (number == kNoGroup) {
      rewrite_.keep(id);
      done_[id] = true;
      note_done({id}, inputs_read_by(id), false);
      return;
    }
    const FuseGroup& group = plan_.groups[number];
    std::vector<ValueId> results;
    for (NodeId member : group.members) {
      ValueId value = graph_.node(member).outputs[0];
      if (plan_.used_outside[member]) results.push_back(value);
    }
    std::shared_ptr<Graph> body = bodies_.build(group, results);
    std::vector<Value> inputs;
    for (ValueId input : bodies_.inputs) inputs.push_back(rewrite_[input]);
    rewrite_.build().set_label(label_of(graph_, group));
    std::vector<Value> outputs =
        rewrite_.build().call_multi(fusion_op(), inputs,
                                    {{"kind", std::string(name_of(group.kind))},
                                     {"rows", Shape{group.rows}},
                                     {"inner", Shape{group.inner}},
                                     {"body", GraphRef(body)}});
    rewrite_.build().set_label("");
    for (size_t i = 0; i < results.size(); ++i)
      rewrite_.replace(graph_.value(results[i]).producer, {outputs[i]});
    for (NodeId member : group.members) done_[member] = true;
    note_done(group.members, inputs_read_by(id), is_final_[number]);
  }

  void note_done(const std::vector<NodeId>& nodes, const std::vector<ValueId>& inputs, bool final) {
    for (NodeId node : nodes) {
      for (ValueId output : graph_.node(node).outputs) no_longer_waited_for(output);
    }
    if (final) return;
    for (ValueId input : inputs) {
      if (--readers_left_[input.index] == 0) no_longer_waited_for(input);
    }
  }

  const Graph& graph_;
  const FusePlan& plan_;
  BodyBuilder bodies_;
  Rewriter rewrite_;
  std::vector<bool> done_;
  std::vector<bool> is_final_;                  // per group
  std::vector<uint32_t> readers_left_;          // per graph input: readers that are not final
  std::vector<std::vector<uint32_t>> waiting_;  // per value: final groups that wait for it
  std::vector<uint32_t> left_;                  // per final group: what it waits for
  std::vector<uint32_t> ready_;                 // final groups that wait for nothing
};

}  // namespace

std::unique_ptr<Graph> fuse(const Graph& graph, const PassContext& context) {
  FusePlan plan = plan_fusion(graph, context);
  return Emitter(graph, context, plan).run();
}

}  // namespace tenon
