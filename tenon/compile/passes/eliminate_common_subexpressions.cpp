// In: nodes that compute the same. Out: one of them (common subexpression elimination).
// Why: reverse mode and decompositions repeat cheap subexpressions; one kernel then serves all of
// them.
#include <unordered_map>

#include "tenon/base/hash.h"
#include "tenon/compile/pass.h"
#include "tenon/compile/rewriter.h"

namespace tenon {

std::unique_ptr<Graph> eliminate_common_subexpressions(const Graph& graph,
                                                       const PassContext& context) {
  Rewriter rewrite(graph, context.ops);
  std::unordered_map<Hash128, std::vector<ValueId>> seen;  // key -> results in the new graph
  bool merged = false;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    if (node.op->is_opaque) {
      rewrite.keep(id);
      continue;
    }
    Hasher hasher;
    hasher.add(node.op->name);
    node.attributes.hash(hasher);
    for (ValueId input : node.inputs) hasher.add(rewrite[input].id().index);
    auto [entry, fresh] = seen.try_emplace(hasher.finish());
    if (fresh) {
      rewrite.keep(id);
      for (ValueId output : node.outputs) entry->second.push_back(rewrite[output].id());
    } else {
      rewrite.replace(id, rewrite.build().values(entry->second));
      merged = true;
    }
  }
  return merged ? rewrite.finish() : nullptr;
}

}  // namespace tenon
