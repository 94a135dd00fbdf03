#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/train/fit.h"

namespace tenon::train {

Evaluation evaluate(const Model& model, const data::Dataset& dataset, const std::string& input,
                    const std::string& label, int64_t batch) {
  Evaluation result;
  const Literal& labels = dataset[label];
  int64_t per_row = dataset.empty() ? 0 : labels.size() / dataset.size();
  for (int64_t begin = 0; begin < dataset.size(); begin += batch) {
    int64_t end = std::min(dataset.size(), begin + batch);
    data::Dataset rows = dataset.rows(begin, end);
    Literal logits = model.predict(Tensor(rows[input])).literal();
    std::vector<int64_t> labelled(logits.shape().begin(), logits.shape().end() - 1);
    if (logits.shape().size() < 2 || labelled != rows[label].shape()) {
      throw make_error(ErrorCode::shape_mismatch,
                       "evaluate: the model does not give one row of logits for each label")
          .note("model   {}", logits.type().to_string())
          .note("labels  {}", rows[label].type().to_string());
    }
    auto classes = static_cast<size_t>(logits.shape().back());
    if (result.confusion.empty())
      result.confusion.assign(classes, std::vector<int64_t>(classes, 0));
    for (int64_t i = begin * per_row; i < end * per_row; ++i) {
      int64_t at = (i - begin * per_row) * static_cast<int64_t>(classes);
      size_t best = 0;
      double top = -INFINITY;
      for (size_t c = 0; c < classes; ++c) {
        double value = logits.to_double(at + static_cast<int64_t>(c));
        if (value > top) {
          top = value;
          best = c;
        }
      }
      double sum = 0;
      for (size_t c = 0; c < classes; ++c)
        sum += std::exp(logits.to_double(at + static_cast<int64_t>(c)) - top);
      int64_t truth = labels.to_int(i);
      if (truth < 0 || truth >= static_cast<int64_t>(classes)) {
        fail(ErrorCode::out_of_range, "evaluate: label {} of row {} is not one of {} classes",
             truth, i / per_row, classes);
      }
      double loss = top + std::log(sum) - logits.to_double(at + truth);
      result.loss += loss;
      result.accuracy += static_cast<int64_t>(best) == truth ? 1 : 0;
      ++result.confusion[static_cast<size_t>(truth)][best];
      result.predicted.push_back(static_cast<int32_t>(best));
      result.confidence.push_back(static_cast<float>(1 / sum));
      result.example_loss.push_back(static_cast<float>(loss));
    }
  }
  result.examples = labels.size();
  auto count = static_cast<double>(std::max<int64_t>(1, result.examples));
  result.loss /= count;
  result.accuracy /= count;
  return result;
}

std::string Evaluation::to_string(const std::vector<std::string>& classes) const {
  std::string text =
      fmt::format("loss {:.4f}  accuracy {:.4f}  ({} examples)\n\n", loss, accuracy, examples);
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
