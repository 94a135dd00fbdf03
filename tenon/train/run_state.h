// The state of a run between two steps, and its conversion to and from a checkpoint.
//
//   RunState run;                                       // then some steps
//   Checkpoint kept = to_checkpoint(run);
//   RunState again = /* as a new run begins */;
//   restore(again, kept);                               // the same bits, or an Error
#pragma once

#include <cmath>
#include <optional>

#include "tenon/train/checkpoint.h"
#include "tenon/train/fit.h"
#include "tenon/train/step.h"

namespace tenon::train {

/// Sums over the steps of the current epoch.
struct EpochSums {
  double loss = 0;    // times the weight of each batch
  double weight = 0;  // of all batches: what counts in the loss
  double correct = 0;
  double seconds = 0;
  std::map<std::string, double> parts = {};  // of the loss, as the loss
  double counted = 0;                        // labels that count; rows where labels are not classes
  double mean(double sum) const { return weight > 0 ? sum / weight : 0; }
  double mean_loss() const { return mean(loss); }
  double accuracy() const { return counted > 0 ? correct / counted : 0; }
};

/// The best variables so far, while training may stop early.
struct EarlyStopping {
  std::optional<nn::Variables> best;
  double best_loss = INFINITY;
  int64_t epochs_without_better = 0;
};

/// Where a run looks for plateaus of the validation loss.
using PlateauState = nn::Plateau::State;

struct RunState {
  TrainState values;
  int64_t epoch = 0;  // epochs finished
  int64_t step = 0;   // steps done in the current one
  EpochSums sums;
  EarlyStopping stopping;
  PlateauState plateau;
  History history;
};

Checkpoint to_checkpoint(const RunState& run);

/// `run` is in its initial state: its trees define what the checkpoint must hold. Error
/// shape_mismatch for a checkpoint of another model or optimiser.
void restore(RunState& run, const Checkpoint& checkpoint);

}  // namespace tenon::train
