// tenon predict: what a model says about pictures and rows of arrays.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>

#include "cli/command.h"
#include "cli/rows.h"
#include "tenon/base/error.h"
#include "tenon/base/json.h"
#include "tenon/train/model.h"
#include "tenon/train/token_ids.h"

namespace tenon::cli {

namespace {

struct Options {
  std::string model;
  std::vector<std::string> files;
  std::string input;  // column of an .npz; by default that of training
  int top = 3;
  bool json = false;
};

struct Guess {
  std::string name;
  double probability;
};

/// The softmax of one row of logits, the most probable first.
std::vector<Guess> guesses(const Literal& logits, int64_t row,
                           const std::vector<std::string>& classes) {
  int64_t count = logits.shape().back();
  std::vector<double> values;
  for (int64_t c = 0; c < count; ++c) values.push_back(logits.to_double(row * count + c));
  double top = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (double& value : values) sum += value = std::exp(value - top);
  std::vector<Guess> result;
  for (size_t c = 0; c < values.size(); ++c)
    result.push_back({c < classes.size() ? classes[c] : std::to_string(c), values[c] / sum});
  std::stable_sort(result.begin(), result.end(),
                   [](const Guess& a, const Guess& b) { return a.probability > b.probability; });
  return result;
}

std::string line_of(const std::vector<Guess>& all, int64_t top) {
  std::string line;
  for (size_t i = 0; i < all.size() && i < static_cast<size_t>(top); ++i)
    line += fmt::format("{}{} {:.2f}", i > 0 ? "   " : "", all[i].name, all[i].probability);
  return line;
}

/// A model of numbers says them as they are.
std::vector<double> numbers(const Literal& outputs, int64_t row) {
  int64_t count = outputs.size() / outputs.shape()[0];
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(outputs.to_double(row * count + i));
  return values;
}

/// Writes what a model says, row by row.
class Predictions {
 public:
  Predictions(const train::Model& model, const Options& options)
      : model_(model), options_(options), classes_(model.gives_classes()) {}

  /// In batches, since a model holds many times its inputs.
  void add(const InputRows& input, size_t name_width, bool with_names) {
    constexpr int64_t kBatch = 500;
    const int64_t rows = input.values.shape()[0];
    for (int64_t begin = 0; begin < rows; begin += kBatch) {
      const int64_t end = std::min(rows, begin + kBatch);
      Literal outputs = model_.predict(Tensor(rows_between(input.values, begin, end))).literal();
      if (classes_) outputs = last_position(outputs);
      for (int64_t row = begin; row < end; ++row) {
        const std::string& name = input.names[static_cast<size_t>(row)];
        if (options_.json) {
          all_.push_back(entry_of(outputs, row - begin, name));
          continue;
        }
        std::string line = line_of_row(outputs, row - begin);
        if (with_names) {
          fmt::print("{:{}}  {}\n", name, name_width, line);
        } else {
          fmt::print("{}\n", line);
        }
      }
    }
  }

  /// Of a file that was not read: JSON says it in its place.
  void add_error(const std::string& file, const std::string& what) {
    if (options_.json) all_.push_back({{"input", file}, {"error", what}});
  }

  const Json& all() const { return all_; }

 private:
  /// Of logits [rows, time, classes], those of the last step: what comes next.
  static Literal last_position(const Literal& logits) {
    const std::vector<int64_t>& shape = logits.shape();
    if (shape.size() < 2)
      fail(ErrorCode::unsupported, "predict: the model gives {}, not classes",
           logits.type().to_string());
    if (shape.size() == 2) return logits;
    const int64_t classes = shape.back(), row = logits.size() / shape[0];
    Literal result(logits.dtype(), {shape[0], classes});
    for (int64_t r = 0; r < shape[0]; ++r) {
      for (int64_t c = 0; c < classes; ++c)
        result.set_double(r * classes + c, logits.to_double((r + 1) * row - classes + c));
    }
    return result;
  }

  Json entry_of(const Literal& outputs, int64_t row, const std::string& name) const {
    Json entry = {{"input", name}};
    if (!classes_) {
      entry["outputs"] = numbers(outputs, row);
      return entry;
    }
    for (const Guess& guess : guesses(outputs, row, model_.classes()))
      entry["probabilities"][guess.name] = guess.probability;
    return entry;
  }

  std::string line_of_row(const Literal& outputs, int64_t row) const {
    if (!classes_) return fmt::format("{:.6g}", fmt::join(numbers(outputs, row), "   "));
    return line_of(guesses(outputs, row, model_.classes()), options_.top);
  }

  const train::Model& model_;
  const Options& options_;
  bool classes_;
  Json all_ = Json::array();
};

int predict(Options options) {
  train::Model model = train::Model::load(options.model);
  if (options.input.empty()) options.input = model.about("input", "image");
  std::map<std::string, InputRows> inputs;
  size_t width = 0, rows = 0;
  // All are read before the first is computed: what is wrong with them is said at once.
  const auto errors = for_each_file(options.files, [&](const std::string& file) {
    InputRows input = read_rows(file, model.example(), options.input);
    train::check_token_ids(model.graph(), input.values, file);
    for (const std::string& name : input.names) width = std::max(width, name.size());
    rows += input.names.size();
    inputs.insert_or_assign(file, std::move(input));
  });
  Predictions predictions(model, options);
  for (const std::string& file : options.files) {
    if (const auto error = errors.find(file); error != errors.end()) {
      predictions.add_error(file, error->second);
    } else {
      predictions.add(inputs.at(file), width, rows > 1 || options.files.size() > 1);
    }
  }
  if (options.json) fmt::print("{}\n", dump_json(predictions.all()));
  return errors.empty() ? kOk : kError;
}

}  // namespace

void add_predict(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("predict", "Predict the classes of pictures or rows of arrays");
  auto options = std::make_shared<Options>();
  command->add_option("MODEL", options->model, "A model written by `tenon train`")->required();
  command
      ->add_option(
          "FILE", options->files,
          "PNG, PBM, PGM or PPM pictures; .npy, .npz or idx arrays, all rows or those after a #")
      ->required();
  command->add_option("--input", options->input, "Column of an .npz (default: that of training)")
      ->type_name("NAME");
  command->add_option("--top", options->top, "Classes to show")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000).description(""))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON, all classes");
  add_threads_option(*command);
  command->footer(
      "\nPictures must have the size of the model's inputs; they become grey or colour as it "
      "takes\n"
      "them, without alpha. Values are given raw (0 to 255): the model scales them as it did in\n"
      "training. Of a model of sequences it is shown what comes after the last step. A file that\n"
      "does not fit is an error of its own: the others are predicted.\n\n"
      "Examples:\n"
      "  tenon predict model.tenon shirt.png coat.png\n"
      "  tenon predict model.tenon t10k-images-idx3-ubyte.gz#17\n"
      "  tenon predict model.tenon images.npy#0:10 --top 1\n"
      "  tenon predict model.tenon table.npz --json");
  command->callback([options, &exit_code] { exit_code = predict(*options); });
}

}  // namespace tenon::cli
