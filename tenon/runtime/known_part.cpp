#include "tenon/runtime/known_part.h"

#include <algorithm>

#include "tenon/compile/fusion.h"
#include "tenon/runtime/arena_pool.h"
#include "tenon/runtime/views.h"

namespace tenon {

namespace {

/// Finds the nodes and copies them.
class Extraction {
 public:
  Extraction(const Program& program, const KnownValues& known)
      : program_(program), graph_(*program.graph), known_(graph_.value_count(), false) {
    for (const auto& [value, literal] : known) known_[value.index] = true;
    depends_ = known_;
    for (NodeId id = 0; id < graph_.node_count(); ++id) look_at(id);
  }

  KnownPart extract() {
    find_outputs();
    result_.program.generator = program_.generator;
    result_.program.graph = std::make_unique<Graph>(graph_.name());
    copies_.resize(graph_.value_count());
    std::vector<NodeId> needed = needed_nodes();
    for (NodeId id : needed) copy(id);
    std::vector<ValueId> outputs;
    for (ValueId output : result_.outputs) outputs.push_back(copies_[output.index]);
    result_.program.graph->set_outputs(std::move(outputs));
    return std::move(result_);
  }

 private:
  /// Constants are known, and what is made of them alone is cheap to leave to the runs: only what
  /// depends on a known input is worth the memory.
  void look_at(NodeId id) {
    const Node& node = graph_.node(id);
    bool depends = false, known = is_constant(node) || !node.inputs.empty();
    for (ValueId input : node.inputs) {
      known = known && known_[input.index];
      depends = depends || depends_[input.index];
    }
    if (!known || !can_be_computed(id)) return;
    for (ValueId output : node.outputs) known_[output.index] = true;
    for (ValueId output : node.outputs) depends_[output.index] = depends;
  }

  bool can_be_computed(NodeId id) const {
    const Node& node = graph_.node(id);
    if (is_constant(node)) return true;
    if (node.outputs.empty() || program_.regions.contains(id) || node.op->is_collective)
      return false;
    int64_t read = 0, written = 0;
    for (ValueId output : node.outputs) {
      if (!graph_.type(output).shape.is_constant()) return false;
      written += bytes_of(output);
    }
    for (ValueId input : node.inputs) {
      if (!graph_.type(input).shape.is_constant()) return false;
      read += bytes_of(input);
    }
    if (node.op->is_view) return true;
    return written <= read && !uses_symbols(id);
  }

  int64_t bytes_of(ValueId value) const {
    const Type& type = graph_.type(value);
    return ConcreteType{type.dtype, type.shape.constants()}.bytes();
  }

  bool uses_symbols(NodeId id) const {
    const Node& node = graph_.node(id);
    const FusionCode* const code = program_.code_of(id);
    if (code == nullptr) {
      return std::ranges::any_of(node.attributes, [](const auto& entry) {
        const Shape* shape = entry.second.template get_if<Shape>();
        return shape != nullptr && !shape->is_constant();
      });
    }
    const auto has_symbols = [](const Type& type) { return !type.shape.is_constant(); };
    const Graph& body = fusion_body(node);
    for (uint32_t i = 0; i < body.value_count(); ++i) {
      if (has_symbols(body.type(ValueId{i}))) return true;
    }
    return std::ranges::any_of(code->temporaries, has_symbols) ||
           std::ranges::any_of(code->steps, [](const FusionCode::Step& step) {
             return !step.kernel->symbol_names().empty();
           });
  }

  bool is_made(ValueId value) const { return known_[value.index] && depends_[value.index]; }
  bool is_made(const Node& node) const { return !node.outputs.empty() && is_made(node.outputs[0]); }

  /// What the rest reads, seen through views: a view of a known input needs nothing.
  void find_outputs() {
    std::vector<bool> taken(graph_.value_count(), false);
    const auto take = [&](ValueId value) {
      const Node* producer = graph_.producer(value);
      while (producer != nullptr && producer->op->is_view) {
        value = viewed(*producer, value);
        producer = graph_.producer(value);
      }
      if (producer == nullptr || !is_made(value) || taken[value.index]) return;
      taken[value.index] = true;
      result_.outputs.push_back(value);
    };
    for (const Node& node : graph_.nodes()) {
      if (is_made(node) || node.op->is_view) continue;
      for (ValueId input : node.inputs) take(input);
    }
    for (ValueId output : graph_.outputs()) take(output);
  }

  std::vector<NodeId> needed_nodes() const {
    std::vector<bool> needed(graph_.value_count(), false);
    for (ValueId output : result_.outputs) needed[output.index] = true;
    std::vector<NodeId> nodes;
    for (NodeId id = static_cast<NodeId>(graph_.node_count()); id-- > 0;) {
      const Node& node = graph_.node(id);
      const bool read =
          std::ranges::any_of(node.outputs, [&](ValueId output) { return needed[output.index]; });
      if (!read) continue;
      for (ValueId input : node.inputs) needed[input.index] = true;
      nodes.push_back(id);
    }
    std::ranges::reverse(nodes);
    return nodes;
  }

  ValueId copy_of(ValueId value) {
    ValueId& copy = copies_[value.index];
    if (!copy.valid()) {  // an input of the whole
      copy = result_.program.graph->add_input(graph_.describe(value), graph_.type(value));
      result_.inputs.push_back(value);
    }
    return copy;
  }

  void copy(NodeId id) {
    const Node& node = graph_.node(id);
    ValueIds inputs;
    for (ValueId input : node.inputs) inputs.push_back(copy_of(input));
    const NodeId made = result_.program.graph->add_copy(graph_, id, std::move(inputs));
    const Node& copied = result_.program.graph->node(made);
    for (size_t i = 0; i < node.outputs.size(); ++i)
      copies_[node.outputs[i].index] = copied.outputs[i];
    if (!program_.code_of(id)) return;
    result_.program.fusions.resize(made + 1);
    result_.program.fusions[made] = program_.fusions[id];
  }

  const Program& program_;
  const Graph& graph_;
  std::vector<bool> known_, depends_;  // by value: the same in every run; because of an input
  std::vector<ValueId> copies_;
  KnownPart result_;
};

}  // namespace

KnownPart known_part(const Program& program, const KnownValues& known) {
  return Extraction(program, known).extract();
}

KnownValues with_known_part(const Program& program, KnownValues known,
                            const InstanceOptions& options) {
  const KnownPart part = known_part(program, known);
  if (part.outputs.empty()) return known;
  const Instance instance(part.program, {}, {.exact_convolutions = options.exact_convolutions});
  std::vector<void*> inputs, outputs;
  for (ValueId input : part.inputs)
    inputs.push_back(const_cast<std::byte*>(std::as_const(known).at(input).data()));
  std::vector<Literal> results;
  for (const ConcreteType& type : instance.output_types()) {
    results.push_back(Literal::uninitialized(type.dtype, type.shape));
    outputs.push_back(results.back().data());
  }
  auto arena = shared_arenas().take(instance.arena_bytes());
  instance.run(inputs.data(), outputs.data(), arena.data());
  for (size_t i = 0; i < results.size(); ++i)
    known.emplace(part.outputs[i], share_equal(results[i]));
  return known;
}

}  // namespace tenon
