// In: any graph. Out: the same, whose gathers, scatters, embeddings and labels pass through
// check_indices first, where TENON_CHECK_INDICES asks for it. Why: what is out of range reads zero
// and writes nothing, in silence; this finds the first with its op and label. Before composites are
// opened, since those may mean it.
#include "tenon/compile/pass.h"
#include "tenon/compile/rewriter.h"
#include "tenon/ops/index_check.h"

namespace tenon {

std::unique_ptr<Graph> check_indices(const Graph& graph, const PassContext& context) {
  if (!index_checks()) return nullptr;
  Rewriter rewrite(graph, context.ops);
  bool changed = false;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    if (!node.op->indices) {
      rewrite.keep(id);
      continue;
    }
    changed = true;
    const IndexInput& what = *node.op->indices;
    const Type& type = graph.type(node.inputs[0]);
    const int64_t axis = what.axis_of(node.attributes, type.rank());
    std::vector<Value> inputs = rewrite.inputs_of(node);
    rewrite.build().set_label(node.label);
    inputs[what.input] = rewrite.build().call("check_indices", {inputs[what.input]},
                                              {{"size", Shape{type.dim(static_cast<size_t>(axis))}},
                                               {"low", what.low()},
                                               {"axis", axis},
                                               {"by", node.op->name},
                                               {"of", type.to_string()}});
    rewrite.build().set_label("");
    rewrite.replace(id, rewrite.build().copy_node(node, inputs));
  }
  return changed ? rewrite.finish() : nullptr;
}

}  // namespace tenon
