// In: primitives. Out: fusion nodes and library calls, with reshapes left as views.
// First it is decided which values are stored: what outputs and library kernels read, reductions,
// and what is too expensive or reads too much to be computed again by every reader. All else is
// inlined into its readers. Then stored values that share an iteration space join into one kernel:
// chains of elementwise operations, normalisations (reductions over the rows of a space together
// with what uses their results on the same rows), reductions over the same columns. Why: memory
// traffic is what is left once libraries do the contractions.
#include <algorithm>
#include <map>

#include "tenon/compile/fuse_groups.h"
#include "tenon/compile/fusion.h"
#include "tenon/compile/pass.h"
#include "tenon/compile/rewriter.h"

namespace tenon {

namespace {

/// Copies what a group computes into a graph of its own.
class BodyBuilder {
 public:
  BodyBuilder(const Graph& graph, const OpRegistry& ops, const std::vector<bool>& inlined)
      : graph_(graph),
        inlined_(inlined),
        body_(std::make_shared<Graph>()),
        build_(*body_, ops),
        map_(graph.value_count()) {}

  /// Results of the group in order; afterwards `inputs` lists the values it reads.
  std::shared_ptr<Graph> build(const FuseGroup& group, const std::vector<ValueId>& results) {
    for (NodeId member : group.members) members_.push_back(graph_.node(member).outputs[0]);
    collect(results);
    // Inputs first, then nodes in the graph's own order.
    for (ValueId value : reads_) {
      std::string name = "p" + std::to_string(inputs.size());
      map_[value.index] = build_.input(name, graph_.type(value));
      inputs.push_back(value);
    }
    for (NodeId id : nodes_) {
      const Node& node = graph_.node(id);
      std::vector<ValueId> operands;
      for (ValueId input : node.inputs) operands.push_back(map_[input.index].id());
      NodeId copy = body_->add_node(node.op, node.attributes, operands,
                                    {graph_.type(node.outputs[0])}, node.label);
      map_[node.outputs[0].index] = build_.value(body_->node(copy).outputs[0]);
    }
    std::vector<ValueId> outputs;
    for (ValueId result : results) outputs.push_back(map_[result.index].id());
    body_->set_outputs(outputs);
    for (const auto& [symbol, bounds] : graph_.symbol_bounds())
      body_->set_symbol_bounds(symbol, bounds);
    return body_;
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
    std::vector<ValueId> todo(results.begin(), results.end());
    std::vector<bool> seen(graph_.value_count(), false);
    while (!todo.empty()) {
      ValueId value = todo.back();
      todo.pop_back();
      if (seen[value.index]) continue;
      seen[value.index] = true;
      if (!is_inside(value)) {
        reads_.push_back(value);
        continue;
      }
      NodeId id = graph_.value(value).producer;
      nodes_.push_back(id);
      for (ValueId input : graph_.node(id).inputs) todo.push_back(input);
    }
    std::sort(nodes_.begin(), nodes_.end());
    std::sort(reads_.begin(), reads_.end());
  }

  const Graph& graph_;
  const std::vector<bool>& inlined_;
  std::shared_ptr<Graph> body_;
  Build build_;
  std::vector<Value> map_;
  std::vector<ValueId> members_;
  std::vector<ValueId> reads_;
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
        context_(context),
        plan_(plan),
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
      for (ValueId input : graph_.node(id).inputs) note_reader(input, id, is_read);
    }
    for (const FuseGroup& group : plan_.groups) {
      if (group.members.empty()) continue;
      for (ValueId read : group.reads) note_reader(read, group.members.front(), is_read);
    }
    for (uint32_t number = 0; number < plan_.groups.size(); ++number) {
      bool final = !plan_.groups[number].members.empty();
      for (NodeId member : plan_.groups[number].members)
        final = final && !is_read[graph_.node(member).outputs[0].index];
      if (final) final_groups_.push_back(number);
    }
  }

  void note_reader(ValueId value, NodeId reader, std::vector<bool>& is_read) {
    is_read[value.index] = true;
    if (graph_.is_input(value)) input_readers_[value.index].push_back(reader);
  }

  bool is_ready(uint32_t number) {
    const FuseGroup& group = plan_.groups[number];
    for (ValueId read : group.reads) {
      NodeId producer = graph_.value(read).producer;
      if (producer != kNoNode && !done_[producer]) return false;
      if (producer != kNoNode) continue;
      for (NodeId reader : input_readers_[read.index]) {
        if (plan_.group_of[reader] != number && !done_[reader] && !is_final(reader)) return false;
      }
    }
    return true;
  }
  bool is_final(NodeId node) const {
    uint32_t group = plan_.group_of[node];
    return group != kNoGroup &&
           std::find(final_groups_.begin(), final_groups_.end(), group) != final_groups_.end();
  }

  void emit_final_groups() {
    std::vector<uint32_t> waiting;
    for (uint32_t number : final_groups_) {
      NodeId first = plan_.groups[number].members.front();
      if (done_[first]) continue;
      if (is_ready(number)) {
        finish(first);
      } else {
        waiting.push_back(number);
      }
    }
    final_groups_ = std::move(waiting);
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
      return;
    }
    const FuseGroup& group = plan_.groups[number];
    std::vector<ValueId> results;
    for (NodeId member : group.members) {
      ValueId value = graph_.node(member).outputs[0];
      if (plan_.used_outside[member]) results.push_back(value);
    }
    BodyBuilder builder(graph_, context_.ops, plan_.inlined);
    std::shared_ptr<Graph> body = builder.build(group, results);
    body->set_name(std::string(name_of(group.kind)));
    std::vector<Value> inputs;
    for (ValueId input : builder.inputs) inputs.push_back(rewrite_[input]);
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
  }

  const Graph& graph_;
  const PassContext& context_;
  const FusePlan& plan_;
  Rewriter rewrite_;
  std::vector<bool> done_;
  std::vector<uint32_t> final_groups_;
  std::map<uint32_t, std::vector<NodeId>> input_readers_;
};

}  // namespace

std::unique_ptr<Graph> fuse(const Graph& graph, const PassContext& context) {
  FusePlan plan = plan_fusion(graph, context);
  return Emitter(graph, context, plan).run();
}

}  // namespace tenon
