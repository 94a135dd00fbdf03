#include "tenon/train/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/base/interrupt.h"
#include "tenon/base/log.h"
#include "tenon/base/progress.h"
#include "tenon/data/loader.h"
#include "tenon/train/labels.h"
#include "tenon/train/run_state.h"

namespace tenon::train {

namespace {

class Run {
 public:
  Run(const nn::Model& model, const data::Dataset& dataset, FitOptions options)
      : model_(model),
        dataset_(dataset),
        options_(std::move(options)),
        loader_(dataset, {.batch = options_.batch,
                          .seed = options_.seed,
                          .scale_bytes = false,
                          .transform = options_.transform}) {
    if (options_.patience > 0 && options_.validation.empty())
      fail(ErrorCode::invalid_argument, "fit: patience needs validation data");
    if (options_.epochs < 1)
      fail(ErrorCode::invalid_argument, "fit: epochs is {}, it must be at least 1",
           options_.epochs);
    const Literal& inputs = dataset[options_.input];
    dataset[options_.label];
    example_ = inputs.type();
    example_.shape.erase(0);
    if (element_count(example_.shape.constants()) == 0)
      fail(ErrorCode::shape_mismatch, "fit: the rows of '{}' have no elements: they are {}",
           options_.input, example_.to_string());
    check_rows(dataset, options_.validation, options_.input, "validation");
    check_rows(dataset, options_.test, options_.input, "test");
    if (!options_.scaling) options_.scaling = default_scaling(example_);
  }

  FitResult run() {
    if (!options_.checkpoint.empty() && !options_.checkpoint_lock)
      options_.checkpoint_lock = std::make_shared<FolderLock>(options_.checkpoint);
    start();
    InterruptScope interrupts;  // until here there is nothing to save
    auto steps = static_cast<double>(loader_.steps_per_epoch() * options_.epochs);
    step_ = make_step(model_, options_, steps);
    while (run_.epoch < options_.epochs && !stopped_early() && !interrupted()) run_epoch();
    FitResult result;
    result.interrupted = interrupted();
    if (!result.interrupted) begin();  // also where no step was left
    bool anything = !run_.history.step_loss.empty();
    if (result.interrupted && anything && !options_.checkpoint.empty()) save_checkpoint();
    const auto& best = run_.stopping.best;
    result.model = evaluated_.with_variables(best ? *best : variables());
    result.best_epoch = best ? best_epoch() : run_.epoch;
    result.history = std::move(run_.history);
    return result;
  }

 private:
  nn::Variables variables() const { return {run_.values.parameters, run_.values.state}; }

  /// An error of a layer cannot know what the data were.
  nn::Variables initial_variables(const nn::Model& model, const Type& batch) const {
    try {
      return nn::init(model, {batch}, options_.seed);
    } catch (Error& error) {
      if (options_.scaling->to_float && error.code() == ErrorCode::type_mismatch) {
        error.note("the data: rows of '{}' are {}, which reach the model as f32", options_.input,
                   example_.to_string());
        error.note("hint: save token ids as int32");
      }
      throw;
    }
  }

  void start() {
    Type batch = example_;
    batch.shape.insert(0, Dim(std::min(options_.batch, dataset_.size())));
    InputScaling scaling = *options_.scaling;
    auto model = [this, scaling](nn::Scope s, Tensor x) { return model_(s, scaling.apply(x)); };
    nn::Variables initial = initial_variables(model, batch);
    run_.values = {initial.parameters, options_.optimizer.init(initial.parameters), initial.state,
                   Tensor(0)};
    // Types are enough here: the values themselves are to be updated in place.
    auto no_values = [](const Tensor& leaf) { return zeros_like(leaf); };
    evaluated_ = Model(
        model_, {map_leaves(no_values, initial.parameters), map_leaves(no_values, initial.state)},
        example_, scaling, dataset_.classes());
    if (is_built_in(options_.loss)) evaluated_.describe("loss", name_of(options_.loss));
    outputs_ = evaluated_.graph().output_types().at(0);
    check_labels(options_.loss, outputs_, dataset_, options_.label, "the training data");
    if (!options_.validation.empty())
      check_labels(options_.loss, outputs_, options_.validation, options_.label,
                   "the validation data");
    if (!options_.test.empty())
      check_labels(options_.loss, outputs_, options_.test, options_.label, "the test data");
    if (!options_.checkpoint.empty()) resume();
  }

  /// The settings work: from here on the folder is this run's.
  void begin() {
    if (std::exchange(begun_, true)) return;
    if (options_.fresh && !options_.checkpoint.empty())
      CheckpointFolder(options_.checkpoint).remove_all();
    if (options_.on_start) options_.on_start();
  }

  /// What must be equal for a checkpoint to be one of this run.
  std::map<std::string, std::string> identity() const {
    return {{"seed", std::to_string(options_.seed)},
            {"batch", std::to_string(options_.batch)},
            {"rows", std::to_string(dataset_.size())}};
  }

  void resume() {
    remove_stale_temporaries(options_.checkpoint);
    if (options_.fresh) return;
    std::optional<Checkpoint> last = CheckpointFolder(options_.checkpoint).latest();
    if (!last) return;
    for (const auto& [name, value] : identity()) {
      auto there = last->notes.find(name);
      if (there == last->notes.end() || there->second == value) continue;
      throw make_error(ErrorCode::invalid_argument,
                       "the checkpoint in {} is of a run with {} {}, this one has {}",
                       options_.checkpoint, name, there->second, value)
          .note("hint: go on with the same, or choose another folder to start anew");
    }
    restore(run_, *last);
    loader_.seek({.epoch = run_.epoch, .step = run_.step});
    last_checkpoint_ = last->path.string();
    log_info("going on from epoch {}, step {} in {}", run_.epoch + 1, run_.step,
             options_.checkpoint);
  }

  void save_checkpoint() {
    require_finite_parameters();
    Checkpoint checkpoint = to_checkpoint(run_);
    checkpoint.notes.merge(identity());
    last_checkpoint_ =
        CheckpointFolder(options_.checkpoint).write(checkpoint, options_.keep_checkpoints).string();
  }

  void run_epoch() {
    using Clock = std::chrono::steady_clock;
    int64_t steps = loader_.steps_per_epoch();
    EpochSums& sums = run_.sums;
    if (run_.step == 0) sums = {};
    std::optional<Progress> progress;
    if (options_.progress) {
      progress.emplace(fmt::format("epoch {}/{}", run_.epoch + 1, options_.epochs), steps,
                       ProgressOptions{.unit = "examples",
                                       .units_per_step = static_cast<double>(dataset_.size()) /
                                                         static_cast<double>(steps)});
      progress->start_from(run_.step);
    }
    auto began = Clock::now();
    auto count_time = [&] {
      auto now = Clock::now();
      sums.seconds += std::chrono::duration<double>(now - began).count();
      began = now;
    };
    std::string text;
    while (auto batch = loader_.next()) {
      take_step(*batch);
      ++run_.step;
      text = fmt::format("loss {:.3f}", sums.loss / sums.rows);
      if (classifies()) text += fmt::format("  accuracy {:.3f}", sums.correct / sums.labels);
      if (progress) progress->update(run_.step, text);
      count_time();
      if (interrupted()) return;
      bool due = options_.checkpoint_every > 0 && run_.step % options_.checkpoint_every == 0;
      if (due && run_.step < steps && !options_.checkpoint.empty()) save_checkpoint();
    }
    require_finite_parameters();
    EpochRecord record{.epoch = run_.epoch + 1, .loss = sums.loss / sums.rows};
    if (classifies()) record.accuracy = sums.correct / sums.labels;
    validate(record, text);
    if (progress) progress->finish(text);
    count_time();
    record.seconds = sums.seconds;
    run_.history.epochs.push_back(record);
    ++run_.epoch;
    run_.step = 0;
    if (!options_.checkpoint.empty()) save_checkpoint();
  }

  bool classifies() const { return are_classes(outputs_, dataset_[options_.label].type()); }

  void validate(EpochRecord& record, std::string& text) {
    if (options_.validation.empty()) return;
    Evaluation e = evaluate(evaluated_.with_variables(variables()), options_.validation,
                            {.input = options_.input,
                             .label = options_.label,
                             .loss = options_.loss,
                             .metrics = options_.metrics});
    record.metrics = e.metrics;
    record.validation_loss = e.loss;
    record.validation_accuracy = e.accuracy;
    text += fmt::format("  validation loss {:.3f}", e.loss);
    if (classifies()) text += fmt::format("  accuracy {:.3f}", e.accuracy);
    for (const auto& [name, value] : e.metrics) text += fmt::format("  {} {:.3f}", name, value);
    EarlyStopping& stopping = run_.stopping;
    if (!(e.loss < stopping.best_loss)) {  // NaN is never better
      ++stopping.epochs_without_better;
      return;
    }
    stopping.best_loss = e.loss;
    stopping.epochs_without_better = 0;
    if (options_.patience > 0) {
      // Copies: the step goes on to write into the buffers of the state.
      auto copy = [](const Tensor& leaf) { return Tensor(leaf.literal()); };
      stopping.best = nn::Variables{map_leaves(copy, run_.values.parameters),
                                    map_leaves(copy, run_.values.state)};
    }
  }

  int64_t best_epoch() const {
    const std::vector<EpochRecord>& epochs = run_.history.epochs;
    auto worse = [](const EpochRecord& a, const EpochRecord& b) {
      return a.validation_loss < b.validation_loss;
    };
    return std::min_element(epochs.begin(), epochs.end(), worse)->epoch;
  }

  bool stopped_early() const {
    return options_.patience > 0 && run_.stopping.epochs_without_better >= options_.patience;
  }

  void take_step(const data::Batch& batch) {
    const Tensor& inputs = batch.at(options_.input);
    const Tensor& labels = batch.at(options_.label);
    StepResult result = step_(std::move(run_.values), inputs, labels);
    run_.values = std::move(result.state);
    double loss = result.metrics.loss.item();
    run_.history.step_loss.push_back(static_cast<float>(loss));
    if (!std::isfinite(loss)) {
      throw not_finite(
          fmt::format("the loss became {}", without_sign_of_nan(loss)), run_.step + 1,
          first_not_finite(model_, options_, run_.values, inputs, labels, rows_of_batch()));
    }
    auto rows = static_cast<double>(inputs.shape()[0].constant());
    run_.sums.loss += loss * rows;
    run_.sums.rows += rows;
    run_.sums.correct += result.metrics.correct.item();
    run_.sums.labels += count_labels(labels);
    begin();
  }

  /// How many labels count: negative ones are left out.
  static double count_labels(const Tensor& labels) {
    auto ignored = [&]<class T>(std::span<const T> values) {
      return std::ranges::count_if(values, [](T x) { return x < 0; });
    };
    int64_t count = labels.shape().element_count().constant();
    if (labels.dtype() == DType::i32) count -= ignored(labels.values<int32_t>());
    if (labels.dtype() == DType::i64) count -= ignored(labels.values<int64_t>());
    return static_cast<double>(count);
  }

  /// Which rows of the data set the batch of the current step has.
  std::vector<int64_t> rows_of_batch() const {
    std::vector<int64_t> order = data::epoch_order(options_.seed, run_.epoch, dataset_.size());
    auto begin = order.begin() + run_.step * options_.batch;
    return {begin, begin + std::min(options_.batch, order.end() - begin)};
  }

  /// A checkpoint or a model with NaN in it would be of no use to anybody.
  void require_finite_parameters() const {
    std::string bad = values_not_finite(run_.values);
    if (!bad.empty()) throw not_finite("the update is no longer finite", run_.step, bad);
  }

  Error not_finite(const std::string& what, int64_t step_in_epoch,
                   const std::string& origin) const {
    Error error = make_error(ErrorCode::not_finite, "{} in step {} (epoch {}, batch {})", what,
                             run_.history.step_loss.size(), run_.epoch + 1, step_in_epoch);
    error.note("first made by  {}", origin.empty() ? "the loss itself" : origin);
    error.note("last good checkpoint  {}", last_checkpoint_.empty() ? "none" : last_checkpoint_);
    error.note("hint: a smaller learning rate, a warm-up or a clipped gradient usually helps");
    return error;
  }

  nn::Model model_;
  data::Dataset dataset_;
  FitOptions options_;
  data::Loader loader_;
  Type example_;
  Model evaluated_;  // without its values
  Type outputs_;     // of the model, for any batch
  RunState run_;
  StepFunction step_;
  std::string last_checkpoint_;
  bool begun_ = false;
};

}  // namespace

FitResult fit(const nn::Model& model, const data::Dataset& dataset, FitOptions options) {
  return Run(model, dataset, std::move(options)).run();
}

}  // namespace tenon::train
