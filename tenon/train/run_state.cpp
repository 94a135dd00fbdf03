#include "tenon/train/run_state.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/base/json.h"

namespace tenon::train {

namespace {

/// JSON has neither NaN nor infinity; it writes null.
double number_or_nan(const Json& json) { return json.is_null() ? NAN : json.get<double>(); }

std::map<std::string, double> numbers_of(const Json& json) {
  std::map<std::string, double> numbers;
  for (const auto& [name, value] : json.items()) numbers[name] = number_or_nan(value);
  return numbers;
}

/// What a state counts, by the names that checkpoints have.
Tree scalars_of(const TrainState& state) {
  Tree scalars;
  scalars.set("step", state.step);
  if (state.weight) scalars.set("weight", *state.weight);
  if (state.rate_factor) scalars.set("rate_factor", *state.rate_factor);
  return scalars;
}

void put(const std::string& prefix, const Tree& tree, Checkpoint& checkpoint) {
  for_each_leaf(tree, [&](const std::string& path, const Tensor& leaf) {
    checkpoint.state.set(prefix + path, leaf);
  });
}

void take(const std::string& prefix, const Checkpoint& checkpoint, Tree& tree) {
  for_each_leaf(tree, [&](const std::string& path, Tensor& leaf) {
    const Tree* saved = checkpoint.state.find(prefix + path);
    if (saved && saved->is_leaf() && saved->leaf().type() == leaf.type()) {
      leaf = saved->leaf();
      return;
    }
    bool other_type = saved && saved->is_leaf();
    throw make_error(ErrorCode::shape_mismatch, "cannot resume from {}: it {} {}{}",
                     checkpoint.path.string(), other_type ? "has another type for" : "lacks",
                     prefix, path)
        .note("model       {}", leaf.type().to_string())
        .note("checkpoint  {}", other_type ? saved->leaf().type().to_string() : "nothing")
        .note(
            "hint: it was made by another model or optimiser; choose another folder to start anew");
  });
}

/// A tensor, since a long run has more of them than a header has room for.
constexpr const char* kStepLoss = "history.step_loss";

Literal step_losses(const History& history) {
  const std::vector<float>& losses = history.step_loss;
  Literal values(DType::f32, {static_cast<int64_t>(losses.size())});
  std::ranges::copy(losses, values.values<float>().begin());
  return values;
}

Json history_json(const History& history) {
  Json epochs = Json::array();
  for (const EpochRecord& r : history.epochs) {
    epochs.push_back({r.epoch, r.loss, r.accuracy, r.validation_loss, r.validation_accuracy,
                      r.seconds, r.metrics, r.parts});
  }
  return epochs;
}

}  // namespace

Checkpoint to_checkpoint(const RunState& run) {
  Checkpoint checkpoint;
  checkpoint.epoch = run.epoch;
  checkpoint.step = run.step;
  put("parameters.", run.values.parameters, checkpoint);
  put("slots.", run.values.slots, checkpoint);
  put("state.", run.values.state, checkpoint);
  put("averages.", run.values.averages, checkpoint);
  put("gradients.", run.values.gradients, checkpoint);
  put("", scalars_of(run.values), checkpoint);
  if (run.stopping.best) {
    put("best.parameters.", run.stopping.best->parameters, checkpoint);
    put("best.state.", run.stopping.best->state, checkpoint);
  }
  auto note = [&](const char* key, const Json& value) {
    checkpoint.notes[key] = dump_json(value, JsonStyle::compact);
  };
  const EpochSums& sums = run.sums;
  note("epoch_sums",
       {sums.loss, sums.weight, sums.correct, sums.seconds, sums.parts, sums.counted});
  note("early_stopping", {run.stopping.best_loss, run.stopping.epochs_without_better});
  const PlateauState& plateau = run.plateau;
  note("plateau", {plateau.factor, plateau.best, plateau.not_better, plateau.cooldown});
  note("epochs", history_json(run.history));
  note("wall_seconds", run.history.wall_seconds);
  checkpoint.state.set(kStepLoss, Tensor(step_losses(run.history)));
  return checkpoint;
}

void restore(RunState& run, const Checkpoint& checkpoint) {
  take("parameters.", checkpoint, run.values.parameters);
  take("slots.", checkpoint, run.values.slots);
  take("state.", checkpoint, run.values.state);
  take("averages.", checkpoint, run.values.averages);
  take("gradients.", checkpoint, run.values.gradients);
  Tree scalars = scalars_of(run.values);
  take("", checkpoint, scalars);
  run.values.step = scalars.at("step");
  if (run.values.weight) run.values.weight = scalars.at("weight");
  if (run.values.rate_factor) run.values.rate_factor = scalars.at("rate_factor");
  run.epoch = checkpoint.epoch;
  run.step = checkpoint.step;
  auto note = [&](const char* key) {
    auto found = checkpoint.notes.find(key);
    return found == checkpoint.notes.end() ? Json::array()
                                           : parse_json(found->second, checkpoint.path.string());
  };
  try {
    Json sums = note("epoch_sums");
    run.sums = {sums.at(0), sums.at(1), sums.at(2), sums.at(3)};
    if (sums.size() > 4) run.sums.parts = numbers_of(sums.at(4));  // an older version has none
    run.sums.counted = sums.size() > 5 ? sums.at(5).get<double>() : run.sums.weight;
    if (Json stopping = note("early_stopping"); !stopping.empty()) {
      const double best = number_or_nan(stopping.at(0));
      run.stopping.best_loss = std::isnan(best) ? INFINITY : best;
      run.stopping.epochs_without_better = stopping.at(1);
    }
    if (Json plateau = note("plateau"); !plateau.empty()) {
      const double best = number_or_nan(plateau.at(1));
      run.plateau = {plateau.at(0), std::isnan(best) ? INFINITY : best, plateau.at(2),
                     plateau.at(3)};
    }
    if (Json seconds = note("wall_seconds"); seconds.is_number())
      run.history.wall_seconds = seconds;
    for (const Json& r : note("epochs")) {
      run.history.epochs.push_back(
          {r.at(0), number_or_nan(r.at(1)), number_or_nan(r.at(2)), number_or_nan(r.at(3)),
           number_or_nan(r.at(4)), r.at(5), numbers_of(r.at(6)),
           r.size() > 7 ? numbers_of(r.at(7)) : std::map<std::string, double>()});
    }
  } catch (const Json::exception& error) {
    fail(ErrorCode::corrupt, "{}: the record of the run cannot be read: {}",
         checkpoint.path.string(), error.what());
  }
  if (const Tree* losses = checkpoint.state.find(kStepLoss); losses && losses->is_leaf()) {
    const Literal values = losses->leaf().literal();
    for (int64_t i = 0; i < values.size(); ++i)
      run.history.step_loss.push_back(static_cast<float>(values.to_double(i)));
  }
  if (checkpoint.state.find("best") != nullptr) {
    run.stopping.best = nn::Variables{run.values.parameters, run.values.state};
    take("best.parameters.", checkpoint, run.stopping.best->parameters);
    take("best.state.", checkpoint, run.stopping.best->state);
  }
}

}  // namespace tenon::train
