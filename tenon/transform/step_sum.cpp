#include "tenon/transform/step_sum.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/ops/value_functions.h"
#include "tenon/transform/joint.h"
#include "tenon/transform/values.h"

namespace tenon::detail {

namespace {

bool contains(const std::vector<ValueId>& values, ValueId value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

size_t position(const std::vector<ValueId>& values, ValueId value) {
  auto found = std::find(values.begin(), values.end(), value);
  check(found != values.end(), "a planned sum was given to the loop");
  return static_cast<size_t>(found - values.begin());
}

/// The axes of a per-step value in its stack, the step first.
Integers behind_step(const Integers& axes) {
  Integers shifted = {0};
  for (int64_t axis : axes) shifted.push_back(axis + 1);
  return shifted;
}

Integers shifted(const Integers& axes) {
  Integers result = axes;
  for (int64_t& axis : result) ++axis;
  return result;
}

}  // namespace

StepSums::StepSums(const Graph& body, std::span<const ValueId> varying)
    : body_(body), varies_(depends_on(body, varying)) {}

size_t StepSums::add_plan(Plan plan) {
  plans_.push_back(std::move(plan));
  return plans_.size() - 1;
}

void StepSums::stack(ValueId value) {
  if (!contains(stacked_, value)) stacked_.push_back(value);
}

size_t StepSums::plan(ValueId value) {
  const Node* node = body_.producer(value);
  if (!node || !varies_[value.index]) return add_plan({Kind::accumulate, value, {}});
  if (node->op->is(CoreOp::dot)) return plan_dot(value, *node);
  if (node->op->is(CoreOp::add)) {
    size_t first = plan(node->inputs[0]);
    size_t second = plan(node->inputs[1]);
    return add_plan({Kind::add, value, {first, second}});
  }
  bool unary = node->op->derivative_class == DerivativeClass::linear && node->inputs.size() == 1;
  if (unary) return plan_linear(value, *node, 0);
  return add_plan({Kind::accumulate, value, {}});
}

size_t StepSums::plan_dot(ValueId value, const Node& node) {
  ValueId lhs = node.inputs[0];
  ValueId rhs = node.inputs[1];
  if (varies_[lhs.index] && varies_[rhs.index]) {
    stack(lhs);
    stack(rhs);
    return add_plan({Kind::dot, value, {}});
  }
  size_t operand = varies_[lhs.index] ? 0 : 1;
  return plan_linear(value, node, operand);
}

/// The op of a sum instead of the sum of the op, where the sum is then not larger.
size_t StepSums::plan_linear(ValueId value, const Node& node, size_t operand) {
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    bool known = i == operand || body_.is_input(node.inputs[i]);
    if (!known) return add_plan({Kind::accumulate, value, {}});
  }
  ValueId summed = node.inputs[operand];
  size_t count = plans_.size();
  size_t part = plan(summed);
  bool accumulates = plans_[part].kind == Kind::accumulate;
  bool grows = estimated_bytes(body_.type(summed)) > estimated_bytes(body_.type(value));
  if (accumulates && grows) {
    plans_.resize(count);
    return add_plan({Kind::accumulate, value, {}});
  }
  return add_plan({Kind::apply, value, {part}, operand});
}

void StepSums::settle() {
  for (Plan& plan : plans_) {
    if (plan.kind != Kind::accumulate) continue;
    const Node* node = body_.producer(plan.value);
    // A bias: its per-step terms are stacked for the weight anyway.
    if (node && node->op->is(CoreOp::reduce_sum) && contains(stacked_, node->inputs[0])) {
      plan.kind = Kind::reduce;
    } else if (!contains(accumulated_, plan.value)) {
      accumulated_.push_back(plan.value);
    }
  }
}

const Value& StepSums::stack_of(ValueId value, const Results& results) const {
  return results.stacks[position(stacked_, value)];
}

Value StepSums::finish(Build& build, size_t index, const Results& results) const {
  const Plan& plan = plans_[index];
  DType dtype = body_.type(plan.value).dtype;
  if (plan.kind == Kind::accumulate)
    return rounded(results.totals[position(accumulated_, plan.value)], dtype);
  const Node& node = *body_.producer(plan.value);
  LabelScope label(build, node.label);
  switch (plan.kind) {
    case Kind::dot:
      return finish_dot(node, results);
    case Kind::reduce:
      return finish_reduce(node, results);
    case Kind::add: {
      Value first = finish(build, plan.parts[0], results);
      return first + finish(build, plan.parts[1], results);
    }
    default:
      break;
  }
  std::vector<Value> inputs;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    uint32_t input = body_.value(node.inputs[i]).output;
    bool summed = i == plan.operand;
    inputs.push_back(summed ? finish(build, plan.parts[0], results) : results.constants[input]);
  }
  return build.call_multi(*node.op, inputs, node.attributes)[0];
}

Value StepSums::finish_dot(const Node& node, const Results& results) const {
  const Attributes& at = node.attributes;
  return dot(stack_of(node.inputs[0], results), stack_of(node.inputs[1], results),
             {.lhs_contract = behind_step(at.integers("lhs_contract")),
              .rhs_contract = behind_step(at.integers("rhs_contract")),
              .lhs_batch = shifted(at.integers("lhs_batch")),
              .rhs_batch = shifted(at.integers("rhs_batch"))});
}

Value StepSums::finish_reduce(const Node& node, const Results& results) const {
  Integers axes = behind_step(node.attributes.integers("axes"));
  Value sum = reduce_sum(stack_of(node.inputs[0], results), axes);
  const Shape& shape = body_.type(node.outputs[0]).shape;
  return sum.shape().always_equals(shape) ? sum : reshape(sum, shape);
}

}  // namespace tenon::detail
