#pragma once

// Sums of per-step values over all steps of a loop, moved after the loop if that is cheaper.
// Private to transform/.

#include <span>
#include <vector>

#include "tenon/graph/build.h"
#include "tenon/transform/reach.h"

namespace tenon::detail {

/// The gradient of a loop's weight is the sum over steps of, typically, a dot of two per-step
/// values. One dot over all steps after the loop is much faster than a small one in each step that
/// adds to a large accumulator.
///
///   StepSums sums(body, per_step_inputs);
///   size_t plan = sums.plan(gradient);       // for each value that is to be summed
///   sums.settle();
///   … the loop emits sums.stacked() as ys and adds sums.accumulated() up …
///   Value total = sums.finish(build, plan, stacks, totals);
class StepSums {
 public:
  /// `varying`: the inputs of `body` that change from step to step.
  StepSums(const Graph& body, std::span<const ValueId> varying);

  size_t plan(ValueId value);
  /// Chooses how to compute the sums that are not dots; call it after the last plan.
  void settle();

  /// Values of the body that the loop must output in every step.
  const std::vector<ValueId>& stacked() const { return stacked_; }
  /// Values of the body that the loop must add up.
  const std::vector<ValueId>& accumulated() const { return accumulated_; }

  /// The results of the loop.
  struct Results {
    std::vector<Value> stacks;     // of stacked(); axis 0 is the step
    std::vector<Value> totals;     // of accumulated()
    std::vector<Value> constants;  // one per input of the body; invalid for those that vary
  };
  Value finish(Build& build, size_t plan, const Results& results) const;

 private:
  enum class Kind { accumulate, dot, add, apply, reduce };
  struct Plan {
    Kind kind = Kind::accumulate;
    ValueId value;
    std::vector<size_t> parts;
    size_t operand = 0;  // apply: which input of the node is summed first
  };

  size_t add_plan(Plan plan);
  size_t plan_dot(ValueId value, const Node& node);
  size_t plan_linear(ValueId value, const Node& node, size_t operand);
  void stack(ValueId value);
  Value finish_dot(const Node& node, const Results& results) const;
  Value finish_reduce(const Node& node, const Results& results) const;
  const Value& stack_of(ValueId value, const Results& results) const;

  const Graph& body_;
  Flags varies_;
  std::vector<Plan> plans_;
  std::vector<ValueId> stacked_;
  std::vector<ValueId> accumulated_;
};

}  // namespace tenon::detail
