#include "tenon/train/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/train/labels.h"
#include "tenon/train/token_ids.h"

namespace tenon::train {

namespace {

/// A class and how good the model thinks it is, from one row of logits.
struct Best {
  size_t index = 0;
  double top = -INFINITY;
  double sum = 0;  // of exp(logit - top)
};

Best best_of(const Literal& logits, int64_t begin, int64_t classes) {
  Best best;
  for (int64_t c = 0; c < classes; ++c) {
    double value = logits.to_double(begin + c);
    if (value > best.top) best = {static_cast<size_t>(c), value};
  }
  for (int64_t c = 0; c < classes; ++c)
    best.sum += std::exp(logits.to_double(begin + c) - best.top);
  return best;
}

/// Sums over the rows seen so far; means once divided.
class Evaluator {
 public:
  Evaluator(const Model& model, const EvaluateOptions& options, bool classes)
      : model_(model), options_(options), classes_(classes) {
    own_loss_ = options.loss && !is_built_in(options.loss);
    if (classes) result_.accuracy = 0;
    for (const auto& [name, metric] : options.metrics) result_.metrics[name] = 0;
  }

  /// Rows that begin at `first_row` of the data set.
  void add(const data::Dataset& rows, int64_t first_row) {
    Tensor outputs = model_.predict(Tensor(rows[options_.input]));
    const Literal& labels = rows[options_.label];
    Tensor wanted{Literal(labels)};
    auto size = static_cast<double>(rows.size());
    rows_ += size;
    for (const auto& [name, metric] : options_.metrics)
      result_.metrics[name] += metric(outputs, wanted).item() * size;
    if (own_loss_) loss_of_rows_ += options_.loss(outputs, wanted).item() * size;
    if (classes_) {
      add_classes(outputs.literal(), labels, first_row);
    } else if (!own_loss_) {
      add_numbers(outputs.literal(), labels);
    }
  }

  Evaluation finish() {
    counted_ = std::max(1.0, counted_);
    result_.loss = own_loss_ ? loss_of_rows_ / rows_ : result_.loss / counted_;
    result_.accuracy /= counted_;
    for (auto& [name, sum] : result_.metrics) sum /= rows_;
    return std::move(result_);
  }

 private:
  void add_classes(const Literal& logits, const Literal& labels, int64_t first_row) {
    int64_t classes = logits.shape().back();
    auto count = static_cast<size_t>(classes);
    if (result_.confusion.empty()) result_.confusion.assign(count, std::vector<int64_t>(count, 0));
    for (int64_t i = 0; i < labels.size(); ++i) {
      int64_t truth = labels.to_int(i);
      if (truth >= classes && !own_loss_) {
        fail(ErrorCode::out_of_range, "evaluate: label {} of row {} is not one of {} classes",
             truth, first_row + i / (labels.size() / labels.shape()[0]), classes);
      }
      Best best = best_of(logits, i * classes, classes);
      bool counts = truth >= 0 && truth < classes;
      double loss =
          counts ? best.top + std::log(best.sum) - logits.to_double(i * classes + truth) : 0;
      result_.predicted.push_back(static_cast<int32_t>(best.index));
      result_.confidence.push_back(static_cast<float>(1 / best.sum));
      result_.example_loss.push_back(static_cast<float>(loss));
      if (!counts) continue;
      ++counted_;
      result_.loss += loss;
      result_.accuracy += static_cast<int64_t>(best.index) == truth ? 1 : 0;
      ++result_.confusion[static_cast<size_t>(truth)][best.index];
    }
  }

  void add_numbers(const Literal& outputs, const Literal& labels) {
    if (outputs.size() != labels.size()) {
      throw make_error(ErrorCode::shape_mismatch,
                       "evaluate: the model gives neither logits nor a number for each label")
          .note("outputs  {}", outputs.type().to_string())
          .note("labels   {}", labels.type().to_string());
    }
    for (int64_t i = 0; i < labels.size(); ++i) {
      double difference = outputs.to_double(i) - labels.to_double(i);
      result_.loss += difference * difference;
    }
    counted_ += static_cast<double>(labels.size());
  }

  const Model& model_;
  const EvaluateOptions& options_;
  bool classes_;
  bool own_loss_ = false;
  double rows_ = 0, counted_ = 0;  // rows, and labels that count
  double loss_of_rows_ = 0;
  Evaluation result_;
};

}  // namespace

Evaluation evaluate(const Model& model, const data::Dataset& dataset,
                    const EvaluateOptions& options) {
  if (dataset.empty()) fail(ErrorCode::invalid_argument, "evaluate: the data set has no rows");
  const Type labels = dataset[options.label].type();
  check_token_ids(model.graph(), dataset[options.input], "evaluate");
  Evaluator evaluator(model, options, are_classes(model.graph().output_types().at(0), labels));
  for (int64_t begin = 0; begin < dataset.size(); begin += options.batch)
    evaluator.add(dataset.rows(begin, std::min(dataset.size(), begin + options.batch)), begin);
  Evaluation result = evaluator.finish();
  result.examples = dataset[options.label].size();
  result.classes = model.classes().empty() ? dataset.classes() : model.classes();
  return result;
}

std::string Evaluation::summary() const {
  std::string text = fmt::format("loss {:.4f}", loss);
  if (!std::isnan(accuracy)) text += fmt::format("  accuracy {:.4f}", accuracy);
  for (const auto& [name, value] : metrics) text += fmt::format("  {} {:.4f}", name, value);
  return text + fmt::format("  ({} examples)", group_digits(examples));
}

std::string Evaluation::to_string() const {
  std::string text = summary() + "\n";
  if (confusion.empty()) return text;
  text += "\n";
  size_t width = 6;
  auto name = [&](size_t i) { return i < classes.size() ? classes[i] : std::to_string(i); };
  for (size_t i = 0; i < confusion.size(); ++i) width = std::max(width, name(i).size());
  text += fmt::format("{:>{}}  predicted\n{:>{}}", "label", width, "", width);
  for (size_t c = 0; c < confusion.size(); ++c) text += fmt::format(" {:>6.6}", name(c));
  for (size_t i = 0; i < confusion.size(); ++i) {
    text += fmt::format("\n{:>{}}", name(i), width);
    for (int64_t count : confusion[i]) text += fmt::format(" {:>6}", count);
  }
  return text + "\n";
}

}  // namespace tenon::train
