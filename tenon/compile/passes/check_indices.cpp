// In: any graph. Out: the same, whose gathers, scatters, embeddings and labels pass through
// check_indices first, where TENON_CHECK_INDICES asks for it. Why: what is out of range reads zero
// and writes nothing, in silence; this finds the first with its op and label. Before composites are
// opened, since those may mean it.
#include "tenon/compile/pass.h"
#include "tenon/compile/rewriter.h"
#include "tenon/ops/index_check.h"

namespace tenon {

namespace {

/// Which input of a call holds indices, and along which axis of input 0.
struct Indexed {
  size_t input = 1;
  int64_t axis = 0;
  int64_t low = 0;
};

std::optional<Indexed> indexed(const Graph& graph, const Node& node) {
  const std::string& name = node.op->name;
  if (name == "gather" || name == "scatter")
    return Indexed{.axis = node.attributes.integer("axis")};
  if (name == "embedding") return Indexed{};
  // Negative labels are left out.
  if (name == "softmax_cross_entropy")
    return Indexed{.axis = static_cast<int64_t>(graph.type(node.inputs[0]).rank()) - 1,
                   .low = INT64_MIN};
  return std::nullopt;
}

}  // namespace

std::unique_ptr<Graph> check_indices(const Graph& graph, const PassContext& context) {
  if (!index_checks()) return nullptr;
  Rewriter rewrite(graph, context.ops);
  bool changed = false;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    const std::optional<Indexed> what = indexed(graph, node);
    if (!what) {
      rewrite.keep(id);
      continue;
    }
    changed = true;
    const Type& type = graph.type(node.inputs[0]);
    std::vector<Value> inputs = rewrite.inputs_of(node);
    rewrite.build().set_label(node.label);
    inputs[what->input] =
        rewrite.build().call("check_indices", {inputs[what->input]},
                             {{"size", Shape{type.dim(static_cast<size_t>(what->axis))}},
                              {"low", what->low},
                              {"axis", what->axis},
                              {"by", node.op->name},
                              {"of", type.to_string()}});
    rewrite.build().set_label("");
    rewrite.replace(id, rewrite.build().copy_node(node, inputs));
  }
  return changed ? rewrite.finish() : nullptr;
}

}  // namespace tenon
