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
#include "tenon/nn/plateau.h"
#include "tenon/train/evaluate.h"
#include "tenon/train/model.h"

namespace tenon::train {

/// NaN is what there was not: accuracies where labels are not classes, validation without its data.
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
  /// Smaller learning rates after epochs without a better validation loss.
  std::optional<nn::PlateauOptions> plateau = std::nullopt;
  /// What is done to a batch of raw values on the host before it is used, such as flips and crops.
  data::Transform transform = {};
  /// What the model and the loss are given: "image", the tensor of a column, or {"source",
  /// "target"}, a tree of several. A loss that looks at outputs alone, as an autoencoder's may, is
  /// given the input, or no column at all.
  Columns input = "image";
  Columns label = "label";
  /// How the input reaches the model; by default as default_scaling says.
  std::optional<InputScaling> scaling = std::nullopt;
  /// The same by column, of a model of several inputs.
  InputScalings scalings = {};
  /// Weights to begin with in place of random ones; variables that they lack stay random. See
  /// nn::transfer for those of another model.
  nn::Variables start = {};
  /// Patterns of paths (matches_path): what is trained, all where it is empty, and what is not.
  /// Running averages are carried along in either case.
  std::vector<std::string> train_only = {};
  std::vector<std::string> frozen = {};
  /// Batches whose gradients make one update, as of one batch of all their rows. Learning rates
  /// count updates; batches that are left over at the end of an epoch go on into the next.
  int64_t accumulate = 1;
  /// With a decay such as 0.999 the average of weights over the steps is evaluated and kept in
  /// their place (Polyak and Juditsky 1992); 0: none.
  double average_decay = 0;
  /// Called after each step and each epoch; false ends the run as early stopping does.
  std::function<bool(const StepRecord&)> on_step = {};
  std::function<bool(const EpochRecord&, const Model&)> on_epoch = {};
  bool progress = true;
  /// Bytes that a step may hold besides the batch and what stays: parameters, optimiser slots and
  /// running averages. 0: what is free when the step is made.
  int64_t memory_limit = 0;
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
