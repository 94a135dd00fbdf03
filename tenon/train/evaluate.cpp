#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/train/fit.h"
#include "tenon/train/labels.h"

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

/// Adds rows that begin at `first_row` of the data set.
void add_classes(const Literal& logits, const Literal& labels, int64_t first_row,
                 Evaluation& result) {
  int64_t classes = logits.shape().back();
  auto count = static_cast<size_t>(classes);
  if (result.confusion.empty()) result.confusion.assign(count, std::vector<int64_t>(count, 0));
  for (int64_t i = 0; i < labels.size(); ++i) {
    int64_t truth = labels.to_int(i);
    if (truth < 0 || truth >= classes) {
      fail(ErrorCode::out_of_range, "evaluate: label {} of row {} is not one of {} classes", truth,
           first_row + i / (labels.size() / labels.shape()[0]), classes);
    }
    Best best = best_of(logits, i * classes, classes);
    double loss = best.top + std::log(best.sum) - logits.to_double(i * classes + truth);
    result.loss += loss;
    result.accuracy += static_cast<int64_t>(best.index) == truth ? 1 : 0;
    ++result.confusion[static_cast<size_t>(truth)][best.index];
    result.predicted.push_back(static_cast<int32_t>(best.index));
    result.confidence.push_back(static_cast<float>(1 / best.sum));
    result.example_loss.push_back(static_cast<float>(loss));
  }
}

void add_numbers(const Literal& outputs, const Literal& labels, Evaluation& result) {
  if (outputs.size() != labels.size()) {
    throw make_error(ErrorCode::shape_mismatch,
                     "evaluate: the model gives neither logits nor a number for each label")
        .note("outputs  {}", outputs.type().to_string())
        .note("labels   {}", labels.type().to_string());
  }
  for (int64_t i = 0; i < labels.size(); ++i) {
    double difference = outputs.to_double(i) - labels.to_double(i);
    result.loss += difference * difference;
  }
}

}  // namespace

Evaluation evaluate(const Model& model, const data::Dataset& dataset, const std::string& input,
                    const std::string& label, int64_t batch) {
  if (dataset.empty()) fail(ErrorCode::invalid_argument, "evaluate: the data set has no rows");
  Evaluation result;
  bool classes = are_classes(model.graph().output_types().at(0), dataset[label].type());
  if (classes) result.accuracy = 0;
  for (int64_t begin = 0; begin < dataset.size(); begin += batch) {
    data::Dataset rows = dataset.rows(begin, std::min(dataset.size(), begin + batch));
    Literal outputs = model.predict(Tensor(rows[input])).literal();
    if (classes) {
      add_classes(outputs, rows[label], begin, result);
    } else {
      add_numbers(outputs, rows[label], result);
    }
  }
  result.examples = dataset[label].size();
  result.classes = model.classes().empty() ? dataset.classes() : model.classes();
  auto count = static_cast<double>(std::max<int64_t>(1, result.examples));
  result.loss /= count;
  result.accuracy /= count;
  return result;
}

std::string Evaluation::summary() const {
  std::string text = fmt::format("loss {:.4f}", loss);
  if (!std::isnan(accuracy)) text += fmt::format("  accuracy {:.4f}", accuracy);
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
