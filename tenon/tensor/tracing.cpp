// Recording a function as a graph.

#include <algorithm>

#include <fmt/format.h>

#include "tenon/graph/build.h"
#include "tenon/ops/known_op.h"
#include "tenon/tensor/tracing.h"
#include "tenon/tensor/transforms.h"
#include "tenon/tensor/walk.h"

namespace tenon {

namespace detail {

namespace {

thread_local uint32_t open_traces = 0;

uint64_t next_trace() {
  static std::atomic<uint64_t> last = 0;
  return ++last;
}

struct TraceScope {
  TraceScope() { ++open_traces; }
  ~TraceScope() { --open_traces; }
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;
};

const OpDef& constant_op() {
  static constinit KnownOp op("constant");
  return op.get();
}

/// The graph of what `outputs` need from the arguments of trace `id` at `depth`.
class Recording {
 public:
  Recording(std::string name, uint64_t id, uint32_t depth)
      : graph_(std::make_shared<Graph>(std::move(name))), id_(id), depth_(depth) {}

  Traced finish(std::span<const NodeRef> arguments, std::span<const std::string> names,
                std::span<const Tensor> outputs, std::vector<DimCondition> conditions) {
    for (size_t i = 0; i < arguments.size(); ++i)
      arguments_.push_back(graph_->add_input(names.empty() ? fmt::format("arg{}", i) : names[i],
                                             arguments[i]->type));
    std::vector<const NodeRef*> roots;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i].has_value())
        require(outputs[i], fmt::format("{}: result {}", graph_->name(), i));
      roots.push_back(&outputs[i].node());
    }
    Section section;
    collect(section, roots, SIZE_MAX, [this](const TensorNode& node, const PendingCall& call) {
      return !is_mine(node, call);
    });
    std::vector<ValueId> leaves;
    for (const NodeRef* leaf : section.leaves) leaves.push_back(leaf_value(*leaf));
    if (escaped_) fail_escaped();
    // As the program ran, not as the results need it: so a layer's gradients come with the layer,
    // and what they read does not wait for the end.
    std::vector<ValueId> calls = emit_calls(*graph_, section, leaves, section.program_order());
    std::vector<ValueId> results;
    for (uint32_t root : section.roots) results.push_back(value_of(section, root, leaves, calls));
    graph_->set_outputs(std::move(results));
    add_conditions(std::move(conditions));
    return {std::move(graph_), std::move(captures_)};
  }

 private:
  /// Calls on the arguments, and all other calls that were made while this trace was open.
  bool is_mine(const TensorNode& node, const PendingCall& call) const {
    return node.level >= depth_ || call.born >= depth_;
  }

  ValueId leaf_value(const NodeRef& leaf) {
    if (leaf->trace == id_) return arguments_[leaf->argument];
    if (leaf->is_number) {
      auto value = std::make_shared<const Literal>(leaf->buffer.to_literal());
      NodeId node =
          graph_->add_node(&constant_op(), {{"value", std::move(value)}}, {}, {leaf->type}, "");
      return graph_->node(node).outputs[0];
    }
    if (leaf->level >= depth_) escaped_ = leaf;
    captures_.emplace_back(leaf);
    return graph_->add_input(fmt::format("captured{}", captures_.size() - 1), leaf->type);
  }

  /// Those about the graph's own symbols: others stand for nothing that its arguments decide.
  void add_conditions(std::vector<DimCondition> conditions) {
    if (conditions.empty()) return;
    const std::vector<std::string> known = graph_->symbols();
    for (DimCondition& condition : conditions) {
      std::vector<std::string> symbols;
      condition.left.collect_symbols(symbols);
      condition.right.collect_symbols(symbols);
      bool is_about_it = std::ranges::all_of(symbols, [&](const std::string& name) {
        return std::ranges::binary_search(known, name);
      });
      if (is_about_it) graph_->add_condition(std::move(condition));
    }
  }

  [[noreturn]] void fail_escaped() const {
    throw make_error(ErrorCode::invalid_argument, "{}: {} {} is used outside of its function",
                     graph_->name(), escaped_->type.to_string(), describe(*escaped_))
        .note("an argument of a traced function was stored, and used after that function returned");
  }

  std::shared_ptr<Graph> graph_;
  uint64_t id_;
  uint32_t depth_;
  std::vector<ValueId> arguments_;
  std::vector<Tensor> captures_;
  NodeRef escaped_;
};

}  // namespace

}  // namespace detail

uint32_t trace_depth() { return detail::open_traces; }

Traced trace(const FlatFunction& f, std::span<const Type> arguments, std::string name,
             std::span<const std::string> names) {
  detail::TraceScope scope;
  const uint64_t id = detail::next_trace();
  const uint32_t depth = trace_depth();
  std::vector<detail::NodeRef> nodes;
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < arguments.size(); ++i) {
    auto node = std::make_shared<detail::TensorNode>();
    node->type = arguments[i];
    node->level = depth;
    node->trace = id;
    node->argument = static_cast<uint32_t>(i);
    if (!names.empty()) node->name = names[i];
    tensors.emplace_back(node);
    nodes.push_back(std::move(node));
  }
  ConditionRecorder recorder;
  std::vector<Tensor> outputs = f(std::move(tensors));
  // What is traced inside is a part of the outermost function, which keeps its conditions too.
  std::vector<DimCondition> conditions;
  if (depth == 1) conditions = recorder.take();
  return detail::Recording(std::move(name), id, depth)
      .finish(nodes, names, outputs, std::move(conditions));
}

}  // namespace tenon
