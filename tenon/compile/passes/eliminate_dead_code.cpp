// In: nodes whose results nobody reads. Out: a graph without them.
// Why: tracing records everything and reverse mode derives more than is asked for.
#include "tenon/compile/pass.h"
#include "tenon/compile/rewriter.h"

namespace tenon {

std::unique_ptr<Graph> eliminate_dead_code(const Graph& graph, const PassContext& context) {
  std::vector<bool> live(graph.value_count(), false);
  for (ValueId output : graph.outputs()) live[output.index] = true;
  std::vector<bool> keep(graph.node_count(), false);
  bool dead = false;
  for (NodeId id = static_cast<NodeId>(graph.node_count()); id-- > 0;) {
    const Node& node = graph.node(id);
    for (ValueId output : node.outputs) keep[id] = keep[id] || live[output.index];
    dead = dead || !keep[id];
    if (!keep[id]) continue;
    for (ValueId input : node.inputs) live[input.index] = true;
  }
  if (!dead) return nullptr;
  Rewriter rewrite(graph, context.ops);
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    if (keep[id]) rewrite.keep(id);
  }
  return rewrite.finish();
}

}  // namespace tenon
