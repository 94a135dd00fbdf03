// A training run from a configuration: its data, its model and its options.
//
//   Configuration config = Configuration::load("configs/fashion-lenet.toml");
//   train::ConfiguredRun run = train::configure(config);        // reads the data
//   train::FitResult result = train::fit(run.model, run.train, run.options);
//   train::Evaluation e = train::evaluate(result.model, run.test);
#pragma once

#include "tenon/base/configuration.h"
#include "tenon/data/dataset.h"
#include "tenon/data/sources.h"
#include "tenon/train/fit.h"

namespace tenon::train {

struct ConfiguredRun {
  nn::ModelFunction model;
  data::Dataset train;
  data::Dataset test;  // may be empty
  FitOptions options;
};

/// Reads [data], [model] and [train]; docs/guides/train.md lists the keys. Every error names the
/// place in the file; unknown keys are errors with a suggestion.
ConfiguredRun configure(const Configuration& config);

/// [data] alone: the training and the test part, or the test part only, for evaluation.
struct ConfiguredData {
  data::Dataset train;
  data::Dataset test;
  Columns input, label;
};
ConfiguredData configure_data(const Configuration& config, data::Parts parts = data::Parts::all);

/// These columns of an archive, ignoring others; labels of bool, u8 and i8 become i32, as losses
/// require.
data::Dataset labelled_npz(const std::string& file, const Columns& input, const Columns& label);

/// [model], with this number of outputs unless the section gives it.
nn::ModelFunction configure_model(const Configuration& config, int64_t outputs);

/// A name, or {name = "cross_entropy", label_smoothing = 0.1}; cross entropy where there is none.
Loss configure_loss(const Configuration& section, std::string_view key);
/// A list of names and of tables such as {name = "top_k", k = 5, as = "top 5"}.
Metrics configure_metrics(const Configuration& section, std::string_view key);
/// `{name = "adamw", learning_rate = {one_cycle = 4e-3}, weight_decay = 1e-4, clip = 1.0}`.
nn::Optimizer configure_optimizer(const Configuration& optimizer);
/// A number, or a table such as {one_cycle = peak, rise = 0.3} or {cosine = rate, final = 0}, each
/// with warm_up = steps; docs/guides/train.md lists them.
nn::LearningRate configure_learning_rate(const Configuration& section, std::string_view key);

}  // namespace tenon::train
