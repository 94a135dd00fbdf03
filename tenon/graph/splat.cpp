#include "tenon/graph/splat.h"

#include <cmath>
#include <cstring>

#include "tenon/graph/op.h"

namespace tenon {

std::optional<Literal> splat(const Graph& graph, ValueId value) {
  const Node* node = graph.producer(value);
  while (node && (node->op->is_broadcast || is_reshape(*node))) {
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

std::optional<double> splat_number(const Graph& graph, ValueId value) {
  std::optional<Literal> scalar = splat(graph, value);
  if (!scalar) return std::nullopt;
  const double number = scalar->to_double(0);
  constexpr double kExactIntegers = 0x1p53;
  if (is_integer(scalar->dtype()) && std::abs(number) > kExactIntegers) return std::nullopt;
  return number;
}

}  // namespace tenon
