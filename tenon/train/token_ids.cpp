#include "tenon/train/token_ids.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/graph/op.h"

namespace tenon::train {

namespace {

/// Whether a value is the first input, in another dtype or shape perhaps.
bool is_first_input(const Graph& graph, ValueId value) {
  for (const Node* node = graph.producer(value); node != nullptr; node = graph.producer(value)) {
    if (!node->op->is(CoreOp::cast) && !is_reshape(*node)) return false;
    value = node->inputs[0];
  }
  return !graph.inputs().empty() && value == graph.inputs()[0];
}

}  // namespace

std::optional<int64_t> token_count(const Graph& model) {
  std::optional<int64_t> least;
  for (const Node& node : model.nodes()) {
    const std::optional<IndexInput>& indices = node.op->indices;
    if (!indices || indices->skips_negative || !is_first_input(model, node.inputs[indices->input]))
      continue;
    const Type& table = model.type(node.inputs[0]);
    const int64_t axis = indices->axis_of(node.attributes, table.rank());
    const Dim& rows = table.dim(static_cast<size_t>(axis));
    if (rows.is_constant()) least = std::min(least.value_or(INT64_MAX), rows.constant());
  }
  return least;
}

void check_token_ids(const Graph& model, const Literal& inputs, const std::string& what) {
  std::optional<int64_t> tokens = token_count(model);
  if (!tokens || !is_integer(inputs.dtype()) || inputs.size() == 0) return;
  const int64_t row = inputs.size() / inputs.shape().at(0);
  for (int64_t i = 0; i < inputs.size(); ++i) {
    int64_t id = inputs.to_int(i);
    if (id >= 0 && id < *tokens) continue;
    throw make_error(ErrorCode::out_of_range, "{}: id {} in row {}, but the model knows {} tokens",
                     what, id, i / row, *tokens)
        .note("hint: ids are counted from 0; a model by name takes tokens = N");
  }
}

}  // namespace tenon::train
