#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/ops/expr.h"
#include "tenon/ops/value_functions.h"
#include "tenon/transform/control_dependence.h"
#include "tenon/transform/joint.h"
#include "tenon/transform/reverse.h"
#include "tenon/transform/scan_builder.h"
#include "tenon/transform/step_sum.h"
#include "tenon/transform/subgraph.h"
#include "tenon/transform/values.h"

namespace tenon::detail {

namespace {

/// Reverse mode of one scan. The forward loop also gives the values that the backward pass reads,
/// one per step; the backward loop runs over them from the last step to the first with the
/// cotangents of the carries as its carries.
class ScanReverse {
 public:
  explicit ScanReverse(const RegionCall& call)
      : build_(call.build),
        scan_(Scan::of(call.node)),
        inputs_(call.inputs.begin(), call.inputs.end()),
        wanted_(call.wanted),
        seeded_(call.seeded),
        active_(active_carries()),
        joint_(*scan_.body, build_.ops(), with_active(wanted_, scan_.constants),
               with_active(seeded_, 0)) {}

  std::vector<Value> emit_forward();
  std::vector<Value> pull(std::span<const Value> cotangents);

 private:
  /// What the backward body reads: the same in all steps, given for each step, or carried.
  enum class Role { invariant, x, carry_cotangent, y_cotangent };
  struct PartInput {
    Role role;
    Value value;        // the invariant, or the array of all steps
    size_t output = 0;  // for cotangents: of which output of the body
  };

  Flags active_carries() const;
  bool is_active(size_t input) const {
    return scan_.is_carry(input) && active_[input - scan_.constants];
  }
  Flags with_active(const Flags& flags, size_t first) const;
  Flags free_values() const;
  std::vector<Value> declare_inputs(ScanBuilder& loop, std::span<const Value> cotangents) const;
  std::vector<ValueId> varying_inputs() const;
  std::vector<ValueId> input_cotangents() const;

  Build& build_;
  Scan scan_;
  std::vector<Value> inputs_;
  Flags wanted_, seeded_;
  Flags active_;  // carries whose cotangents travel through the loop
  Joint joint_;
  std::unique_ptr<Graph> part_;         // the backward part of the body
  std::vector<PartInput> part_inputs_;  // one per input of part_
};

Flags ScanReverse::active_carries() const {
  size_t first = scan_.constants;
  Flags inputs = settle_forwards(*scan_.body, first, scan_.carries, wanted_);
  Flags outputs = settle_backwards(*scan_.body, first, scan_.carries, seeded_);
  Flags active;
  for (size_t i = 0; i < scan_.carries; ++i) active.push_back(inputs[first + i] && outputs[i]);
  return active;
}

/// Flags of the body's inputs or outputs from those of the scan's: a carry, of which the first is
/// at `first`, counts where it is active.
Flags ScanReverse::with_active(const Flags& flags, size_t first) const {
  Flags of_body = flags;
  for (size_t i = 0; i < scan_.carries; ++i) of_body[first + i] = active_[i];
  return of_body;
}

/// What the backward loop can read without its being saved: slices of xs, what the loop gives for
/// every step anyway, and all that is the same in every step.
Flags ScanReverse::free_values() const {
  std::span<const ValueId> varying = std::span(joint_.inputs).subspan(scan_.constants);
  Flags free = depends_on(*joint_.graph, varying);
  free.flip();
  for (size_t i = scan_.constants + scan_.carries; i < scan_.inputs(); ++i) {
    free[joint_.inputs[i].index] = true;
  }
  for (size_t i = scan_.carries; i < joint_.outputs.size(); ++i) {
    free[joint_.outputs[i].index] = true;
  }
  return free;
}

std::vector<Value> ScanReverse::emit_forward() {
  std::vector<ValueId> residuals = choose_residuals(joint_, free_values());
  Scan forward = scan_;
  forward.body = forward_part(joint_, residuals);
  std::vector<Value> outputs = forward.emit(build_, inputs_);

  std::vector<ValueId> given;
  auto give = [&](ValueId value, Role role, const Value& outside) {
    if (std::find(given.begin(), given.end(), value) != given.end()) return;
    given.push_back(value);
    part_inputs_.push_back({role, outside});
  };
  for (size_t i = 0; i < scan_.inputs(); ++i) {
    if (scan_.is_carry(i)) continue;
    give(joint_.inputs[i], scan_.is_x(i) ? Role::x : Role::invariant, inputs_[i]);
  }
  std::vector<ValueId> stacked(joint_.outputs.begin() + static_cast<std::ptrdiff_t>(scan_.carries),
                               joint_.outputs.end());
  stacked.insert(stacked.end(), residuals.begin(), residuals.end());
  for (size_t i = 0; i < stacked.size(); ++i) {
    give(stacked[i], Role::x, outputs[scan_.carries + i]);
  }
  part_ = backward_part(joint_, given);
  for (size_t i = 0; i < joint_.cotangents.size(); ++i) {
    if (!joint_.cotangents[i].valid()) continue;
    bool carried = i < scan_.carries;
    part_inputs_.push_back({carried ? Role::carry_cotangent : Role::y_cotangent, {}, i});
  }
  outputs.resize(joint_.outputs.size());
  return outputs;
}

std::vector<ValueId> ScanReverse::varying_inputs() const {
  std::vector<ValueId> varying;
  for (size_t i = 0; i < part_inputs_.size(); ++i) {
    if (part_inputs_[i].role != Role::invariant) varying.push_back(part_->inputs()[i]);
  }
  return varying;
}

/// Values of the backward part, one per input of the scan, where there is one.
std::vector<ValueId> ScanReverse::input_cotangents() const {
  std::vector<ValueId> result(scan_.inputs());
  size_t next = 0;
  for (size_t i = 0; i < scan_.inputs(); ++i) {
    if (joint_.input_cotangents[i].valid()) result[i] = part_->outputs()[next++];
  }
  return result;
}

/// The inputs of the backward part as values of the loop's body.
std::vector<Value> ScanReverse::declare_inputs(ScanBuilder& loop,
                                               std::span<const Value> cotangents) const {
  std::vector<Value> inside;
  for (size_t i = 0; i < part_inputs_.size(); ++i) {
    const PartInput& input = part_inputs_[i];
    Type type = part_->type(part_->inputs()[i]);
    switch (input.role) {
      case Role::invariant:
        inside.push_back(loop.invariant(input.value));
        break;
      case Role::x:
        inside.push_back(loop.x(input.value));
        break;
      case Role::carry_cotangent:
        inside.push_back(loop.carry(or_zeros(build_, cotangents[input.output], type)));
        break;
      case Role::y_cotangent:
        type.shape.insert(0, scan_.length);
        inside.push_back(loop.x(or_zeros(build_, cotangents[input.output], type)));
        break;
    }
  }
  return inside;
}

std::vector<Value> ScanReverse::pull(std::span<const Value> cotangents) {
  ScanBuilder loop(build_, part_->name(), scan_.length, !scan_.reverse);
  std::vector<ValueId> arguments;
  for (const Value& value : declare_inputs(loop, cotangents)) arguments.push_back(value.id());
  std::vector<ValueId> map = copy_nodes(loop.body().graph(), *part_, arguments);
  auto inside = [&](ValueId of_part) { return loop.body().value(map[of_part.index]); };

  StepSums sums(*part_, varying_inputs());
  std::vector<size_t> handle(scan_.inputs());  // of the carry, the y or the plan
  std::vector<ValueId> of_input = input_cotangents();
  size_t carry = 0;
  for (size_t i = 0; i < scan_.inputs(); ++i) {
    if (is_active(i)) {
      Type type = scan_.body->type(scan_.body->inputs()[i]);
      handle[i] = carry;
      loop.set_next(carry++, of_input[i].valid() ? inside(of_input[i]) : loop.body().full(type, 0));
    } else if (of_input[i].valid()) {
      handle[i] = scan_.is_x(i) ? loop.y(inside(of_input[i])) : sums.plan(of_input[i]);
    }
  }
  sums.settle();
  std::vector<size_t> stacks;
  for (ValueId value : sums.stacked()) stacks.push_back(loop.y(inside(value)));
  for (ValueId value : sums.accumulated()) {
    // Of f16 and bf16 in f32, rounded behind the loop.
    Type type = part_->type(value);
    type.dtype = compute_type(type.dtype);
    Value total = loop.carry(build_.full(type, 0.0));
    loop.set_next(loop.carry_count() - 1, total + cast(inside(value), type.dtype));
  }
  loop.finish();

  StepSums::Results results;
  for (size_t y : stacks) results.stacks.push_back(loop.stack(y));
  for (; carry < loop.carry_count(); ++carry) results.totals.push_back(loop.final_carry(carry));
  for (const PartInput& input : part_inputs_) {
    results.constants.push_back(input.role == Role::invariant ? input.value : Value());
  }
  std::vector<Value> result(scan_.inputs());
  for (size_t i = 0; i < scan_.inputs(); ++i) {
    if (is_active(i)) {
      result[i] = loop.final_carry(handle[i]);
    } else if (of_input[i].valid()) {
      result[i] = scan_.is_x(i) ? loop.stack(handle[i]) : sums.finish(build_, handle[i], results);
    }
  }
  return result;
}

}  // namespace

RegionForward forward_scan(const RegionCall& call) {
  auto reverse = std::make_shared<ScanReverse>(call);
  std::vector<Value> outputs = reverse->emit_forward();
  return {std::move(outputs), [reverse](std::span<const Value> c) { return reverse->pull(c); }};
}

}  // namespace tenon::detail
