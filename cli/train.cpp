// tenon train: a run from a configuration, to a model and a report.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "cli/command.h"
#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/base/log.h"
#include "tenon/base/profile.h"
#include "tenon/base/strings.h"
#include "tenon/models/layer_list.h"
#include "tenon/models/zoo.h"
#include "tenon/train/checkpoint.h"
#include "tenon/train/configured.h"
#include "tenon/train/report.h"

namespace tenon::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
  std::string config;
  std::vector<std::string> set;
  std::string profile, output, report;
  bool fresh = false;
  bool quiet = false;
};

/// Whether the learning rate of a step depends on how long the run will be.
bool is_planned_to_its_end(const Configuration& config) {
  return config.has("train.optimizer.learning_rate.one_cycle") ||
         config.has("train.optimizer.learning_rate.cosine");
}

/// Settings that may change while a run goes on, or when it is to go on for longer.
bool may_change(const std::string& key, const Configuration& config) {
  return key == "train.checkpoint" || key == "train.checkpoint_every" ||
         key == "train.checkpoint_seconds" || key == "train.keep_checkpoints" ||
         key == "train.memory_limit" || (key == "train.epochs" && !is_planned_to_its_end(config));
}

void refuse_other_run(const fs::path& recorded, const Configuration& config) {
  Error error =
      make_error(ErrorCode::already_exists, "{} holds checkpoints of a run with other settings",
                 recorded.parent_path().string());
  bool differs = false;
  for (const ConfigurationChange& change : diff(Configuration::load(recorded), config)) {
    if (may_change(change.key, config)) continue;
    differs = true;
    error.note("{}: {} there, {} now", change.key,
               change.before.empty() ? "nothing" : change.before,
               change.after.empty() ? "nothing" : change.after);
  }
  error.note("hint: --fresh starts anew there; --set train.checkpoint=FOLDER goes elsewhere");
  if (differs) throw error;
}

/// The settings of a run lie beside its checkpoints.
constexpr const char* kSettings = "config.toml";
constexpr const char* kModel = "model.tenon";
constexpr const char* kReport = "report.html";

/// Once a run has begun, its folder holds nothing of the one before.
void take_over(const fs::path& folder, const Configuration& config, bool fresh) {
  for (const char* old : {kModel, kReport}) {
    if (fresh) fs::remove(folder / old);
  }
  fs::path recorded = folder / kSettings;
  std::string settings = config.to_toml();
  if (!fs::exists(recorded) || read_file(recorded) != settings) atomic_write(recorded, settings);
}

/// A run is called like its configuration; one from a pipe like its folder.
std::string name_of(const Options& options, const fs::path& folder) {
  return fs::is_regular_file(options.config) ? fs::path(options.config).stem().string()
                                             : folder.string();
}

/// As the configuration says, or of the run's own name.
fs::path folder_of_run(const Options& options, const Configuration& config) {
  fs::path folder = config.get_string("train.checkpoint", "");
  if (!folder.empty()) return folder;
  if (fs::is_regular_file(options.config)) return fs::path("runs") / name_of(options, folder);
  throw make_error(ErrorCode::invalid_argument,
                   "{} is not a file, so its run has no default folder", options.config)
      .note("hint: --set train.checkpoint=FOLDER");
}

int train(const Options& options) {
  Configuration config = Configuration::load(options.config);
  for (const std::string& assignment : options.set) config.set(assignment);
  fs::path folder = folder_of_run(options, config);
  train::ConfiguredRun run = train::configure(config);
  run.options.checkpoint = folder.string();
  run.options.progress = !options.quiet;
  create_folder(folder);  // where the other files may be meant to go, too
  fs::path output = options.output.empty() ? folder / kModel : fs::path(options.output);
  fs::path report = options.report.empty() ? folder / kReport : fs::path(options.report);
  for (const fs::path& path : {output, report, fs::path(options.profile)}) {
    if (!path.empty()) require_writable(path);
  }
  run.options.checkpoint_lock = std::make_shared<FolderLock>(folder);
  if (!options.fresh && !train::CheckpointFolder(folder).files().empty() &&
      fs::exists(folder / kSettings))
    refuse_other_run(folder / kSettings, config);
  run.options.fresh = options.fresh;
  run.options.on_start = [&] { take_over(folder, config, options.fresh); };

  std::unique_ptr<Profile> profile;
  if (!options.profile.empty()) {
    profile = std::make_unique<Profile>();
    set_current_profile(profile.get());
  }
  train::FitResult result = train::fit(run.model, run.train, run.options);
  if (profile) {
    set_current_profile(nullptr);
    profile->write(options.profile);
    log_info("wrote {}: open it in chrome://tracing or ui.perfetto.dev", options.profile);
  }
  if (result.interrupted) {
    if (result.history.step_loss.empty()) {
      log_info("stopped before the first step");
    } else {
      log_info("stopped with a checkpoint in {}: the same command{} goes on from there",
               folder.string(), options.fresh ? " without --fresh" : "");
    }
    return kInterrupted;
  }

  train::Model& model = result.model;
  model.describe("configuration", config.to_toml());
  std::optional<train::Evaluation> evaluation;
  if (!run.test.empty()) {
    try {
      evaluation = train::evaluate(model, run.test,
                                   {.input = run.options.input,
                                    .label = run.options.label,
                                    .loss = run.options.loss,
                                    .metrics = run.options.metrics});
    } catch (Error& error) {
      model.save(output);
      throw error.note("in the test set; the model is in {}", output.string());
    }
    fmt::print("test    {}\n", evaluation->summary());
    if (!std::isnan(evaluation->accuracy))
      model.describe("test accuracy", fmt::format("{:.4f}", evaluation->accuracy));
  }
  model.save(output);  // once: a pipe takes no second model
  fmt::print("model   {}\n", output.string());
  train::write_report(report, {.title = name_of(options, folder),
                               .model = &model,
                               .history = &result.history,
                               .evaluation = evaluation ? &*evaluation : nullptr,
                               .test = &run.test,
                               .input = run.options.input,
                               .label = run.options.label,
                               .configuration = config.to_toml()});
  fmt::print("report  {}\n", report.string());
  return kOk;
}

constexpr const char* kFooter = R"(
A configuration names the data, the model and how to train it:

  [data]
  source = "fashion-mnist"       # or "idx" or "npz", with their files
  batch = 64

  [model]
  name = "lenet5"                # or layers = [ {conv = {filters = 6, kernel = 5}}, "relu", … ]

  [train]
  epochs = 5
  optimizer = {name = "adamw", learning_rate = {one_cycle = 4e-3}, weight_decay = 1e-4}

A run keeps its checkpoints, model and report in `train.checkpoint` (default runs/CONFIG). One that
was stopped, by Ctrl-C, kill or a power cut, goes on to the same bits when it is started again.

A table of numbers, columns x and y of two archives that numpy.savez wrote:

  [data]
  source = "npz"
  train = "houses.npz"
  test = "houses-test.npz"
  input = "x"                    # f32[rows, features]
  label = "y"                    # f32[rows]; classes are whole numbers from 0
  # classes = ["cheap", "dear"]  # names, for classes

  [model]
  name = "mlp"
  hidden = [128, 64]

  [train]
  epochs = 50
  loss = "mean_squared_error"    # default "cross_entropy"
  validation = 0.1               # a tenth of the rows is kept back …
  patience = 5                   # … to stop after 5 epochs without a better loss
  optimizer = {name = "adam", learning_rate = {cosine = 1e-3, warm_up = 100}, clip = 1.0}

Learning rates: a number, one_cycle, cosine, or {step = 1e-2, factor = 0.1, every = 1000}; each
with warm_up = steps. Optimisers: sgd (momentum, nesterov, weight_decay), adam and adamw (betas,
epsilon, weight_decay). A file may begin with base = "other.toml" and state only its changes.

Examples:
  tenon train configs/fashion-lenet.toml
  tenon train configs/fashion-lenet.toml --set train.epochs=1 --set model.name=mlp --fresh
  tenon train configs/fashion-lenet.toml --profile step.json
)";

/// What can stand in [model], from the zoo and the layers themselves.
std::string models_help() {
  std::string text = "\n\nModels, with the settings they take:\n";
  for (const models::ZooEntry& entry : models::zoo()) {
    std::vector<std::string> options;
    for (const auto& [name, sizes] : entry.options) options.push_back(name);
    text += fmt::format("  {:<22}{} ({})\n", entry.name, entry.doc, join(options, ", "));
  }
  text += "\nLayers, with theirs; the first may stand alone, as in {dense = 10}:\n";
  for (const models::LayerKind& kind : models::layer_kinds()) {
    std::string settings =
        kind.settings.empty() ? "" : fmt::format(" ({})", join(kind.settings, ", "));
    text += fmt::format("  {:<22}{}{}\n", kind.name, kind.doc, settings);
  }
  std::string line = "  and";
  for (const std::string& name : models::activation_names()) {
    if (line.size() + name.size() > 90) text += std::exchange(line, "     ") + "\n";
    line += " " + name;
  }
  text += line + "\n";
  return text + "\nAll keys: docs/guides/train.md";
}

}  // namespace

void add_train(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("train", "Train a model from a configuration");
  auto options = std::make_shared<Options>();
  command->add_option("CONFIG", options->config, "TOML file")->required();
  command->add_option("--set", options->set, "Change a setting, such as train.epochs=1")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command->add_option("--output", options->output, "Where to write the model")->type_name("FILE");
  command->add_option("--report", options->report, "Where to write the HTML report")
      ->type_name("FILE");
  command->add_option("--profile", options->profile, "Record kernels for chrome://tracing")
      ->type_name("FILE");
  command->add_flag("--fresh", options->fresh, "Start over: delete this run's checkpoints");
  command->add_flag("--quiet", options->quiet, "Do not show progress");
  add_threads_option(*command);
  command->footer(std::string(kFooter) + models_help());
  command->callback([options, &exit_code] { exit_code = train(*options); });
}

}  // namespace tenon::cli
