#include "tenon/train/configured.h"

#include <algorithm>
#include <utility>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/train/configured_values.h"
#include "tenon/train/labels.h"

namespace tenon::train {

namespace {

/// The largest class or token of a column.
int64_t largest(const data::Dataset& dataset, const std::string& column) {
  const Literal& values = dataset[column];
  int64_t result = 0;
  for (int64_t i = 0; i < values.size(); ++i) {
    int64_t value = values.to_int(i);
    if (value >= INT32_MAX)
      fail(ErrorCode::out_of_range, "'{}' of row {} is {}: too large for a class or a token",
           column, i / (values.size() / dataset.size()), value);
    result = std::max(result, value);
  }
  return result;
}

/// Classes of the labels, tokens of labels and inputs, or the real numbers of a row.
int64_t count_outputs(const data::Dataset& dataset, const std::string& input,
                      const std::string& label) {
  const Literal& labels = dataset[label];
  const Literal& inputs = dataset[input];
  if (is_floating(labels.dtype())) return labels.shape().size() == 2 ? labels.shape()[1] : 1;
  if (!dataset.classes().empty()) return static_cast<int64_t>(dataset.classes().size());
  bool tokens = kIndex.contains(inputs.dtype());
  return std::max(largest(dataset, label), tokens ? largest(dataset, input) : 0) + 1;
}

void configure_validation(const Configuration& train, ConfiguredRun& run) {
  if (!train.has("validation")) {
    if (run.options.plateau) {
      throw make_error(ErrorCode::invalid_argument,
                       "{}: a plateau is one of the validation loss, which there is not",
                       train.where("plateau"))
          .note("hint: validation = 0.1 keeps a tenth of the training set back");
    }
    if (run.options.patience <= 0) return;
    throw make_error(ErrorCode::invalid_argument, "{}: patience needs a validation set",
                     train.where("patience"))
        .note("hint: validation = 0.1 holds out a tenth of the training set");
  }
  if (train.kind("validation") == Configuration::Kind::string) {
    choose(train, "validation", "test", {"test"});
    if (run.test.empty()) {
      throw make_error(ErrorCode::invalid_argument, "{}: [data] names no test set to validate with",
                       train.where("validation"))
          .note("hint: validation = 0.1 holds out a tenth of the training set instead");
    }
    if (run.options.patience > 0 || run.options.plateau) {
      throw make_error(ErrorCode::invalid_argument,
                       "{}: with patience or a plateau the test set would choose the model",
                       train.where("validation"))
          .note("hint: validation = 0.1 holds out a tenth of the training set instead");
    }
    run.options.validation = run.test;
    return;
  }
  double fraction = train.get_double("validation");
  if (fraction <= 0 || fraction >= 1) {
    fail(ErrorCode::out_of_range,
         "{}: validation is {}; it must be a fraction of the training set between 0 and 1",
         train.where("validation"), fraction);
  }
  const int64_t rows = run.train.size();
  auto [kept_back, rest] = std::move(run.train).split(fraction, run.options.seed);
  if (kept_back.empty() || rest.empty()) {
    fail(ErrorCode::out_of_range, "{}: validation = {} of {} rows leaves nothing to {} with",
         train.where("validation"), fraction, rows, rest.empty() ? "train" : "validate");
  }
  run.options.validation = std::move(kept_back);
  run.train = std::move(rest);
}

/// plateau = {factor = 0.1, patience = 10, …}
std::optional<nn::PlateauOptions> plateau_of(const Configuration& train) {
  if (!train.has("plateau")) return std::nullopt;
  const Configuration p = train.section("plateau");
  nn::PlateauOptions options;
  options.factor = p.get_double("factor", options.factor);
  options.patience = p.get_int("patience", options.patience);
  options.threshold = p.get_double("threshold", options.threshold);
  options.cooldown = p.get_int("cooldown", options.cooldown);
  options.least = p.get_double("least", options.least);
  at_key(train, "plateau", [&] { nn::Plateau{options}; });
  return options;
}

/// First of all: a misspelt section would be missed as a key that is not there.
void reject_unknown_sections(const Configuration& config) {
  const std::vector<std::string> known = {"data", "model", "train"};
  for (const std::string& name : config.keys()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    throw make_error(ErrorCode::invalid_argument, "unknown key {}", name)
        .note("{}: {}: {}", config.where(name), name, hint(name, known));
  }
}

}  // namespace

ConfiguredRun configure(const Configuration& config) {
  reject_unknown_sections(config);
  Configuration train = config.section("train");
  ConfiguredRun run;
  FitOptions& options = run.options;
  options.epochs = count_of(train, "epochs", options.epochs, 1);
  options.seed = static_cast<uint64_t>(train.get_int("seed", 0));
  options.batch = count_of(config, "data.batch", options.batch, 1);
  options.checkpoint = train.get_string("checkpoint", "");
  options.checkpoint_every = count_of(train, "checkpoint_every", 0, 0);
  options.checkpoint_seconds = train.get_double("checkpoint_seconds", options.checkpoint_seconds);
  if (!(options.checkpoint_seconds >= 0)) {
    fail(ErrorCode::out_of_range, "{}: checkpoint_seconds is {}, it must be at least 0",
         train.where("checkpoint_seconds"), options.checkpoint_seconds);
  }
  options.keep_checkpoints =
      static_cast<int>(count_of(train, "keep_checkpoints", options.keep_checkpoints, 1));
  options.patience = count_of(train, "patience", 0, 0);
  options.plateau = plateau_of(train);
  options.accumulate = count_of(train, "accumulate", options.accumulate, 1);
  options.average_decay = train.get_double("average_decay", options.average_decay);
  if (!(options.average_decay >= 0 && options.average_decay < 1)) {
    fail(ErrorCode::out_of_range, "{}: average_decay is {}, it must be at least 0 and less than 1",
         train.where("average_decay"), options.average_decay);
  }
  if (train.has("train_only")) options.train_only = train.get_strings("train_only");
  if (train.has("frozen")) options.frozen = train.get_strings("frozen");
  options.memory_limit = count_of(train, "memory_limit", 0, 0);
  options.optimizer = configure_optimizer(train.section("optimizer"));
  ConfiguredData data = configure_data(config);
  run.train = std::move(data.train);  // alone, so that a part for validation needs no second copy
  run.test = std::move(data.test);
  options.input = data.input;
  options.label = data.label;
  options.loss = configure_loss(train, "loss");
  options.metrics = configure_metrics(train, "metrics");
  const bool simple = data.input.is_one() && data.label.is_one();
  if (labels_of(options.loss.name()) == LabelKind::numbers && data.label.is_one()) {
    const std::string& label = data.label.names().front();
    run.train = labels_as(DType::f32, std::move(run.train), label);
    if (!run.test.empty()) run.test = labels_as(DType::f32, std::move(run.test), label);
  }
  run.model = configure_model(config, simple ? count_outputs(run.train, data.input.names().front(),
                                                             data.label.names().front())
                                             : 0);
  options.test = run.test;
  configure_validation(train, run);
  if (config.has("data.scale") || config.has("data.offset"))
    options.scaling = InputScaling{.scale = real_of(config, "data.scale", 1),
                                   .offset = real_of(config, "data.offset", 0)};
  config.reject_unknown_keys();
  return run;
}

}  // namespace tenon::train
