#include "tenon/train/fit.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <limits>

#include "tenon/base/error.h"
#include "tenon/base/interrupt.h"
#include "tenon/base/json.h"
#include "tenon/base/log.h"
#include "tenon/base/progress.h"
#include "tenon/data/loader.h"
#include "tenon/nn/layers.h"
#include "tenon/train/checkpoint.h"
#include "tenon/train/step.h"

namespace tenon::train {

Loss FitOptions::nn_cross_entropy() { return nn::cross_entropy; }

namespace {

class Run {
 public:
  Run(const nn::Model& model, const data::Dataset& dataset, FitOptions options)
      : model_(model),
        dataset_(dataset),
        options_(std::move(options)),
        loader_(dataset, {.batch = options_.batch, .seed = options_.seed, .scale_bytes = false}) {
    if (options_.epochs < 1)
      fail(ErrorCode::invalid_argument, "fit: epochs is {}, it must be at least 1",
           options_.epochs);
    if (dataset.empty()) fail(ErrorCode::invalid_argument, "fit: the data set has no rows");
    const Literal& inputs = dataset[options_.input];
    dataset[options_.label];
    example_ = inputs.type();
    example_.shape.erase(0);
    if (is_integer(example_.dtype) && example_.dtype != DType::u8)
      options_.scaling.to_float = false;
  }

  FitResult run() {
    InterruptScope interrupts;
    start();
    auto steps = static_cast<double>(loader_.steps_per_epoch() * options_.epochs);
    step_ = make_step(model_, options_, steps);
    while (epoch_ < options_.epochs && !stopped_early() && !interrupted()) run_epoch();
    FitResult result;
    result.interrupted = interrupted();
    if (result.interrupted && !options_.checkpoint.empty()) save_checkpoint();
    result.model = make_model(best_ ? *best_ : nn::Variables{state_.parameters, state_.state});
    result.history = std::move(history_);
    return result;
  }

 private:
  Model make_model(nn::Variables variables) {
    return Model(model_, std::move(variables), example_, options_.scaling, dataset_.classes());
  }

  void start() {
    Type batch = example_;
    batch.shape.insert(0, Dim(std::min(options_.batch, dataset_.size())));
    auto scaling = options_.scaling;
    auto model = [this, scaling](nn::Scope s, Tensor x) { return model_(s, scaling.apply(x)); };
    nn::Variables variables = nn::init(model, {batch}, options_.seed);
    state_ = {variables.parameters, options_.optimizer.init(variables.parameters), variables.state,
              Tensor(0)};
    if (options_.checkpoint.empty()) return;
    std::optional<Checkpoint> last = CheckpointFolder(options_.checkpoint).latest();
    if (last) resume(*last);
  }

  void resume(const Checkpoint& last) {
    auto take = [&](const std::string& prefix, Tree& tree) {
      for_each_leaf(tree, [&](const std::string& path, Tensor& leaf) {
        const Tree* saved = last.state.find(prefix + path);
        if (saved && saved->leaf().type() == leaf.type()) {
          leaf = saved->leaf();
          return;
        }
        throw make_error(ErrorCode::shape_mismatch,
                         "cannot go on from the checkpoint in {}: it {} {}{}", options_.checkpoint,
                         saved ? "has another type for" : "lacks", prefix, path)
            .note("model       {}", leaf.type().to_string())
            .note("checkpoint  {}", saved ? saved->leaf().type().to_string() : "nothing")
            .note(
                "hint: it was made by another model or optimiser; choose another folder to start "
                "anew");
      });
    };
    take("parameters.", state_.parameters);
    take("slots.", state_.slots);
    take("state.", state_.state);
    state_.step = last.state.at("step");
    auto seed = last.notes.find("seed");
    if (seed != last.notes.end() && seed->second != std::to_string(options_.seed)) {
      throw make_error(ErrorCode::invalid_argument,
                       "the checkpoint in {} is of a run with seed {}, this one has {}",
                       options_.checkpoint, seed->second, options_.seed)
          .note("hint: choose another folder, or the same seed");
    }
    epoch_ = last.epoch;
    loader_.seek({.epoch = last.epoch, .step = last.step});
    first_step_ = last.step;
    restore_history(last.notes);
    log_info("going on from epoch {}, step {} in {}", last.epoch + 1, last.step,
             options_.checkpoint);
  }

  void save_checkpoint() {
    Checkpoint checkpoint;
    auto put = [&](const std::string& prefix, const Tree& tree) {
      for_each_leaf(tree, [&](const std::string& path, const Tensor& leaf) {
        checkpoint.state.set(prefix + path, leaf);
      });
    };
    put("parameters.", state_.parameters);
    put("slots.", state_.slots);
    put("state.", state_.state);
    checkpoint.state.set("step", state_.step);
    checkpoint.epoch = epoch_;
    checkpoint.step = step_in_epoch_;
    checkpoint.notes["seed"] = std::to_string(options_.seed);
    Json history = Json::array();
    for (const EpochRecord& r : history_.epochs) {
      history.push_back(
          {r.epoch, r.loss, r.accuracy, r.validation_loss, r.validation_accuracy, r.seconds});
    }
    Json losses = history_.step_loss;
    checkpoint.notes["epochs"] = dump_json(history, JsonStyle::compact);
    checkpoint.notes["step_loss"] = dump_json(losses, JsonStyle::compact);
    checkpoint.notes["epoch_sums"] =
        dump_json(Json{loss_sum_, correct_sum_, rows_done_, labels_done_}, JsonStyle::compact);
    last_checkpoint_ =
        CheckpointFolder(options_.checkpoint).write(checkpoint, options_.keep_checkpoints).string();
  }

  void restore_history(const std::map<std::string, std::string>& notes) {
    auto read = [&](const char* key) {
      auto found = notes.find(key);
      return found == notes.end() ? Json::array() : parse_json(found->second, options_.checkpoint);
    };
    for (const Json& r : read("epochs")) {
      history_.epochs.push_back({r.at(0), r.at(1), r.at(2), r.at(3), r.at(4), r.at(5)});
    }
    for (const Json& loss : read("step_loss")) {
      history_.step_loss.push_back(loss.is_null() ? std::numeric_limits<float>::quiet_NaN()
                                                  : loss.get<float>());
    }
    if (Json sums = read("epoch_sums"); sums.size() == 4) {
      loss_sum_ = sums[0];
      correct_sum_ = sums[1];
      rows_done_ = sums[2];
      labels_done_ = sums[3];
    }
  }

  void run_epoch() {
    auto began = std::chrono::steady_clock::now();
    int64_t steps = loader_.steps_per_epoch();
    ProgressOptions bar{.unit = "examples", .units_per_step = static_cast<double>(options_.batch)};
    std::optional<Progress> progress;
    if (options_.progress) {
      progress.emplace(fmt::format("epoch {}/{}", epoch_ + 1, options_.epochs), steps, bar);
      progress->start_from(first_step_);
    }
    if (first_step_ == 0) loss_sum_ = correct_sum_ = rows_done_ = labels_done_ = 0;
    step_in_epoch_ = first_step_;
    first_step_ = 0;
    std::string text;
    while (auto batch = loader_.next()) {
      take_step(*batch);
      ++step_in_epoch_;
      text = fmt::format("loss {:.3f}  accuracy {:.3f}", loss_sum_ / rows_done_,
                         correct_sum_ / labels_done_);
      if (progress) progress->update(step_in_epoch_, text);
      if (interrupted()) return;
      bool due = options_.checkpoint_every > 0 && step_in_epoch_ % options_.checkpoint_every == 0;
      if (due && step_in_epoch_ < steps && !options_.checkpoint.empty()) save_checkpoint();
    }
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
    EpochRecord record{epoch_ + 1, loss_sum_ / rows_done_, correct_sum_ / labels_done_, 0,
                       0,          seconds.count()};
    validate(record, text);
    if (progress) progress->finish(text);
    history_.epochs.push_back(record);
    ++epoch_;
    step_in_epoch_ = 0;
    if (!options_.checkpoint.empty()) save_checkpoint();
  }

  void validate(EpochRecord& record, std::string& text) {
    if (options_.validation.empty()) return;
    Model model = make_model({state_.parameters, state_.state});
    Evaluation e = evaluate(model, options_.validation, options_.input, options_.label);
    record.validation_loss = e.loss;
    record.validation_accuracy = e.accuracy;
    text += fmt::format("  validation loss {:.3f}  accuracy {:.3f}", e.loss, e.accuracy);
    if (e.loss >= best_loss_) {
      ++epochs_without_better_;
      return;
    }
    best_loss_ = e.loss;
    epochs_without_better_ = 0;
    if (options_.patience > 0) {
      // Copies: the step goes on to write into the buffers of the state.
      auto copy = [](const Tensor& leaf) { return Tensor(leaf.literal()); };
      best_ = nn::Variables{map_leaves(copy, state_.parameters), map_leaves(copy, state_.state)};
    }
  }

  bool stopped_early() const {
    return options_.patience > 0 && epochs_without_better_ >= options_.patience;
  }

  void take_step(const data::Batch& batch) {
    const Tensor& inputs = batch.at(options_.input);
    const Tensor& labels = batch.at(options_.label);
    StepResult result = step_(std::move(state_), inputs, labels);
    state_ = std::move(result.state);
    double loss = result.metrics.loss.item();
    history_.step_loss.push_back(static_cast<float>(loss));
    if (!std::isfinite(loss)) report_not_finite(loss, inputs, labels);
    auto rows = static_cast<double>(inputs.shape()[0].constant());
    loss_sum_ += loss * rows;
    rows_done_ += rows;
    correct_sum_ += result.metrics.correct.item();
    labels_done_ += static_cast<double>(labels.shape().element_count().constant());
  }

  [[noreturn]] void report_not_finite(double loss, const Tensor& inputs, const Tensor& labels) {
    std::string origin = first_not_finite(model_, options_, state_, inputs, labels);
    auto step = static_cast<int64_t>(history_.step_loss.size());
    Error error =
        make_error(ErrorCode::not_finite, "the loss became {} in step {} (epoch {}, batch {})",
                   loss, step, epoch_ + 1, step_in_epoch_ + 1);
    error.note("first made by  {}", origin.empty() ? "the loss itself" : origin);
    error.note("last good checkpoint  {}", last_checkpoint_.empty() ? "none" : last_checkpoint_);
    error.note("hint: a smaller learning rate, or clipped gradients, usually helps");
    throw error;
  }

  nn::Model model_;
  data::Dataset dataset_;
  FitOptions options_;
  data::Loader loader_;
  Type example_;
  TrainState state_;
  StepFunction step_;
  History history_;
  int64_t epoch_ = 0;
  int64_t first_step_ = 0;
  int64_t step_in_epoch_ = 0;
  double loss_sum_ = 0, correct_sum_ = 0, rows_done_ = 0, labels_done_ = 0;
  std::optional<nn::Variables> best_;
  double best_loss_ = INFINITY;
  int64_t epochs_without_better_ = 0;
  std::string last_checkpoint_;
};

}  // namespace

FitResult fit(const nn::Model& model, const data::Dataset& dataset, FitOptions options) {
  return Run(model, dataset, std::move(options)).run();
}

}  // namespace tenon::train
