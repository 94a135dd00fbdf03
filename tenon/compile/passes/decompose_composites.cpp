// In: composites (softmax, layer_norm, …). Out: primitives, except where the target has a kernel
// for the composite. Why: what follows knows primitives only; fusion joins them again into kernels.
#include "tenon/compile/pass.h"
#include "tenon/compile/rewriter.h"

namespace tenon {

std::unique_ptr<Graph> decompose_composites(const Graph& graph, const PassContext& context) {
  auto decomposes = [&](const Node& node) {
    return node.op->kind == OpKind::composite && !context.oracle.has_kernel(graph, node);
  };
  bool any = false;
  for (const Node& node : graph.nodes()) any = any || decomposes(node);
  if (!any) return nullptr;
  Rewriter rewrite(graph, context.ops);
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    if (!decomposes(node)) {
      rewrite.keep(id);
      continue;
    }
    std::vector<Value> inputs = rewrite.inputs_of(node);
    rewrite.build().set_label(node.label);
    RuleContext rule{rewrite.build(), node.attributes, inputs, {}};
    rewrite.replace(id, node.op->decomposition(rule));
    rewrite.build().set_label("");
  }
  std::unique_ptr<Graph> result = rewrite.finish();
  // Decompositions may use simpler composites.
  std::unique_ptr<Graph> further = decompose_composites(*result, context);
  return further ? std::move(further) : std::move(result);
}

}  // namespace tenon
