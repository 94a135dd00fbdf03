#include "tenon/compile/fuse_groups.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "tenon/compile/fuse_space.h"
#include "tenon/compile/unit_order.h"

namespace tenon {

namespace {

/// Whether a value is so much smaller than `than` that reading it costs nothing next to it.
bool is_small_beside(const Type& type, const Type& than) {
  Dim count = type.shape.element_count();
  Dim other = than.shape.element_count();
  if (count.is_constant() && other.is_constant()) return count.constant() <= other.constant() / 8;
  return count.is_constant() || (count != other && other.divided_by(count).has_value());
}

class Planner {
 public:
  Planner(const Graph& graph, const PassContext& context)
      : graph_(graph), context_(context), order_(graph.node_count()) {}

  StoragePlan run_storage() {
    decide();
    return {std::move(costs_), std::move(plan_.inlined)};
  }

  FusePlan run() {
    decide();
    make_groups();
    join_groups();
    finish();
    return std::move(plan_);
  }

 private:
  NodeId producer(ValueId value) const { return graph_.value(value).producer; }
  bool is_stored(NodeId id) const { return !plan_.inlined[id]; }
  bool is_fusable(NodeId id) const { return costs_[id] != NodeCost::kernel; }
  bool reduces(NodeId id) const {
    return costs_[id] == NodeCost::reduction || costs_[id] == NodeCost::window;
  }

  void decide() {
    classify();
    find_users();
    decide_stored();
  }

  void classify() {
    CostModel model;
    uint32_t calls = 0;
    costs_.resize(graph_.node_count());
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      const Node& node = graph_.node(id);
      bool kernel = node.op->is_opaque || context_.oracle.has_kernel(graph_, node) ||
                    (is_constant(node) && !is_scalar_constant(node));
      costs_[id] = kernel ? NodeCost::kernel : model.cost(graph_, node);
      calls_before_.push_back(calls);
      calls += kernel && !is_constant(node);
    }
  }

  void find_users() {
    users_.resize(graph_.node_count());
    is_output_.resize(graph_.node_count(), false);
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      for (ValueId input : graph_.node(id).inputs) {
        NodeId from = producer(input);
        if (from != kNoNode && (users_[from].empty() || users_[from].back() != id))
          users_[from].push_back(id);
      }
    }
    for (ValueId output : graph_.outputs()) {
      if (NodeId from = producer(output); from != kNoNode) is_output_[from] = true;
    }
  }

  /// Readers decide before what they read: nodes are visited from the last to the first.
  void decide_stored() {
    plan_.inlined.assign(graph_.node_count(), true);
    for (NodeId id = static_cast<NodeId>(graph_.node_count()); id-- > 0;) {
      plan_.inlined[id] = !must_store(id);
    }
    cut_chains();
    // A view that is stored needs memory to view: what it reads is stored too.
    for (NodeId id = static_cast<NodeId>(graph_.node_count()); id-- > 0;) {
      if (!is_stored(id) || !is_reshape(graph_.node(id))) continue;
      if (NodeId from = producer(graph_.node(id).inputs[0]); from != kNoNode)
        plan_.inlined[from] = false;
    }
  }

  /// From the front, once what they read is known: chains that read or compute much for several
  /// readers; long ones, since
  /// expressions are walked by recursion, here and in code generators, so that none may be as deep
  /// as a program is long; and ones that compute much, since the time to compile a kernel grows
  /// faster than the kernel.
  void cut_chains() {
    constexpr int kDeepest = 100;
    std::vector<int> depth(graph_.node_count(), 0);
    work_.assign(graph_.node_count(), 0);
    walked_.assign(graph_.node_count(), kNoNode);
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      if (!is_fusable(id)) continue;
      for (ValueId input : graph_.node(id).inputs) {
        if (NodeId from = producer(input); from != kNoNode && plan_.inlined[from])
          depth[id] = std::max(depth[id], depth[from] + 1);
      }
      const Expression expression = walk(id);
      work_[id] = expression.work;
      if (is_stored(id)) continue;
      bool costly = expression.large_reads > 1 || expression.is_expensive;
      if ((costly && users_[id].size() > 1) || depth[id] >= kDeepest || expression.work > kMostWork)
        plan_.inlined[id] = false;
    }
  }

  bool must_store(NodeId id) const {
    const Node& node = graph_.node(id);
    if (!is_fusable(id) || is_output_[id]) return true;
    if (costs_[id] == NodeCost::reduction) return true;
    if (costs_[id] == NodeCost::window) return !has_one_reader_in_place(id);
    for (NodeId user : users_[id]) {
      if (!is_fusable(user)) return true;
      if (is_stored(user) && is_reshape(graph_.node(user))) return true;
    }
    if (is_scalar_constant(node)) return false;
    if (costs_[id] != NodeCost::expensive) return false;
    if (users_[id].size() != 1) return !users_[id].empty();
    // Read more than once per element: by a broadcast, a gather or a window.
    const Node& user = graph_.node(users_[id][0]);
    if (reduces(users_[id][0])) {
      return !is_prefix_or_suffix_reduction(graph_, user);
    }
    return is_small_beside(graph_.type(node.outputs[0]), graph_.type(user.outputs[0])) ||
           user.op->indices.has_value();
  }

  /// Whether the only reader uses each result once in place: then it is computed there, and never
  /// stored.
  bool has_one_reader_in_place(NodeId id) const {
    if (users_[id].size() != 1) return false;
    NodeId user = users_[id][0];
    return is_fusable(user) && is_stored(user) && graph_.node(user).op->is_elementwise;
  }

  /// What computing a node takes, with all that is inlined there.
  struct Expression {
    size_t large_reads = 0;  // stored values of about its own size
    int work = 0;            // nodes, an expensive one counted as many
    bool is_expensive = false;
  };
  Expression walk(NodeId id) {
    const Type& type = graph_.type(graph_.node(id).outputs[0]);
    Expression expression;
    std::vector<ValueId> found;
    std::vector<NodeId> todo{id};
    while (!todo.empty()) {
      NodeId node = todo.back();
      todo.pop_back();
      const bool expensive = costs_[node] == NodeCost::expensive;
      expression.work += expensive ? kExpensiveWork : 1;
      expression.is_expensive |=
          expensive && !is_small_beside(graph_.type(graph_.node(node).outputs[0]), type);
      for (ValueId value : graph_.node(node).inputs) {
        NodeId from = producer(value);
        if (from != kNoNode && !is_stored(from)) {
          // Once, however many ways lead there.
          if (std::exchange(walked_[from], id) != id) todo.push_back(from);
        } else if (!is_small_beside(graph_.type(value), type)) {
          if (std::find(found.begin(), found.end(), value) == found.end()) found.push_back(value);
        }
      }
    }
    expression.large_reads = found.size();
    return expression;
  }

  void make_groups() {
    plan_.group_of.assign(graph_.node_count(), kNoGroup);
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      const Node& node = graph_.node(id);
      if (!is_stored(id) || !is_fusable(id) || is_reshape(node) || is_constant(node)) continue;
      FuseGroup group;
      Space space = space_of(graph_, node, reduces(id));
      group.kind = space.kind;
      group.rows = space.rows;
      group.inner = space.inner;
      group.members = {id};
      plan_.group_of[id] = static_cast<uint32_t>(plan_.groups.size());
      plan_.groups.push_back(std::move(group));
    }
  }

  /// Stored values and graph inputs that the inlined expressions of a group's members read.
  std::vector<ValueId> reads_of(uint32_t number) {
    const FuseGroup& group = plan_.groups[number];
    std::vector<ValueId> reads;
    std::vector<ValueId> todo;
    ++walk_count_;
    for (NodeId member : group.members) {
      todo.insert(todo.end(), graph_.node(member).inputs.begin(), graph_.node(member).inputs.end());
    }
    while (!todo.empty()) {
      ValueId value = todo.back();
      todo.pop_back();
      if (std::exchange(seen_values_[value.index], walk_count_) == walk_count_) continue;
      NodeId from = producer(value);
      if (from != kNoNode && (plan_.inlined[from] || is_scalar_constant(graph_.node(from)))) {
        const auto& inputs = graph_.node(from).inputs;
        todo.insert(todo.end(), inputs.begin(), inputs.end());
      } else if (from == kNoNode || plan_.group_of[from] != number) {
        reads.push_back(value);
      }
    }
    std::sort(reads.begin(), reads.end());
    return reads;
  }

  void join_groups() {
    seen_values_.assign(graph_.value_count(), 0);
    seen_units_.assign(graph_.node_count(), 0);
    for (uint32_t number = 0; number < plan_.groups.size(); ++number) {
      plan_.groups[number].reads = reads_of(number);
      unit_of_group_.push_back(plan_.groups[number].members.front());
    }
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      uint32_t number = plan_.group_of[id];
      if (number == kNoGroup || plan_.groups[number].members.back() != id) continue;
      bool joined = true;
      while (joined) {
        joined = false;
        for (uint32_t other : candidates(plan_.group_of[id])) {
          if (try_join(other, plan_.group_of[id])) {
            joined = true;
            break;
          }
        }
      }
    }
  }

  /// Whether joining would tie together what lies library calls apart, for the sake of a small
  /// value that the later group reads: nothing is saved, and all that the later one waits for would
  /// hold up the readers of the earlier one, such as every update that reads whether the loss is
  /// finite.
  bool is_far_and_small(const FuseGroup& maker, const FuseGroup& reader, ValueId read) const {
    const Type& type = graph_.type(read);
    bool small = type.shape.element_count().is(1) ||
                 is_small_beside(type, Type{DType::f32, Shape{reader.rows * reader.inner}});
    return small && calls_before_[maker.members.back()] < calls_before_[reader.members.front()];
  }

  /// Groups that make what `number` reads, latest first, then groups that read the same values.
  std::vector<uint32_t> candidates(uint32_t number) const {
    std::vector<uint32_t> found;
    auto add = [&](uint32_t group) {
      if (group != kNoGroup && group != number &&
          std::find(found.begin(), found.end(), group) == found.end()) {
        found.push_back(group);
      }
    };
    const FuseGroup& group = plan_.groups[number];
    for (auto read = group.reads.rbegin(); read != group.reads.rend(); ++read) {
      NodeId from = producer(*read);
      // Through a view of a stored value.
      while (from != kNoNode && is_reshape(graph_.node(from)))
        from = producer(graph_.node(from).inputs[0]);
      if (from == kNoNode || plan_.group_of[from] == kNoGroup) continue;
      if (!is_far_and_small(plan_.groups[plan_.group_of[from]], group, *read))
        add(plan_.group_of[from]);
    }
    for (ValueId read : group.reads) {
      if (is_small_beside(graph_.type(read), Type{DType::f32, Shape{group.rows * group.inner}}))
        continue;
      for (uint32_t other = number; other-- > 0 && other + kSiblingWindow > number;) {
        const auto& reads = plan_.groups[other].reads;
        if (!plan_.groups[other].members.empty() &&
            std::binary_search(reads.begin(), reads.end(), read))
          add(other);
      }
    }
    return found;
  }

  int work_of(const FuseGroup& group) const {
    int work = 0;
    for (NodeId member : group.members) work += work_[member];
    return work;
  }

  bool try_join(uint32_t first, uint32_t second) {
    FuseGroup& a = plan_.groups[first];
    FuseGroup& b = plan_.groups[second];
    std::optional<Space> space = common_space({a.kind, a.rows, a.inner}, {b.kind, b.rows, b.inner});
    if (!space) return false;
    if (a.members.size() + b.members.size() > kMaxMembers) return false;
    if (work_of(a) + work_of(b) > kMostWork) return false;
    for (const FuseGroup* reader : {&a, &b}) {
      const FuseGroup& made = reader == &a ? b : a;
      if (!reads_in_place(*reader, made, *space)) return false;
    }
    const bool swapped = order_.is_before(unit_of_group_[second], unit_of_group_[first]);
    const uint32_t earlier = swapped ? second : first;
    const uint32_t later = swapped ? first : second;
    std::optional<std::vector<NodeId>> between = units_between(later, earlier);
    if (!between) return false;
    order_.join(unit_of_group_[earlier], unit_of_group_[later], unit_of_group_[first],
                std::move(*between));
    a.kind = space->kind;
    a.rows = space->rows;
    a.inner = space->inner;
    for (NodeId member : b.members) plan_.group_of[member] = first;
    a.members.insert(a.members.end(), b.members.begin(), b.members.end());
    std::sort(a.members.begin(), a.members.end());
    b.members.clear();
    b.reads.clear();
    a.reads = reads_of(first);
    return true;
  }

  /// Whether every read that `reader` makes of a member of `made` is at the reader's own position
  /// in the space.
  bool reads_in_place(const FuseGroup& reader, const FuseGroup& made, const Space& space) const {
    SpaceWalk walk(graph_, space);
    auto stops = [&](NodeId id) { return is_stored(id) && !is_scalar_constant(graph_.node(id)); };
    for (NodeId member : reader.members) {
      bool in_place = walk.visit(graph_.node(member), [&](ValueId value, Place place) {
        NodeId from = producer(value);
        bool ours = from != kNoNode &&
                    std::find(made.members.begin(), made.members.end(), from) != made.members.end();
        if (ours && place == Place::elsewhere) return Visit::fail;
        return from == kNoNode || stops(from) ? Visit::stop : Visit::enter;
      });
      if (!in_place) return false;
    }
    return true;
  }

  /// What stands for a node in the order: itself, or one of its group.
  NodeId unit_of(NodeId id) const {
    uint32_t group = plan_.group_of[id];
    return group == kNoGroup ? id : unit_of_group_[group];
  }

  /// The units between two groups that the later one reads, by way of others too; nothing where one
  /// of them reads the earlier group, so that the two cannot be computed at once.
  std::optional<std::vector<NodeId>> units_between(uint32_t later, uint32_t earlier) {
    const NodeId first = unit_of_group_[earlier];
    std::vector<NodeId> found;
    ++walk_count_;
    auto meet = [&](ValueId read) {
      NodeId from = producer(read);
      if (from == kNoNode) return;
      NodeId unit = unit_of(from);
      // What is in front of the earlier group does not read it.
      if (unit == first || order_.is_before(unit, first)) return;
      if (std::exchange(seen_units_[unit], walk_count_) != walk_count_) found.push_back(unit);
    };
    auto reads_earlier = [&](std::span<const ValueId> reads) {
      return std::ranges::any_of(reads, [&](ValueId read) {
        NodeId from = producer(read);
        return from != kNoNode && plan_.group_of[from] == earlier;
      });
    };
    std::ranges::for_each(plan_.groups[later].reads, meet);
    for (size_t i = 0; i < found.size(); ++i) {
      uint32_t group = plan_.group_of[found[i]];
      std::span<const ValueId> reads = graph_.node(found[i]).inputs;
      if (group != kNoGroup) reads = plan_.groups[group].reads;
      if (reads_earlier(reads)) return std::nullopt;
      std::ranges::for_each(reads, meet);
    }
    return found;
  }

  void finish() {
    plan_.used_outside.assign(graph_.node_count(), false);
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      if (is_stored(id) && is_output_[id]) plan_.used_outside[id] = true;
      if (plan_.group_of[id] != kNoGroup || plan_.inlined[id]) continue;
      for (ValueId input : graph_.node(id).inputs) {
        if (producer(input) != kNoNode) plan_.used_outside[producer(input)] = true;
      }
    }
    for (const FuseGroup& group : plan_.groups) {
      for (ValueId read : group.reads) {
        if (producer(read) != kNoNode) plan_.used_outside[producer(read)] = true;
      }
    }
  }

  static constexpr uint32_t kSiblingWindow = 32;
  static constexpr size_t kMaxMembers = 24;
  static constexpr int kMostWork = 256;  // of one kernel
  static constexpr int kExpensiveWork = 16;

  const Graph& graph_;
  const PassContext& context_;
  FusePlan plan_;
  std::vector<NodeCost> costs_;
  std::vector<uint32_t> calls_before_;  // library calls before a node
  std::vector<NodeId> walked_;          // by whose walk a node was last seen
  std::vector<int> work_;               // of the expression of a node
  std::vector<std::vector<NodeId>> users_;
  std::vector<bool> is_output_;

  UnitOrder order_;                    // of groups and the nodes that are in none
  std::vector<NodeId> unit_of_group_;  // the node that stands for a group in it
  uint32_t walk_count_ = 0;
  std::vector<uint32_t> seen_values_, seen_units_;  // by which walk last
};

}  // namespace

bool is_scalar_constant(const Node& node) {
  return is_constant(node) && node.attributes.literal("value")->size() == 1;
}

StoragePlan plan_storage(const Graph& graph, const PassContext& context) {
  return Planner(graph, context).run_storage();
}

FusePlan plan_fusion(const Graph& graph, const PassContext& context) {
  return Planner(graph, context).run();
}

}  // namespace tenon
