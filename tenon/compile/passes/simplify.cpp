// In: any graph. Out: the same values from fewer or cheaper operations, by the rules in
// compile/rules/, and small computations on constants done now. Why: reverse mode, batching and
// decompositions emit general forms; what is left over here costs nothing at run time.
#include <map>
#include <unordered_map>

#include "tenon/base/log.h"
#include "tenon/compile/pass.h"
#include "tenon/compile/rewriter.h"
#include "tenon/compile/rules/rule.h"
#include "tenon/ops/collective.h"
#include "tenon/ops/reference.h"

namespace tenon {

namespace {

constexpr int64_t kMaxFoldedElements = 64;

using RulesByOp = std::unordered_map<CoreOp, std::vector<Rule>>;

RulesByOp index_rules() {
  RulesByOp rules;
  for (const auto& list : {arithmetic_rules(), structure_rules(), contraction_rules()}) {
    for (const Rule& rule : list) rules[rule.op].push_back(rule);
  }
  return rules;
}

/// Elementwise calls on constants: one number when every operand is one number, else element by
/// element when small.
Value fold_constants(const Call& c) {
  if (!c.op.is_elementwise || !c.op.reference || !c.type.shape.is_constant()) return {};
  bool splats = true;
  bool literals = element_count(c.type.shape.constants()) <= kMaxFoldedElements;
  std::vector<std::optional<Literal>> scalars;
  for (const Value& input : c.inputs) {
    scalars.push_back(splats ? splat(c.build.graph(), input.id()) : std::nullopt);
    splats = scalars.back().has_value();
    const Node* node = c.producer(input);
    literals = literals && node && is_constant(*node);
  }
  if (c.inputs.empty() || (!splats && !literals)) return {};
  std::vector<int64_t> shape = splats ? std::vector<int64_t>{} : c.type.shape.constants();
  std::vector<RefArray> operands;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    operands.push_back(RefArray::from(
        splats ? *scalars[i] : *c.producer(c.inputs[i])->attributes.literal("value")));
  }
  ReferenceCall call(c.attributes, std::move(operands), {RefArray(c.type.dtype, shape)}, nullptr);
  c.op.reference(call);
  Literal result = call.output(0).to_literal();
  if (splats) return broadcast_to(c.build.constant(std::move(result)), c.type.shape);
  return c.build.constant(std::move(result));
}

/// A collective of one participant.
Value run_alone(const Call& c) {
  if (!c.op.is_collective || !is_alone(c.attributes)) return {};
  return c.inputs.empty() ? c.build.full(c.type, 0) : c.inputs[0];
}

}  // namespace

std::unique_ptr<Graph> simplify(const Graph& graph, const PassContext& context) {
  const RulesByOp rules = index_rules();
  Rewriter rewrite(graph, context.ops);
  bool changed = false;
  std::map<std::string, int> applied;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    Value better;
    if (node.outputs.size() == 1) {
      std::vector<Value> inputs = rewrite.inputs_of(node);
      const Type& type = graph.type(node.outputs[0]);
      Call call{rewrite.build(), *node.op, node.attributes, inputs, type};
      rewrite.build().set_label(node.label);
      better = fold_constants(call);
      if (!better) better = run_alone(call);
      const auto found = node.op->core ? rules.find(*node.op->core) : rules.end();
      if (!better && found != rules.end()) {
        for (const Rule& rule : found->second) {
          better = rule.apply(call);
          if (better) ++applied[rule.name];
          if (better) break;
        }
      }
      rewrite.build().set_label("");
    }
    if (better) {
      rewrite.replace(id, {better});
      changed = true;
    } else {
      rewrite.keep(id);
    }
  }
  for (const auto& [rule, count] : applied) log_debug("simplify: {} {} times", rule, count);
  return changed ? rewrite.finish() : nullptr;
}

}  // namespace tenon
