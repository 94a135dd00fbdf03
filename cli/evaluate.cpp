// tenon evaluate: how good a model is on labelled data.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command.h"
#include "cli/rows.h"
#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/base/json.h"
#include "tenon/base/strings.h"
#include "tenon/data/sources.h"
#include "tenon/train/configured.h"
#include "tenon/train/labels.h"
#include "tenon/train/report.h"

namespace tenon::cli {

namespace {

struct Options {
  std::string model;
  std::vector<std::string> data;
  std::string input, label, report;  // columns: by default those of training
  bool json = false;
};

constexpr const char* kWanted =
    "expected: IMAGES LABELS (idx), a folder of idx files, one .npz, one configuration, or "
    "fashion-mnist";

struct Labelled {
  data::Dataset rows;
  train::Columns input, label;
};

/// Columns of an option, or else those of training: "image", or "source, target".
train::Columns columns_of(const std::string& option, const train::Model& model,
                          const std::string& key) {
  std::vector<std::string> names;
  for (const std::string& name : split(option.empty() ? model.about(key, "") : option, ','))
    if (!trim(name).empty()) names.emplace_back(trim(name));
  const bool is_tree = names.size() > 1 || (key == "input" && !model.inputs()[0].name.empty());
  if (is_tree) return train::Columns(names);
  return names.empty() ? train::Columns(key == "input" ? "image" : "label") : names.front();
}

Labelled read_data(const Options& options, const train::Model& model) {
  const train::Columns input = columns_of(options.input, model, "input");
  const train::Columns label = columns_of(options.label, model, "label");
  const std::string& first = options.data.front();
  if (options.data.size() == 2) return {data::idx(first, options.data[1]), input, label};
  if (options.data.size() > 2) {
    throw make_error(ErrorCode::invalid_argument, "evaluate: {} data files", options.data.size())
        .note("{}", kWanted);
  }
  if (first == "fashion-mnist")
    return {data::fashion_mnist({}, data::Parts::test).test, input, label};
  if (first.ends_with(".toml")) {
    train::ConfiguredData data =
        train::configure_data(Configuration::load(first), data::Parts::test);
    if (data.test.empty()) fail(ErrorCode::invalid_argument, "{} names no test data", first);
    return {data.test, data.input, data.label};
  }
  if (std::filesystem::is_directory(first))
    return {data::idx_folder(first, data::Parts::test).test, input, label};
  if (first.ends_with(".npz")) return {train::labelled_npz(first, input, label), input, label};
  if (!std::filesystem::exists(first)) {
    throw make_error(ErrorCode::not_found, "evaluate: there is no {}", first).note("{}", kWanted);
  }
  throw make_error(ErrorCode::invalid_argument, "evaluate: {} alone is not labelled data", first)
      .note("{}", kWanted);
}

/// The same rows with the input column as the model takes it.
data::Dataset with_inputs_like(const train::Model& model, const Labelled& data) {
  if (!data.input.is_one()) return data.rows;
  const std::string& input = data.input.names().front();
  const Type example = model.example();
  Type row = data.rows[input].type();
  row.shape.erase(0);
  if (row == example) return data.rows;
  data::Dataset result = data.rows;
  return result.replace(input, rows_like(data.rows[input], example, input));
}

/// All counts as a table, or those of mistakes one by one where it would be large.
void add_confusions(const train::Confusion& confusion, Json& json) {
  const int64_t classes = confusion.classes();
  if (confusion.fits_a_table()) {
    json["confusion"] = Json::array();
    for (int64_t label = 0; label < classes; ++label) {
      Json row = Json::array();
      for (int64_t c = 0; c < classes; ++c) row.push_back(confusion.at(label, c));
      json["confusion"].push_back(std::move(row));
    }
    return;
  }
  json["class_accuracy"] = Json::array();
  for (int64_t label = 0; label < classes; ++label)
    json["class_accuracy"].push_back(confusion.accuracy(label));
  json["confusions"] = Json::array();
  for (const auto& [label, predicted, count] : confusion.mistakes())
    json["confusions"].push_back(Json::array({label, predicted, count}));
}

int evaluate(Options options) {
  if (!options.report.empty()) require_writable(options.report);
  train::Model model = train::Model::load(options.model);
  Labelled data = read_data(options, model);
  data.rows = with_inputs_like(model, data);
  train::EvaluateOptions how{.input = data.input, .label = data.label};
  // By what it was trained with; a model that does not say goes by the shapes of its labels.
  if (auto loss = model.about().find("loss"); loss != model.about().end()) {
    how.loss = train::loss_named(loss->second, model.about("loss options", ""));
    if (data.label.is_one())
      train::check_labels(how.loss, model.graph().output_types().at(0), data.rows,
                          data.label.names().front(), "the data");
  }
  train::Evaluation result = train::evaluate(model, data.rows, how);
  if (options.json) {
    Json json = {{"loss", result.loss}, {"examples", result.examples}};
    if (!result.confusion.empty()) {
      json["left_out"] = result.left_out;
      json["accuracy"] = result.accuracy;
      json["classes"] = model.classes();
      add_confusions(result.confusion, json);
    }
    if (!result.outputs.empty()) {
      json["mean_absolute_error"] = result.absolute_error;
      json["r_squared"] = result.r_squared;
    }
    fmt::print("{}\n", dump_json(json));
  } else {
    fmt::print("{}", result);
  }
  if (!options.report.empty()) {
    train::write_report(options.report, {.title = options.model,
                                         .model = &model,
                                         .evaluation = &result,
                                         .test = &data.rows,
                                         .input = data.input,
                                         .label = data.label});
    fmt::print(stderr, "report  {}\n", options.report);
  }
  return kOk;
}

}  // namespace

void add_evaluate(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("evaluate", "Compute loss, accuracy and confusions on test data");
  auto options = std::make_shared<Options>();
  command->add_option("MODEL", options->model, "A model written by `tenon train`")->required();
  command
      ->add_option("DATA", options->data,
                   "IMAGES LABELS (idx), an .npz, a folder of the MNIST family, a configuration "
                   "(its test data), or fashion-mnist")
      ->required();
  command
      ->add_option("--input", options->input, "Input column of an .npz (default: that of training)")
      ->type_name("NAME");
  command
      ->add_option("--label", options->label, "Label column of an .npz (default: that of training)")
      ->type_name("NAME");
  command->add_option("--report", options->report, "Also write an HTML report")->type_name("FILE");
  command->add_flag("--json", options->json, "Print JSON");
  add_threads_option(*command);
  command->footer(
      "\nExamples:\n"
      "  tenon evaluate model.tenon fashion-mnist\n"
      "  tenon evaluate model.tenon t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz\n"
      "  tenon evaluate model.tenon test.npz --input image --label label");
  command->callback([options, &exit_code] { exit_code = evaluate(*options); });
}

}  // namespace tenon::cli
