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
#include "tenon/base/parallel.h"
#include "tenon/base/progress.h"
#include "tenon/base/strings.h"
#include "tenon/data/loader.h"
#include "tenon/train/fingerprint.h"
#include "tenon/train/labels.h"
#include "tenon/train/run_state.h"
#include "tenon/train/token_ids.h"

namespace tenon::train {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

class Run {
 public:
  Run(const nn::ModelFunction& model, const data::Dataset& dataset, FitOptions options)
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
    if (options_.accumulate < 1)
      fail(ErrorCode::invalid_argument, "fit: accumulate is {}, it must be at least 1",
           options_.accumulate);
    if (!(options_.average_decay >= 0 && options_.average_decay < 1))
      fail(ErrorCode::invalid_argument,
           "fit: average_decay is {}, it must be at least 0 and less than 1",
           options_.average_decay);
    if (options_.input.empty()) fail(ErrorCode::invalid_argument, "fit: no column is the input");
    for (const std::string& label : options_.label.names()) dataset[label];
    inputs_ = options_.input.signature(dataset);
    for (const std::string& name : options_.input.names()) {
      const Type row = row_of(name);
      if (element_count(row.shape.constants()) == 0)
        fail(ErrorCode::shape_mismatch, "fit: the rows of '{}' have no elements: they are {}", name,
             row.to_string());
      check_rows(dataset, options_.validation, name, "validation");
      check_rows(dataset, options_.test, name, "test");
    }
    if (options_.input.is_one() && !options_.scaling)
      options_.scaling = default_scaling(row_of(options_.input.names().front()));
  }

  FitResult run() {
    if (!options_.checkpoint.empty() && !options_.checkpoint_lock)
      options_.checkpoint_lock = std::make_shared<FolderLock>(options_.checkpoint);
    start();
    InterruptScope interrupts;  // until here there is nothing to save
    auto steps = static_cast<double>(loader_.steps_per_epoch() * options_.epochs);
    step_ = make_step(model_, options_, steps);
    if (options_.progress && run_.epoch < options_.epochs && !stopped_early()) introduce();
    while (run_.epoch < options_.epochs && !stopped_early() && !interrupted()) run_epoch();
    FitResult result;
    result.interrupted = interrupted();
    if (!result.interrupted) begin();  // also where no step was left
    bool anything = !run_.history.step_loss.empty();
    if (result.interrupted && anything && !options_.checkpoint.empty()) save_checkpoint();
    const auto& best = run_.stopping.best;
    result.model = evaluated_.with_variables(best ? *best : variables());
    result.history = std::move(run_.history);
    History& history = result.history;
    history.best_epoch = best ? best_epoch(history.epochs) : run_.epoch;
    history.stopped_early = stopped_early();
    if (took_steps_) history.wall_seconds = wall_before_ + seconds_since(started_);
    if (std::string text = history.outcome(); !text.empty() && !result.interrupted)
      log_info("{}", text);
    if (best) {
      result.model.describe("best epoch",
                            fmt::format("{} of {} (validation loss {:.4f})", history.best_epoch,
                                        history.epochs.size(), history.best()->validation_loss));
    }
    return result;
  }

 private:
  nn::Variables variables() const { return evaluated_variables(run_.values); }

  /// A row of a column of the training data.
  Type row_of(const std::string& column) const {
    Type row = dataset_[column].type();
    row.shape.erase(0);
    return row;
  }

  /// An error of a layer cannot know what the data were.
  nn::Variables initial_variables(const nn::ModelFunction& model) const {
    nn::Signature batch = inputs_;
    for (nn::NamedType& input : batch)
      input.type.shape[0] = Dim(std::min(options_.batch, dataset_.size()));
    try {
      return started_from(nn::init(model, batch, options_.seed));
    } catch (Error& error) {
      if (options_.scaling && options_.scaling->to_float &&
          error.code() == ErrorCode::type_mismatch) {
        error.note("the data: rows of '{}' are {}, which reach the model as f32",
                   options_.input.to_string(), row_of(options_.input.names().front()).to_string());
        error.note("hint: save token ids as int32");
      }
      throw;
    }
  }

  /// The values of options.start in place of initial ones.
  nn::Variables started_from(nn::Variables variables) const {
    auto take = [](const Tree& from, Tree& to, const char* what) {
      for_each_leaf(from, [&](const std::string& path, const Tensor& leaf) {
        if (to.find(path) == nullptr) {
          throw make_error(ErrorCode::not_found, "start: the model has no {} {}", what, path)
              .note("{}", hint(path, to.paths()));
        }
        if (to.at(path).type() != leaf.type()) {
          throw make_error(ErrorCode::shape_mismatch, "start: {} {} is {}, the model needs {}",
                           what, path, leaf.type().to_string(), to.at(path).type().to_string())
              .note("hint: nn::transfer takes what fits, and says what does not");
        }
        to.at(path) = Tensor(leaf.literal());
      });
    };
    take(options_.start.parameters, variables.parameters, "parameter");
    take(options_.start.state, variables.state, "state");
    return variables;
  }

  void start() {
    nn::ModelFunction model = [function = model_, options = options_](const nn::Scope& s,
                                                                      const Tree& inputs) {
      return function(s, scaled_inputs(options, inputs));
    };
    nn::Variables initial = initial_variables(model);
    run_.values = initial_state(initial, options_);
    // Types are enough here: the values themselves are to be updated in place.
    auto no_values = [](const Tensor& leaf) { return zeros_like(leaf); };
    evaluated_ = Model(
        model, {map_leaves(no_values, initial.parameters), map_leaves(no_values, initial.state)},
        inputs_, {}, dataset_.classes());
    if (!options_.loss.name().empty()) evaluated_.describe("loss", options_.loss.name());
    evaluated_.describe("input", options_.input.to_string());
    evaluated_.describe("label", options_.label.to_string());
    if (evaluated_.outputs().size() == 1) outputs_ = evaluated_.outputs()[0].type;
    check_data(dataset_, "the training data");
    check_data(options_.validation, "the validation data");
    check_data(options_.test, "the test data");
    if (!options_.checkpoint.empty()) resume();
  }

  /// One line before the first epoch: a layout or a scaling that was not meant shows here.
  void introduce() const {
    int64_t parameters = 0;
    for_each_leaf(run_.values.parameters, [&](const std::string&, const Tensor& leaf) {
      parameters += element_count(leaf.shape().constants());
    });
    std::vector<std::string> inputs, outputs;
    for (const std::string& name : options_.input.names())
      inputs.push_back(fmt::format("{} {}", name, row_of(name).to_string()));
    for (const nn::NamedType& output : evaluated_.outputs())
      outputs.push_back(fmt::format("{}{}{}", output.name, output.name.empty() ? "" : " ",
                                    output.type.to_string()));
    std::string scaled;
    if (options_.scaling && options_.scaling->scale != 1)
      scaled += fmt::format(" * {:.4g}", options_.scaling->scale);
    if (options_.scaling && options_.scaling->offset != 0)
      scaled += fmt::format(" + {:.4g}", options_.scaling->offset);
    log_info("{} rows of {}{} for outputs {}; {} parameters, {} threads",
             group_digits(dataset_.size()), join(inputs, ", "), scaled, join(outputs, ", "),
             group_digits(parameters), thread_count());
  }

  /// Whether the model and the loss can take these rows, if there are any.
  void check_data(const data::Dataset& rows, const std::string& what) const {
    if (rows.empty()) return;
    if (outputs_ && options_.label.is_one())
      check_labels(options_.loss, *outputs_, rows, options_.label.names().front(), what);
    if (options_.input.is_one())
      check_token_ids(evaluated_.graph(), rows[options_.input.names().front()], what);
  }

  /// The settings work: from here on the folder is this run's.
  void begin() {
    if (std::exchange(begun_, true)) return;
    if (options_.fresh && !options_.checkpoint.empty())
      CheckpointFolder(options_.checkpoint).remove_all();
    if (options_.on_start) options_.on_start();
  }

  /// What must be equal for a checkpoint to be one of this run, the plainest differences first.
  std::vector<std::pair<std::string, std::string>> identity() const {
    const InputScaling scaling = options_.scaling.value_or(InputScaling{.to_float = false});
    std::vector<std::pair<std::string, std::string>> all = {
        {"seed", std::to_string(options_.seed)},
        {"batch", std::to_string(options_.batch)},
        {"rows", std::to_string(dataset_.size())},
        {"input scaling",
         scaling.to_float ? fmt::format("x * {} + {}", scaling.scale, scaling.offset) : "none"}};
    if (!options_.loss.name().empty()) all.emplace_back("loss", options_.loss.name());
    if (options_.accumulate > 1)
      all.emplace_back("accumulate", std::to_string(options_.accumulate));
    std::vector<std::string> columns = options_.input.names();
    const std::vector<std::string>& labels = options_.label.names();
    columns.insert(columns.end(), labels.begin(), labels.end());
    auto add_hash = [&](const char* name, const data::Dataset& rows) {
      all.emplace_back(name, fingerprint(rows, columns).hex());
    };
    add_hash("training data", dataset_);
    // Without patience validation changes no value of the model.
    if (options_.patience > 0) add_hash("validation data", options_.validation);
    return all;
  }

  void require_same_run(const Checkpoint& checkpoint) const {
    for (const auto& [name, value] : identity_) {
      auto there = checkpoint.notes.find(name);  // an older version noted less
      if (there == checkpoint.notes.end() || there->second == value) continue;
      const bool is_hash = name.ends_with("data");
      Error error =
          make_error(ErrorCode::invalid_argument, "the checkpoint in {} is of a run with {}",
                     options_.checkpoint,
                     is_hash ? "other " + name
                             : fmt::format("{} {}, this one has {}", name, there->second, value));
      if (is_hash)
        error.note("the values of {} and {} have changed since", options_.input.to_string(),
                   options_.label.to_string());
      throw error.note(
          "hint: go on with the same; fresh (`tenon train --fresh`) or another folder starts anew");
    }
  }

  void resume() {
    identity_ = identity();
    remove_stale_temporaries(options_.checkpoint);
    if (options_.fresh) return;
    std::optional<Checkpoint> last = CheckpointFolder(options_.checkpoint).latest();
    if (!last) return;
    require_same_run(*last);
    restore(run_, *last);
    wall_before_ = run_.history.wall_seconds;
    loader_.seek({.epoch = run_.epoch, .step = run_.step});
    last_checkpoint_ = last->path.string();
    if (run_.epoch >= options_.epochs || stopped_early()) {
      log_info("already finished: {} {} done in {}", run_.epoch,
               run_.epoch == 1 ? "epoch is" : "epochs are", options_.checkpoint);
      return;
    }
    log_info("going on from epoch {}, step {} in {}", run_.epoch + 1, run_.step,
             options_.checkpoint);
  }

  void save_checkpoint() {
    require_finite_parameters();
    run_.history.wall_seconds = wall_before_ + seconds_since(started_);
    Checkpoint checkpoint = to_checkpoint(run_);
    checkpoint.notes.insert(identity_.begin(), identity_.end());
    last_checkpoint_ =
        CheckpointFolder(options_.checkpoint).write(checkpoint, options_.keep_checkpoints).string();
    saved_ = Clock::now();
  }

  void run_epoch() {
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
      sums.seconds += seconds_since(began);
      began = Clock::now();
    };
    std::string text;
    while (auto batch = loader_.next()) {
      take_step(*batch);
      ++run_.step;
      text = fmt::format("loss {:.3f}", sums.mean_loss());
      for (const auto& [name, sum] : sums.parts)
        text += fmt::format("  {} {:.3f}", name, sums.mean(sum));
      if (classifies()) text += fmt::format("  accuracy {:.3f}", sums.accuracy());
      if (progress) progress->update(run_.step, text);
      count_time();
      if (interrupted() || ended_by_caller_) return;
      if (run_.step < steps && asked_for_checkpoint()) {
        save_checkpoint();
        began = Clock::now();
      }
    }
    const bool asked = asked_for_checkpoint();
    require_finite_parameters();
    EpochRecord record{.epoch = run_.epoch + 1, .loss = sums.mean_loss()};
    if (classifies()) record.accuracy = sums.accuracy();
    for (const auto& [name, sum] : sums.parts) record.parts[name] = sums.mean(sum);
    validate(record, text);
    if (progress) progress->finish(text);
    count_time();
    record.seconds = sums.seconds;
    run_.history.epochs.push_back(record);
    ++run_.epoch;
    run_.step = 0;
    if (options_.on_epoch && !options_.on_epoch(record, evaluated_.with_variables(variables())))
      ended_by_caller_ = true;
    if (options_.checkpoint.empty()) return;
    const bool ends = run_.epoch == options_.epochs || stopped_early();
    const bool soon = saved_ && seconds_since(*saved_) < options_.checkpoint_seconds;
    if (asked || ends || !soon) save_checkpoint();
  }

  /// By its number of steps.
  bool asked_for_checkpoint() const {
    return options_.checkpoint_every > 0 && !options_.checkpoint.empty() &&
           run_.step % options_.checkpoint_every == 0;
  }

  bool classifies() const {
    return outputs_ && options_.label.is_one() &&
           are_classes(*outputs_, dataset_[options_.label.names().front()].type());
  }

  void validate(EpochRecord& record, std::string& text) {
    if (options_.validation.empty()) return;
    Evaluation e = evaluate(evaluated_.with_variables(variables()), options_.validation,
                            {.input = options_.input,
                             .label = options_.label,
                             .loss = options_.loss,
                             .metrics = options_.metrics,
                             .details = false});
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
      const nn::Variables now = variables();
      stopping.best = nn::Variables{map_leaves(copy, now.parameters), map_leaves(copy, now.state)};
    }
  }

  /// As validate() chose it: NaN is never better.
  static int64_t best_epoch(const std::vector<EpochRecord>& epochs) {
    double best_loss = INFINITY;
    int64_t best = 0;
    for (const EpochRecord& record : epochs) {
      if (!(record.validation_loss < best_loss)) continue;
      best_loss = record.validation_loss;
      best = record.epoch;
    }
    return best;
  }

  bool stopped_early() const {
    return ended_by_caller_ ||
           (options_.patience > 0 && run_.stopping.epochs_without_better >= options_.patience);
  }

  void take_step(const data::Batch& batch) {
    const Tree inputs = options_.input.of(batch), labels = options_.label.of(batch);
    StepResult result = step_(std::move(run_.values), inputs, labels);
    run_.values = std::move(result.state);
    took_steps_ = true;
    const double weight = result.metrics.weight.item();
    // A mean over no label may be 0 / 0, which says nothing about the step.
    double loss = weight > 0 ? result.metrics.loss.item() : 0.0;
    run_.history.step_loss.push_back(static_cast<float>(loss));
    if (!std::isfinite(loss)) {
      throw not_finite(
          fmt::format("the loss became {}", without_sign_of_nan(loss)), run_.step + 1,
          first_not_finite(model_, options_, run_.values, inputs, labels, rows_of_batch()));
    }
    run_.sums.loss += loss * weight;
    run_.sums.weight += weight;
    run_.sums.correct += result.metrics.correct.item();
    for_each_leaf(result.metrics.parts, [&](const std::string& name, const Tensor& part) {
      if (weight > 0) run_.sums.parts[name] += part.item() * weight;
    });
    begin();
    const auto steps = static_cast<int64_t>(run_.history.step_loss.size());
    if (options_.on_step &&
        !options_.on_step({.epoch = run_.epoch + 1, .step = steps, .loss = loss}))
      ended_by_caller_ = true;
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

  nn::ModelFunction model_;
  data::Dataset dataset_;
  FitOptions options_;
  data::Loader loader_;
  nn::Signature inputs_;
  Model evaluated_;              // without its values
  std::optional<Type> outputs_;  // of the model, for any batch; none where they are several
  RunState run_;
  StepFunction step_;
  std::vector<std::pair<std::string, std::string>> identity_;  // where there are checkpoints
  std::string last_checkpoint_;
  std::optional<Clock::time_point> saved_;  // the last checkpoint of this process
  Clock::time_point started_ = Clock::now();
  double wall_before_ = 0;   // of the processes before this one
  bool took_steps_ = false;  // a finished run that is looked at again takes no longer
  bool begun_ = false;
  bool ended_by_caller_ = false;
};

}  // namespace

const EpochRecord* History::best() const& {
  auto found = std::ranges::find(epochs, best_epoch, &EpochRecord::epoch);
  return found == epochs.end() ? nullptr : &*found;
}

std::string History::outcome() const {
  const EpochRecord* kept = best();
  if (kept == nullptr || (!stopped_early && kept->epoch == epochs.back().epoch)) return "";
  std::string text = stopped_early
                         ? fmt::format("stopped early after epoch {}: epoch {} is kept",
                                       epochs.back().epoch, kept->epoch)
                         : fmt::format("epoch {} of {} is kept", kept->epoch, epochs.back().epoch);
  return text +
         fmt::format(" (validation loss {:.4g})", without_sign_of_nan(kept->validation_loss));
}

FitResult fit(const nn::ModelFunction& model, const data::Dataset& dataset, FitOptions options) {
  return Run(model, dataset, std::move(options)).run();
}

}  // namespace tenon::train
