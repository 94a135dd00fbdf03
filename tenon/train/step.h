// One compiled training step: loss, gradients, optimiser, running averages.
//
//   given: nn::ModelFunction model; train::FitOptions options; nn::Variables initial; Tensor images, labels;
//   train::StepFunction step = train::make_step(model, options, 1000);
//   train::TrainState state = train::initial_state(initial, options);
//   train::StepResult r = step(std::move(state), images, labels);      // updated in place
#pragma once

#include <cmath>
#include <functional>
#include <optional>

#include "tenon/train/fit.h"

namespace tenon::train {

/// Everything that changes from step to step.
struct TrainState {
  Tree parameters;
  Tree slots;   // of the parameters that are trained
  Tree state;   // of the model: running averages
  Tensor step;  // i32[], batches done
  /// With FitOptions::average_decay: of the parameters that are trained.
  Tree averages = {};
  /// With FitOptions::accumulate: sums of gradients since the last update, and of their weights.
  Tree gradients = {};
  std::optional<Tensor> weight = {};
  /// With FitOptions::plateau: what learning rates are multiplied by, f32[].
  std::optional<Tensor> rate_factor = {};
};

struct StepMetrics {
  Tensor loss;     // f32[]
  Tensor weight;   // f32[]: what counts in the batch, as LossTerms say
  Tensor correct;  // f32[]: how many rows are predicted right; 0 where outputs are not logits of
                   // the labels' rows
  Tensor counted;  // f32[]: of how many rows that is, which classes may weigh otherwise in the loss
  Tree parts;      // of the loss, by name
};

struct StepResult {
  TrainState state;
  StepMetrics metrics;
};

/// (state, inputs, labels); of one column its tensor, of several a tree of them.
using StepFunction = std::function<StepResult(TrainState, Tree, Tree)>;

/// The parameters that options.train_only and options.frozen leave to be trained. Error not_found
/// for a pattern that matches none, invalid_argument where nothing is left.
Tree trained_parameters(const Tree& parameters, const FitOptions& options);

/// How a run begins.
TrainState initial_state(const nn::Variables& variables, const FitOptions& options);

/// The variables that are evaluated: with averages in place of parameters where there are some.
nn::Variables evaluated_variables(const TrainState& state);

/// The step as a plain function, for a run of so many steps. A loss that is not finite leaves
/// parameters, slots and averages as they were, so that what went wrong can still be looked at.
StepFunction make_step(const nn::ModelFunction& model, const FitOptions& options,
                       double total_steps);

/// Inputs as the model takes them, as options say for a column or default_scaling for its type.
Tree scaled_inputs(const FitOptions& options, const Tree& inputs);

/// What made the first value which is not finite in the forward pass of a step: an input ("image of
/// row 17"), a parameter that an earlier update spoiled, or the first operation in the order of the
/// program ("divide @fc2: f32[64,10]"); empty if there is none. `rows` are those of the data set.
std::string first_not_finite(const nn::ModelFunction& model, const FitOptions& options,
                             const TrainState& state, const Tree& inputs, const Tree& labels,
                             const std::vector<int64_t>& rows);

/// The same value, with NaN always positive: "-nan" in messages would only confuse.
inline double without_sign_of_nan(double value) { return std::isnan(value) ? NAN : value; }

/// The first parameter, slot or running average with a non-finite value, and what made it; empty if
/// there is none.
std::string values_not_finite(const TrainState& state);

}  // namespace tenon::train
