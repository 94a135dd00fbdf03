// tenon predict: what a model says about pictures and rows of arrays.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>

#include "cli/command.h"
#include "cli/rows.h"
#include "tenon/base/error.h"
#include "tenon/base/json.h"
#include "tenon/train/model.h"

namespace tenon::cli {

namespace {

struct Options {
  std::string model;
  std::vector<std::string> files;
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

int predict(const Options& options) {
  train::Model model = train::Model::load(options.model);
  bool classes = model.gives_classes();
  std::vector<InputRows> inputs;
  for (const std::string& file : options.files) inputs.push_back(read_rows(file, model.example()));
  size_t width = 0;
  int64_t rows = 0;
  for (const InputRows& input : inputs) {
    for (const std::string& name : input.names) width = std::max(width, name.size());
    rows += input.values.shape()[0];
  }
  Json all = Json::array();
  for (const InputRows& input : inputs) {
    Literal outputs = model.predict(Tensor(input.values)).literal();
    if (classes && outputs.shape().size() != 2) {
      throw make_error(ErrorCode::unsupported, "predict: the model gives {}, not classes",
                       outputs.type().to_string());
    }
    for (int64_t row = 0; row < outputs.shape()[0]; ++row) {
      const std::string& name = input.names[static_cast<size_t>(row)];
      Json entry = {{"input", name}};
      std::string line;
      if (classes) {
        std::vector<Guess> result = guesses(outputs, row, model.classes());
        for (const Guess& guess : result) entry["probabilities"][guess.name] = guess.probability;
        line = line_of(result, options.top);
      } else {
        entry["outputs"] = numbers(outputs, row);
        line = fmt::format("{:.6g}", fmt::join(numbers(outputs, row), "   "));
      }
      if (options.json) {
        all.push_back(std::move(entry));
      } else if (rows == 1) {
        fmt::print("{}\n", line);
      } else {
        fmt::print("{:{}}  {}\n", name, width, line);
      }
    }
  }
  if (options.json) fmt::print("{}\n", dump_json(all));
  return kOk;
}

}  // namespace

void add_predict(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("predict", "The classes of pictures or rows of arrays");
  auto options = std::make_shared<Options>();
  command->add_option("MODEL", options->model, "A file that `tenon train` wrote")->required();
  command
      ->add_option("FILE", options->files,
                   "PNG, PGM or PPM pictures; .npy or idx arrays, all rows or those after a #")
      ->required();
  command->add_option("--top", options->top, "Classes to show")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000).description(""))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON, all classes");
  add_threads_option(*command);
  command->footer(
      "\nPictures must have the size and the channels of the model's inputs; values are given raw\n"
      "(0 to 255): the model scales them as it did in training.\n\n"
      "Examples:\n"
      "  tenon predict model.tenon shirt.png coat.png\n"
      "  tenon predict model.tenon t10k-images-idx3-ubyte.gz#17\n"
      "  tenon predict model.tenon images.npy#0:10 --top 1");
  command->callback([options, &exit_code] { exit_code = predict(*options); });
}

}  // namespace tenon::cli
