#include "tenon/compile/rules/rule.h"

#include <cmath>
#include <cstring>

namespace tenon {

const Node* Call::made_by(size_t i, std::string_view op_name) const {
  const Node* node = producer(inputs[i]);
  return node && node->op->name == op_name ? node : nullptr;
}

std::optional<Literal> splat(const Build& build, ValueId value) {
  const Graph& graph = const_cast<Build&>(build).graph();
  const Node* node = graph.producer(value);
  while (node && (node->op->name == "broadcast" || is_reshape(*node))) {
    node = graph.producer(node->inputs[0]);
  }
  if (!node || !is_constant(*node)) return std::nullopt;
  const Literal& literal = *node->attributes.literal("value");
  if (literal.size() == 0 || literal.size() > 64) return std::nullopt;
  const size_t bytes = size_of(literal.dtype());
  for (size_t i = 1; i < static_cast<size_t>(literal.size()); ++i) {
    if (std::memcmp(literal.data(), literal.data() + i * bytes, bytes) != 0) return std::nullopt;
  }
  Literal scalar(literal.dtype(), {});
  std::memcpy(scalar.data(), literal.data(), bytes);
  return scalar;
}

std::optional<double> splat_number(const Build& build, ValueId value) {
  std::optional<Literal> scalar = splat(build, value);
  if (!scalar) return std::nullopt;
  const double number = scalar->to_double(0);
  constexpr double kExactIntegers = 0x1p53;
  if (is_integer(scalar->dtype()) && std::abs(number) > kExactIntegers) return std::nullopt;
  return number;
}

}  // namespace tenon
