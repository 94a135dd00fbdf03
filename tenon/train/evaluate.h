// Evaluation of a model on labelled data.
//
//   given: train::Model model; data::Dataset test;
//   train::Evaluation e = train::evaluate(model, test);
//   print("{}\n", e);                       // loss, accuracy and confusions
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tenon/data/dataset.h"
#include "tenon/train/columns.h"
#include "tenon/train/confusion.h"
#include "tenon/train/loss.h"
#include "tenon/train/metric.h"
#include "tenon/train/model.h"

namespace tenon::train {

struct Evaluation {
  double loss = 0;
  double accuracy = NAN;  // NaN if labels are not classes
  /// For regression, else NaN: the mean absolute error, and R², the fraction of the variance of the
  /// labels that the model explains (over all columns together).
  double absolute_error = NAN, r_squared = NAN;
  std::map<std::string, double> metrics;
  int64_t examples = 0;  // labels that count: one per row or token
  int64_t left_out = 0;  // ignored labels, such as negative ones
  /// Empty if labels are not classes, like the next three.
  Confusion confusion;
  std::vector<int32_t> predicted;    // one per label, also for ignored ones
  std::vector<float> confidence;     // probability of the predicted class
  std::vector<float> example_loss;   // one per label; NaN for ignored ones
  std::vector<float> outputs;        // one per label, for regression
  std::vector<std::string> classes;  // names of the labels; may be empty
  /// "loss 0.2716  accuracy 0.9027  (10,000 examples)", or "loss 0.0081  mean absolute error 0.0730
  /// R² 0.9921  (442 examples)"
  std::string summary() const;
  /// The summary and the confusions: all of them, or the worst if there are many classes.
  std::string to_string() const;
};

struct EvaluateOptions {
  Columns input = "image";
  Columns label = "label";
  int64_t batch = 500;
  /// Empty: cross entropy if labels are classes, otherwise the mean squared error.
  Loss loss = {};
  Metrics metrics = {};
  /// Whether to return the predictions for each example, too, in addition to loss, accuracy and
  /// metrics.
  bool details = true;
};

/// Labels are classes if they are integers [rows, …] for outputs [rows, …, classes]; then there are
/// accuracy and confusions, too. Negative labels are ignored; error out_of_range for one beyond the
/// classes, unless the loss is user-defined.
Evaluation evaluate(const Model& model, const data::Dataset& dataset,
                    const EvaluateOptions& options = {});

}  // namespace tenon::train

template <>
struct fmt::formatter<tenon::train::Evaluation> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const tenon::train::Evaluation& evaluation, fmt::format_context& context) const {
    std::string text = evaluation.to_string();
    return std::copy(text.begin(), text.end(), context.out());
  }
};
