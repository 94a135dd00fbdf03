// The training loop.
//
//   auto data = data::fashion_mnist();
//   auto result = train::fit(models::lenet5(), data.train, {
//       .optimizer = nn::adamw({.learning_rate = nn::one_cycle(4e-3), .weight_decay = 1e-4}),
//       .epochs = 5, .batch = 64, .checkpoint = "runs/lenet"});       // goes on there if it was killed
//   train::Evaluation e = train::evaluate(result.model, data.test);
#pragma once

#include <fmt/core.h>

#include <algorithm>
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
#include "tenon/nn/layers.h"
#include "tenon/nn/optimizer.h"
#include "tenon/train/model.h"

namespace tenon::train {

/// A scalar of a batch, a mean over its rows; a metric is one, too.
using Loss = std::function<Tensor(const Tensor& outputs, const Tensor& labels)>;
using Metrics = std::map<std::string, Loss>;

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
  /// Steps between checkpoints besides those at the end of each epoch; 0: none.
  int64_t checkpoint_every = 0;
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
};

struct FitResult {
  Model model;
  History history;
  int64_t best_epoch = 0;    // from 1: the one whose model this is, where patience kept the best
  bool interrupted = false;  // by Ctrl-C, after a checkpoint
};

/// Trains from scratch, or from the last checkpoint in options.checkpoint to the same bits as a run
/// that was never stopped. Labels and sizes, also those of validation and test data, are checked
/// before the first step. Error not_finite
/// when the loss is, or the parameters: it names the step, the first op that made it and the last
/// good checkpoint. Error already_exists when another run works in the folder.
FitResult fit(const nn::Model& model, const data::Dataset& dataset, FitOptions options = {});

struct Evaluation {
  double loss = 0;
  double accuracy = NAN;  // NaN where labels are not classes
  std::map<std::string, double> metrics;
  int64_t examples = 0;  // labels: one a row, or one a token
  /// confusion[label][predicted]: how many. This and what follows are empty where labels are not
  /// classes.
  std::vector<std::vector<int64_t>> confusion;
  std::vector<int32_t> predicted;    // one an example
  std::vector<float> confidence;     // probability of the predicted class
  std::vector<float> example_loss;   // one an example
  std::vector<std::string> classes;  // names of the labels; may be empty
  /// "loss 0.2716  accuracy 0.9027  (10,000 examples)"
  std::string summary() const;
  /// The summary and the confusions.
  std::string to_string() const;
};

struct EvaluateOptions {
  std::string input = "image";
  std::string label = "label";
  int64_t batch = 500;
  /// Empty: cross entropy where labels are classes, otherwise the mean squared error.
  Loss loss = {};
  Metrics metrics = {};
};

/// Labels are classes where they are whole numbers [rows, …] for outputs [rows, …, classes]: then
/// there are accuracy and confusions, too. Negative labels are left out; error out_of_range for one
/// beyond the classes, unless the loss is the caller's own.
Evaluation evaluate(const Model& model, const data::Dataset& dataset,
                    const EvaluateOptions& options = {});

}  // namespace tenon::train

template <>
struct fmt::formatter<tenon::train::Evaluation> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const tenon::train::Evaluation& evaluation, fmt::format_context& context) const {
    std::string text = evaluation.to_string();
    return std::copy(text.begin(), text.end(), context.out());
  }
};
