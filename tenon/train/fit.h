// The training loop.
//
//   auto data = data::fashion_mnist();
//   auto result = train::fit(models::lenet5(), data.train, {
//       .optimizer = nn::adamw({.learning_rate = nn::one_cycle(4e-3), .weight_decay = 1e-4}),
//       .epochs = 5, .batch = 64, .checkpoint = "runs/lenet"});       // goes on there if it was killed
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
#include "tenon/train/evaluate.h"
#include "tenon/train/model.h"

namespace tenon::train {

struct FitOptions {
  Loss loss = nn::cross_entropy;
  nn::Optimizer optimizer = nn::adamw({});
  int64_t epochs = 1;
  int64_t batch = 64;
  uint64_t seed = 0;
  /// Folder of checkpoints; empty: none. A run that finds checkpoints of the same run there goes on
  /// from the last.
  std::string checkpoint = "";
  /// Of a caller who keeps the folder to itself before and after the run; null: fit locks it.
  std::shared_ptr<FolderLock> checkpoint_lock = nullptr;
  /// Begin anew although there are checkpoints. They are removed after the first step, when all
  /// that could be wrong with the other options has shown.
  bool fresh = false;
  /// Called once, after the first step and before the first checkpoint: what an earlier run left
  /// may go now.
  std::function<void()> on_start = {};
  /// Steps between checkpoints besides those at the end of epochs; 0: none.
  int64_t checkpoint_every = 0;
  /// No checkpoint at the end of an epoch so soon after the last one, unless the run ends there:
  /// writing one may take longer than an epoch. 0: after each epoch.
  double checkpoint_seconds = 2;
  int keep_checkpoints = 2;
  /// Evaluated after each epoch, by the loss and these metrics.
  data::Dataset validation = {};
  Metrics metrics = {};
  /// What the model will be evaluated with in the end: only checked, before the first step.
  data::Dataset test = {};
  /// Stop after so many epochs without a better validation loss, and return the best; 0: never.
  int64_t patience = 0;
  /// What is done to a batch of raw values on the host before it is used, such as flips and crops.
  data::Transform transform = {};
  std::string input = "image";
  std::string label = "label";
  /// How inputs reach the model; by default as default_scaling says.
  std::optional<InputScaling> scaling = std::nullopt;
  bool progress = true;
  /// Bytes that a step may hold besides the batch and what stays: parameters, optimiser slots and
  /// running averages. 0: what is free when the step is made.
  int64_t memory_limit = 0;
};

/// NaN is what there was not: accuracies where labels are not classes, validation without its data.
struct EpochRecord {
  int64_t epoch = 0;  // from 1
  double loss = 0;
  double accuracy = NAN;
  double validation_loss = NAN;
  double validation_accuracy = NAN;
  double seconds = 0;
  std::map<std::string, double> metrics = {};  // of the validation data
};

struct History {
  std::vector<EpochRecord> epochs;
  std::vector<float> step_loss;  // one a step
  /// From 1: the epoch whose model was kept. The last, or the best where there was patience.
  int64_t best_epoch = 0;
  bool stopped_early = false;  // patience was at its end
  /// Of the whole run, over all its processes: besides the epochs' seconds making the model and
  /// writing checkpoints.
  double wall_seconds = 0;
  /// That of best_epoch; null where no epoch was finished.
  const EpochRecord* best() const&;
  const EpochRecord* best() const&& = delete;
  /// "stopped early after epoch 8: epoch 6 is kept (validation loss 0.51)"; empty where all epochs
  /// were run and the last is kept.
  std::string outcome() const;
};

struct FitResult {
  Model model;
  History history;
  bool interrupted = false;  // by Ctrl-C, after a checkpoint
};

/// Trains from scratch, or from the last checkpoint in options.checkpoint to the same bits as a run
/// that was never stopped. Labels and sizes, also those of validation and test data, are checked
/// before the first step. Error not_finite
/// when the loss is, or the parameters: it names the step, the first op that made it and the last
/// good checkpoint. Error already_exists when another run works in the folder.
FitResult fit(const nn::ModelFunction& model, const data::Dataset& dataset,
              FitOptions options = {});

}  // namespace tenon::train
