// One compiled training step: loss, gradients, optimiser, running averages.
//
//   StepFunction step = make_step(model, options, total_steps);
//   StepResult r = step(std::move(state), images, labels);      // updated in place
#pragma once

#include <cmath>
#include <functional>

#include "tenon/train/fit.h"

namespace tenon::train {

/// Everything that changes from step to step.
struct TrainState {
  Tree parameters;
  Tree slots;
  Tree state;   // of the model: running averages
  Tensor step;  // i32[], steps done
};

struct StepMetrics {
  Tensor loss;     // f32[]
  Tensor correct;  // f32[]: how many rows are predicted correctly; 0 if outputs are not logits of
                   // the labels' rows
};

struct StepResult {
  TrainState state;
  StepMetrics metrics;
};

using StepFunction = std::function<StepResult(TrainState, Tensor, Tensor)>;

/// The step as a plain function. A loss that is not finite leaves parameters, slots and averages
/// unchanged, so that the cause can still be found.
StepFunction make_step(const nn::ModelFunction& model, const FitOptions& options,
                       double total_steps);

/// The source of the first non-finite value in the forward pass of a step: an input ("image of
/// row 17"), a parameter that an earlier update made non-finite, or the first operation in program
/// order ("divide @fc2: f32[64,10]"); empty if there is none. `rows` are those of the data set.
std::string first_not_finite(const nn::ModelFunction& model, const FitOptions& options,
                             const TrainState& state, const Tensor& inputs, const Tensor& labels,
                             const std::vector<int64_t>& rows);

/// The same value, with NaN always positive: "-nan" in messages would only confuse.
inline double without_sign_of_nan(double value) { return std::isnan(value) ? NAN : value; }

/// The first parameter, slot or running average with a non-finite value, and what made it; empty if
/// there is none.
std::string values_not_finite(const TrainState& state);

}  // namespace tenon::train
