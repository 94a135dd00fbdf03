#include "tenon/ops/cost.h"

#include <vector>

#include "tenon/graph/op.h"
#include "tenon/ops/expr.h"

namespace tenon {

size_t operations_per_element(const Graph& graph, const Node& node) {
  ExprPool pool;
  std::vector<Expr> arguments;
  for (ValueId input : node.inputs) {
    const auto position = static_cast<uint32_t>(arguments.size());
    arguments.push_back(pool.argument(compute_type(graph.type(input).dtype), position));
  }
  const size_t before = pool.size();
  node.op->expand(pool, arguments, node.attributes);
  return pool.size() - before;
}

bool is_cheap(const Graph& graph, const Node& node) {
  const OpDef& op = *node.op;
  if (op.is_opaque || op.is_random) return false;
  if (op.is_view || op.is_broadcast) return true;
  // Constants, and what counts along an axis.
  if (node.inputs.empty() && op.element) return true;
  return op.is_elementwise && op.expand && operations_per_element(graph, node) <= kCheapOperations;
}

}  // namespace tenon
