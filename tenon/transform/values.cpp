#include "tenon/transform/values.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/graph/op.h"
#include "tenon/graph/splat.h"
#include "tenon/ops/precision.h"

namespace tenon::detail {

std::string derivative_label(const std::string& label) {
  return label.empty() ? label : label + "'";
}

Value scaled(const Value& derivative, const Value& partial) {
  if (!derivative || !partial) return {};
  std::optional<double> factor = splat_number(partial.build().graph(), partial.id());
  if (!factor) return derivative * partial;
  if (*factor == 1.0) return derivative;
  if (*factor == -1.0) return -derivative;
  if (*factor == 0.0) return {};
  return derivative * *factor;
}

Value add_derivatives(const Value& a, const Value& b) {
  if (!a) return b;
  if (!b) return a;
  return widen(a) + widen(b);
}

Value rounded(const Value& sum, DType dtype) { return sum ? cast(sum, dtype) : sum; }

Value zeros_like(const Value& x) { return x.build().full_like(x, 0.0); }

Value or_zeros(Build& build, const Value& x, const Type& type) {
  return x ? x : build.full(type, 0.0);
}

std::string unused_input_name(const Graph& graph, std::string name) {
  const auto& names = graph.input_names();
  while (std::find(names.begin(), names.end(), name) != names.end()) name += '\'';
  return name;
}

std::string describe_call(const Graph& graph, const Node& node) {
  std::string text = node.op->name;
  if (!node.label.empty()) text += " @" + node.label;
  text += " (";
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    text += (i > 0 ? ", " : "") + graph.type(node.inputs[i]).to_string();
  }
  text += ") -> ";
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    text += (i > 0 ? ", " : "") + graph.type(node.outputs[i]).to_string();
  }
  return text;
}

void fail_refused(std::string_view transform, const Graph& graph, const Node& node) {
  throw make_error(ErrorCode::unsupported, "{}: {} has no derivative", transform,
                   describe_call(graph, node))
      .note("{}", node.attributes.to_string())
      .note("hint: {}", node.op->why_not_differentiable);
}

}  // namespace tenon::detail
