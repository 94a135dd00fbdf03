// In: calls of sub-graphs, rematerialised or not, functions with their own derivative,
// transparent ops. Out: their nodes in the caller. Derivatives have been taken by now, so nothing
// of these matters any more; the barriers that reverse mode put around recomputation stay. Why:
// every later pass sees one flat graph.
#include "tenon/compile/pass.h"
#include "tenon/compile/rewriter.h"
#include "tenon/ops/control_flow.h"

namespace tenon {

namespace {

const Graph* inlined_region(const Node& node) {
  if (control_of(*node.op) == Control::call) return node.attributes.graph("body").get();
  if (control_of(*node.op) == Control::custom_vjp) return node.attributes.graph("primal").get();
  return nullptr;
}

bool has_work(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (inlined_region(node) || node.op->is_transparent) return true;
  }
  return false;
}

}  // namespace

std::unique_ptr<Graph> inline_calls(const Graph& graph, const PassContext& context) {
  if (!has_work(graph)) return nullptr;
  Rewriter rewrite(graph, context.ops);
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    if (const Graph* region = inlined_region(node)) {
      std::unique_ptr<Graph> flat = inline_calls(*region, context);
      rewrite.replace(
          id, rewrite.build().inline_graph(flat ? *flat : *region, rewrite.inputs_of(node)));
    } else if (node.op->is_transparent) {
      rewrite.replace(id, {rewrite[node.inputs[0]]});
    } else {
      rewrite.keep(id);
    }
  }
  return rewrite.finish();
}

}  // namespace tenon
