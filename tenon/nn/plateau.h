// Smaller learning rates where a loss stops to fall, which is no function of the step.
//
//   nn::Plateau plateau({.factor = 0.5, .patience = 3});
//   for (double validation_loss : {1.0, 0.8, 0.8, 0.8, 0.8, 0.8}) plateau.update(validation_loss);
//   plateau.factor();                                // 0.5: what the optimiser's rate is multiplied by
//   nn::Optimizer slower = nn::adam({}).with_rate_factor(Tensor(plateau.factor()));
#pragma once

#include <cmath>
#include <cstdint>

namespace tenon::nn {

/// As torch.optim.lr_scheduler.ReduceLROnPlateau, whose defaults these are.
struct PlateauOptions {
  double factor = 0.1;      // what the rate is multiplied by, from 0 to less than 1
  int64_t patience = 10;    // so many losses in a row that are not better are borne
  double threshold = 1e-4;  // better is less by more than this part of the best
  int64_t cooldown = 0;     // after a reduction so many losses are not counted
  double least = 0;         // the factor never falls below
};

/// Looks at one loss after the other, each of an epoch.
class Plateau {
 public:
  /// Error out_of_range for an option that is.
  explicit Plateau(PlateauOptions options);

  /// Whether the factor is smaller now. NaN is never better.
  bool update(double loss);
  double factor() const { return state_.factor; }

  /// All that changes.
  struct State {
    double factor = 1;
    double best = INFINITY;
    int64_t not_better = 0;  // losses in a row
    int64_t cooldown = 0;    // losses that are not counted yet
  };
  const State& state() const& { return state_; }
  State state() && { return state_; }
  void restore(State state) { state_ = state; }

 private:
  PlateauOptions options_;
  State state_;
};

}  // namespace tenon::nn
