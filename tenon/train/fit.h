// The training loop.
//
//   auto data = data::fashion_mnist();
//   auto result = train::fit(models::lenet5(), data.train, {
//       .optimizer = nn::adamw({.learning_rate = nn::one_cycle(4e-3), .weight_decay = 1e-4}),
//       .epochs = 5, .batch = 64, .checkpoint = "runs/lenet"});   // resumes if it was killed
//   train::Evaluation e = train::evaluate(result.model, data.test);
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tenon/base/files.h"
#include "tenon/data/dataset.h"
#include "tenon/data/prefetch.h"
#include "tenon/nn/losses.h"
#include "tenon/nn/optimizer.h"
#include "tenon/nn/plateau.h"
#include "tenon/train/evaluate.h"
#include "tenon/train/model.h"

namespace tenon::train {

/// NaN marks missing values: accuracies if labels are not classes, validation without data.
struct EpochRecord {
  int64_t epoch = 0;  // from 1
  double loss = 0;
  double accuracy = NAN;
  double validation_loss = NAN;
  double validation_accuracy = NAN;
  double seconds = 0;
  std::map<std::string, double> metrics = {};  // of the validation data
  std::map<std::string, double> parts = {};    // of the training loss
};

struct StepRecord {
  int64_t epoch = 0;  // from 1
  int64_t step = 0;   // from 1, over the whole run
  double loss = 0;
};

struct FitOptions {
  Loss loss = nn::cross_entropy;
  nn::Optimizer optimizer = nn::adamw({});
  int64_t epochs = 1;
  int64_t batch = 64;
  uint64_t seed = 0;
  /// Folder of checkpoints; empty: none. If the folder has checkpoints of the same run, training
  /// resumes from the last.
  std::string checkpoint = "";
  /// For a caller that locks the folder before and after the run; null: fit locks it.
  std::shared_ptr<FolderLock> checkpoint_lock = nullptr;
  /// Start over even if there are checkpoints. They are deleted after the first step, when the
  /// other options are known to work.
  bool fresh = false;
  /// Called once, after the first step and before the first checkpoint: the files of an earlier run
  /// may be replaced now.
  std::function<void()> on_start = {};
  /// Steps between checkpoints, in addition to those at the end of epochs; 0: none.
  int64_t checkpoint_every = 0;
  /// Minimum time between the last checkpoint and one at the end of an epoch, unless the run ends:
  /// writing one may take longer than an epoch. 0: after each epoch.
  double checkpoint_seconds = 2;
  int keep_checkpoints = 2;
  /// Evaluated after each epoch, with the loss and these metrics.
  data::Dataset validation = {};
  Metrics metrics = {};
  /// The data for the final evaluation: only checked, before the first step.
  data::Dataset test = {};
  /// Stop after this many epochs without a better validation loss, and return the best; 0: never.
  int64_t patience = 0;
  /// Smaller learning rates after epochs without a better validation loss.
  std::optional<nn::PlateauOptions> plateau = std::nullopt;
  /// What is done to a batch of raw values on the host before it is used, such as flips and crops.
  data::Transform transform = {};
  /// What the model and the loss are given: "image", the tensor of a column, or {"source",
  /// "target"}, a tree of several. An autoencoder's label is its input, or no column at all if the
  /// loss reads outputs only.
  Columns input = "image";
  Columns label = "label";
  /// How the input is scaled for the model; by default, default_scaling.
  std::optional<InputScaling> scaling = std::nullopt;
  /// The same by column, for a model of several inputs.
  InputScalings scalings = {};
  /// Initial weights instead of random ones; variables that they lack stay random. See nn::transfer
  /// for the weights of another model.
  nn::Variables start = {};
  /// Patterns of paths (matches_path): which parameters are trained (all if empty), and which are
  /// not. Running averages are updated in either case.
  std::vector<std::string> train_only = {};
  std::vector<std::string> frozen = {};
  /// The number of batches whose gradients make one update, which equals that of one batch of all
  /// their rows. Learning rates count updates. Batches left over at the end of an epoch count
  /// towards the first update of the next.
  int64_t accumulate = 1;
  /// With a decay such as 0.999, an exponential average of the weights is evaluated and kept
  /// instead of the weights (Polyak and Juditsky 1992); 0: none.
  double average_decay = 0;
  /// Called after each step and each epoch; returning false ends the run, like early stopping.
  std::function<bool(const StepRecord&)> on_step = {};
  std::function<bool(const EpochRecord&, const Model&)> on_epoch = {};
  bool progress = true;
  /// Bytes that a step may use in addition to the batch, parameters, optimiser slots and running
  /// averages. 0: the memory free when the step is made.
  int64_t memory_limit = 0;
};

struct History {
  std::vector<EpochRecord> epochs;
  std::vector<float> step_loss;  // one per step
  /// From 1: the epoch whose model was kept. The last, or the best if `patience` is set.
  int64_t best_epoch = 0;
  bool stopped_early = false;  // by `patience`
  /// Of the whole run, over all its processes. Includes building the model and writing checkpoints,
  /// in addition to the epochs.
  double wall_seconds = 0;
  /// The record of best_epoch; null if no epoch was finished.
  const EpochRecord* best() const&;
  const EpochRecord* best() const&& = delete;
  /// "stopped early after epoch 8: epoch 6 is kept (validation loss 0.51)"; empty if all epochs ran
  /// and the last is kept.
  std::string outcome() const;
};

struct FitResult {
  Model model;
  History history;
  bool interrupted = false;  // by Ctrl-C, after a checkpoint
};

/// Trains from scratch, or resumes from the last checkpoint in options.checkpoint, to the same bits
/// as an uninterrupted run. Labels and sizes, also those of validation and test data, are checked
/// before the first step. Error not_finite
/// if the loss or a parameter is not finite: it names the step, the first op that caused it and the
/// last good checkpoint. Error already_exists if another run uses the folder.
FitResult fit(const nn::ModelFunction& model, const data::Dataset& dataset,
              FitOptions options = {});

}  // namespace tenon::train
