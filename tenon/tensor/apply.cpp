// Recording calls: dtypes are promoted and shapes broadcast here, then the op's own inference
// decides.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "tenon/graph/broadcast.h"
#include "tenon/graph/build.h"
#include "tenon/ops/index_check.h"
#include "tenon/ops/known_op.h"
#include "tenon/ops/registry.h"
#include "tenon/tensor/apply.h"
#include "tenon/tensor/mapped_axes.h"
#include "tenon/tensor/numbers.h"
#include "tenon/tensor/transforms.h"

namespace tenon {

namespace detail {

namespace {

std::shared_ptr<PendingCall> pending_call(const OpDef& op, Attributes attributes,
                                          std::vector<NodeRef> inputs, std::string label,
                                          size_t results) {
  auto call = std::make_shared<PendingCall>();
  call->op = &op;
  call->attributes = std::move(attributes);
  call->inputs = std::move(inputs);
  call->label = std::move(label);
  call->born = trace_depth();
  call->result_count = static_cast<uint32_t>(results);
  return call;
}

uint32_t level_of(const PendingCall& call) {
  uint32_t level = 0;
  for (const NodeRef& input : call.inputs) level = std::max(level, input->level);
  return level;
}

Tensor pending_result(std::shared_ptr<PendingCall> call, size_t output, uint32_t level, Type type) {
  auto node = std::make_shared<TensorNode>();
  node->type = std::move(type);
  node->level = level;
  node->output = static_cast<uint32_t>(output);
  node->set_call(std::move(call));
  return Tensor(std::move(node));
}

}  // namespace

std::vector<Tensor> record(const OpDef& op, Attributes attributes, std::vector<NodeRef> inputs,
                           std::vector<Type> types, std::string label) {
  std::shared_ptr<PendingCall> call =
      pending_call(op, std::move(attributes), std::move(inputs), std::move(label), types.size());
  const uint32_t level = level_of(*call);
  std::vector<Tensor> results;
  results.reserve(types.size());
  for (size_t i = 0; i < types.size(); ++i)
    results.push_back(pending_result(call, i, level, std::move(types[i])));
  return results;
}

void check_known_indices(std::string_view what, const Type& x, const TensorNode& indices,
                         int64_t axis, int64_t low) {
  const Dim& size = x.shape[static_cast<size_t>(axis)];
  if (!indices.is_evaluated() || !size.is_constant()) return;
  const std::string type = x.to_string();
  check_indices({.op = what, .type = type, .axis = axis, .low = low, .size = size.constant()},
                indices.type.dtype, indices.buffer.as<std::byte>(), indices.buffer.shape());
}

namespace {

/// Under a vmap of its axis, a collective knows how many participate.
void fill_in_size(Attributes& attributes) {
  const Attribute* axis = attributes.find("axis_name");
  const Attribute* size = attributes.find("size");
  if (!axis || !axis->get_if<std::string>() || (size && *size != Attribute(Shape{}))) return;
  if (auto known = mapped_axis_size(*axis->get_if<std::string>()))
    attributes.set("size", Shape{*known});
}

/// Indices that are known when a call is recorded are checked then; nothing is computed for it.
void check_known_indices(const OpDef& op, std::span<const NodeRef> inputs,
                         const Attributes& attributes) {
  if (!op.indices) return;
  const IndexInput& indices = *op.indices;
  const Type& x = inputs[0]->type;
  check_known_indices(op.name, x, *inputs[indices.input], indices.axis_of(attributes, x.rank()),
                      indices.low());
}

/// The types of the results; attributes get their canonical form.
std::vector<Type> infer(const OpDef& op, std::span<const NodeRef> inputs, Attributes& attributes) {
  if (op.is_collective) fill_in_size(attributes);
  thread_local std::vector<Type> scratch;  // keeps its memory, and its shapes', from call to call
  std::vector<Type> types = std::move(scratch);
  constexpr size_t kMaxKept = 8;
  if (types.size() < inputs.size() || types.size() > kMaxKept) types.resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) types[i] = inputs[i]->type;
  auto name = [&inputs](size_t i) { return describe(*inputs[i]); };
  std::vector<Type> outputs;
  try {
    outputs = check_call(op, std::span(types).first(inputs.size()), attributes, std::cref(name));
    check_known_indices(op, inputs, attributes);
  } catch (Error& error) {
    if (!current_label().empty()) error.note("in {}", current_label());
    throw;
  }
  scratch = std::move(types);
  return outputs;
}

/// A call with one result.
Tensor call_op(const OpDef& op, std::vector<NodeRef> inputs, Attributes attributes) {
  std::vector<Type> types = infer(op, inputs, attributes);
  if (types.size() != 1)
    fail(ErrorCode::invalid_argument, "{} has {} results: use apply_multi", op.name, types.size());
  std::shared_ptr<PendingCall> call =
      pending_call(op, std::move(attributes), std::move(inputs), current_label(), 1);
  const uint32_t level = level_of(*call);
  return pending_result(std::move(call), 0, level, std::move(types[0]));
}

const OpDef& cast_op() {
  static constinit KnownOp op("cast");
  return op.get();
}
const OpDef& reshape_op() {
  static constinit KnownOp op("reshape");
  return op.get();
}
const OpDef& broadcast_op() {
  static constinit KnownOp op("broadcast");
  return op.get();
}

/// A whole number that is not known yet, for an operand of `op`: where the dtype does not hold it,
/// the nearest that it holds, which is right for bounds; of shifts, which leave nothing where they
/// are negative, the most. (Were it known, it would be an error.)
NodeRef convert_weak(const NodeRef& node, DType dtype, const OpDef& op) {
  static constinit KnownOp minimum("minimum"), maximum("maximum"), less("less"), select("select");
  const DType wide = node->type.dtype;
  NodeRef kept = node;
  if (promote(wide, dtype) != dtype) {
    const auto [low, high] = integer_range(dtype);
    if (op.is_shift) {
      NodeRef negative = call_op(less.get(), {node, number_node(0, wide)}, {}).node();
      kept = call_op(select.get(), {negative, number_node(high, wide), node}, {}).node();
    }
    kept = call_op(maximum.get(), {kept, number_node(low, wide)}, {}).node();
    kept = call_op(minimum.get(), {kept, number_node(high, wide)}, {}).node();
  }
  return call_op(cast_op(), {kept}, {{"dtype", dtype}}).node();
}

NodeRef convert(const NodeRef& node, DType dtype, const OpDef& op) {
  if (node->type.dtype == dtype) return node;
  if (node->is_number) return number_as(node, dtype, op);
  if (node->is_weak && is_integer(dtype)) return convert_weak(node, dtype, op);
  if (node->wide) return convert(node->wide, dtype, op);
  return call_op(cast_op(), {node}, {{"dtype", dtype}}).node();
}

NodeRef expand(const NodeRef& node, const Shape& shape) {
  const Shape& from = node->type.shape;
  if (from.always_equals(shape)) return node;
  auto [kept, dims] = broadcast_axes(from, shape);
  NodeRef source = node;
  if (kept.rank() != from.rank()) source = call_op(reshape_op(), {node}, {{"shape", kept}}).node();
  return call_op(broadcast_op(), {source}, {{"shape", shape}, {"dims", std::move(dims)}}).node();
}

const InputSchema& schema_of(const OpDef& op, size_t input) {
  return op.inputs[std::min(input, op.inputs.size() - 1)];
}

/// The dtype that the operands of an elementwise call meet in. Numbers give way to tensors.
DType common_dtype(const OpDef& op, std::span<const NodeRef> inputs) {
  std::optional<DType> tensors, numbers;
  bool fraction = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (schema_of(op, i).dtypes == kBoolean) continue;  // a predicate, not an operand
    std::optional<DType>& known = is_number_like(*inputs[i]) ? numbers : tensors;
    DType dtype = inputs[i]->type.dtype;
    known = known ? promote(*known, dtype) : dtype;
    fraction = fraction || inputs[i]->is_fraction;
  }
  if (!tensors) return numbers.value_or(DType::boolean);
  if (numbers && *tensors == DType::boolean) return *numbers;
  if (numbers && op.comparison)
    return compared_dtype(*tensors, *inputs[is_number_like(*inputs[0]) ? 0 : 1]);
  if (numbers && fraction && !is_floating(*tensors)) return promote(DType::f32, *numbers);
  return *tensors;
}

/// `dtype`, or what the op takes in its place: integers for bools, f32 for integers.
DType accepted_dtype(const OpDef& op, DType dtype) {
  DTypeSet accepted = op.inputs.back().dtypes;
  if (accepted.contains(dtype)) return dtype;
  if (dtype == DType::boolean && accepted.contains(DType::i32)) return DType::i32;
  if (!is_floating(dtype) && accepted.contains(DType::f32)) return DType::f32;
  return dtype;
}

void unify_dtypes(const OpDef& op, std::vector<NodeRef>& inputs) {
  bool same = std::all_of(inputs.begin(), inputs.end(), [&](const NodeRef& node) {
    return node->type.dtype == inputs[0]->type.dtype;
  });
  if (same && op.inputs.back().dtypes.contains(inputs[0]->type.dtype)) return;
  DType dtype = accepted_dtype(op, common_dtype(op, inputs));
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (schema_of(op, i).dtypes != kBoolean || op.inputs.back().dtypes == kBoolean)
      inputs[i] = convert(inputs[i], dtype, op);
  }
}

void unify_shapes(const OpDef& op, std::vector<NodeRef>& inputs) {
  bool same = std::all_of(inputs.begin(), inputs.end(), [&](const NodeRef& node) {
    return node->type.shape.always_equals(inputs[0]->type.shape);
  });
  if (same) return;
  Shape shape = inputs[0]->type.shape;
  try {
    for (const NodeRef& node : inputs) shape = broadcast_shapes(shape, node->type.shape);
  } catch (const Error& error) {
    Error named(error.code(), op.name + ": " + error.message());
    for (size_t i = 0; i < inputs.size(); ++i)
      named.add_note(operand_note(schema_of(op, i).name, inputs[i]->type, describe(*inputs[i])));
    if (!current_label().empty()) named.note("in {}", current_label());
    throw named;
  }
  for (NodeRef& node : inputs) node = expand(node, shape);
}

/// Trailing optional inputs may be left out.
std::vector<NodeRef> nodes_of(const OpDef& op, std::span<const Tensor> inputs) {
  std::vector<NodeRef> nodes;
  nodes.reserve(inputs.size());
  size_t count = inputs.size();
  while (count > 0 && !inputs[count - 1].has_value() && count <= op.inputs.size() &&
         op.inputs[count - 1].optional)
    --count;
  for (size_t i = 0; i < count; ++i) {
    if (!inputs[i].has_value())
      require(inputs[i], fmt::format("{}: input '{}'", op.name, schema_of(op, i).name));
    nodes.push_back(inputs[i].node());
  }
  return nodes;
}

/// Whether one of two is a number and the other one is not.
bool meets_number(std::span<const NodeRef> nodes) {
  return nodes.size() == 2 && is_number_like(*nodes[0]) != is_number_like(*nodes[1]);
}

struct Operands {
  std::vector<NodeRef> nodes;
  bool weak = false;  // what they give is a number again
};

/// Bools as integers for sums and the like, which take one tensor of any numbers.
void count_bools(const OpDef& op, std::vector<NodeRef>& nodes) {
  if (op.inputs.size() != 1 || nodes.size() != 1) return;
  const bool is_bool = nodes[0]->type.dtype == DType::boolean;
  if (is_bool && op.inputs[0].dtypes == kNumeric) nodes[0] = convert(nodes[0], DType::i32, op);
}

/// The inputs of a call; those of elementwise ops in one dtype and shape.
Operands operands_of(const OpDef& op, std::span<const Tensor> inputs) {
  Operands operands{nodes_of(op, inputs)};
  std::vector<NodeRef>& nodes = operands.nodes;
  if (op.is_elementwise && !nodes.empty() && nodes.size() <= op.inputs.size()) {
    operands.weak = is_weak_call(op, nodes);
    if (operands.weak) nodes = widened(op, nodes);
    if (meets_number(nodes) && op.comparison) nodes = comparable(op, nodes);
    unify_dtypes(op, nodes);
    unify_shapes(op, nodes);
  } else {
    count_bools(op, nodes);
  }
  return operands;
}

}  // namespace
}  // namespace detail

std::vector<Tensor> apply_multi(const OpDef& op, std::span<const Tensor> inputs,
                                Attributes attributes) {
  detail::Operands operands = detail::operands_of(op, inputs);
  std::vector<Type> types = detail::infer(op, operands.nodes, attributes);
  std::vector<Tensor> results = detail::record(op, std::move(attributes), std::move(operands.nodes),
                                               std::move(types), detail::current_label());
  if (operands.weak) {
    for (Tensor& result : results) result = detail::weak_number(result);
  }
  return results;
}

Tensor apply(const OpDef& op, std::span<const Tensor> inputs, Attributes attributes) {
  detail::Operands operands = detail::operands_of(op, inputs);
  Tensor result = detail::call_op(op, std::move(operands.nodes), std::move(attributes));
  return operands.weak ? detail::weak_number(result) : result;
}

Tensor apply(const OpDef& op, std::initializer_list<Tensor> inputs, Attributes attributes) {
  return apply(op, std::span<const Tensor>(inputs.begin(), inputs.size()), std::move(attributes));
}

Tensor apply(const OpDef& op, std::vector<Tensor> inputs, Attributes attributes) {
  return apply(op, std::span<const Tensor>(inputs), std::move(attributes));
}

Tensor apply(std::string_view op, std::initializer_list<Tensor> inputs, Attributes attributes) {
  return apply(core_ops().get(op), inputs, std::move(attributes));
}

namespace detail {
namespace {
thread_local std::string label_path;
}
const std::string& current_label() { return label_path; }
}  // namespace detail

LabelScope::LabelScope(std::string_view label) : previous_size_(detail::label_path.size()) {
  if (!detail::label_path.empty() && !label.empty()) detail::label_path += '.';
  detail::label_path += label;
}

LabelScope::~LabelScope() { detail::label_path.resize(previous_size_); }

}  // namespace tenon
