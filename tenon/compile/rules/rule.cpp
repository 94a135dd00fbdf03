#include "tenon/compile/rules/rule.h"

namespace tenon {

const Node* Call::made_by(size_t i, std::string_view op_name) const {
  const Node* node = producer(inputs[i]);
  return node && node->op->name == op_name ? node : nullptr;
}

std::optional<double> splat(const Build& build, ValueId value) {
  const Graph& graph = const_cast<Build&>(build).graph();
  const Node* node = graph.producer(value);
  while (node && (node->op->name == "broadcast" || node->op->name == "reshape")) {
    node = graph.producer(node->inputs[0]);
  }
  if (!node || node->op->name != "constant") return std::nullopt;
  const Literal& literal = *node->attributes.literal("value");
  if (literal.size() == 0) return std::nullopt;
  double first = literal.to_double(0);
  for (int64_t i = 1; i < literal.size(); ++i) {
    if (literal.size() > 64 || literal.to_double(i) != first) return std::nullopt;
  }
  return first;
}

}  // namespace tenon
