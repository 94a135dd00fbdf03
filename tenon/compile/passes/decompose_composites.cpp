// In: composites (softmax, layer_norm, …). Out: primitives, except where the target has a kernel
// for the composite. Why: what follows knows primitives only; fusion joins them again into kernels.
#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/compile/pass.h"
#include "tenon/compile/rewriter.h"
#include "tenon/ops/opening.h"

namespace tenon {

namespace {

/// Ops of extensions are written by others: what is wrong with one is said of it.
void check_decomposition(const Graph& graph, const Node& node, const std::vector<Value>& parts) {
  const std::string& name = node.op->name;
  if (parts.size() != node.outputs.size()) {
    fail(ErrorCode::invalid_argument, "{}: its decomposition gives {} values, not {}", name,
         parts.size(), node.outputs.size());
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    const Type& stated = graph.type(node.outputs[i]);
    if (!parts[i])
      fail(ErrorCode::invalid_argument, "{}: its decomposition gives no value {}", name, i);
    if (parts[i].type() != stated) {
      fail(ErrorCode::invalid_argument, "{}: its decomposition gives {}, but its types say {}",
           name, parts[i].type().to_string(), stated.to_string());
    }
  }
}

}  // namespace

std::unique_ptr<Graph> decompose_composites(const Graph& graph, const PassContext& context) {
  auto decomposes = [&](const Node& node) {
    return node.op->kind == OpKind::composite && !context.oracle.has_kernel(graph, node);
  };
  const auto& nodes = graph.nodes();
  const auto first = std::find_if(nodes.begin(), nodes.end(), decomposes);
  if (first == nodes.end()) return nullptr;
  const Opening opening(*first->op);
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
    const std::vector<Value> parts = node.op->decomposition(rule);
    check_decomposition(graph, node, parts);
    rewrite.replace(id, parts);
    rewrite.build().set_label("");
  }
  std::unique_ptr<Graph> result = rewrite.finish();
  // Decompositions may use simpler composites.
  std::unique_ptr<Graph> further = decompose_composites(*result, context);
  return further ? std::move(further) : std::move(result);
}

}  // namespace tenon
