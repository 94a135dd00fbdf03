#include "tenon/train/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/train/labels.h"
#include "tenon/train/token_ids.h"

namespace tenon::train {

namespace {

/// A class and how good the model thinks it is, from one row of logits.
struct Best {
  int64_t index = 0;
  double top = -INFINITY;
  double sum = 0;  // of exp(logit - top)
};

Best best_of(const Literal& logits, int64_t begin, int64_t classes) {
  Best best;
  for (int64_t c = 0; c < classes; ++c) {
    double value = logits.to_double(begin + c);
    if (value > best.top) best = {c, value};
  }
  for (int64_t c = 0; c < classes; ++c)
    best.sum += std::exp(logits.to_double(begin + c) - best.top);
  return best;
}

/// The sum of squares of labels about the mean of their column.
double squares_about_mean(const Literal& labels) {
  const int64_t rows = labels.shape()[0], columns = labels.size() / rows;
  double squares = 0;
  for (int64_t column = 0; column < columns; ++column) {
    double mean = 0;
    for (int64_t row = 0; row < rows; ++row) mean += labels.to_double(row * columns + column);
    mean /= static_cast<double>(rows);
    for (int64_t row = 0; row < rows; ++row) {
      const double difference = labels.to_double(row * columns + column) - mean;
      squares += difference * difference;
    }
  }
  return squares;
}

data::Batch batch_of(const data::Dataset& rows) {
  data::Batch batch;
  for (const std::string& name : rows.names()) batch.set(name, Tensor(rows[name]));
  return batch;
}

/// A mean over batches that is still being summed.
struct RunningMean {
  double sum = 0, weight = 0;

  void add(const LossTerms& terms) {
    const double more = terms.weight.item();
    if (more > 0) sum += terms.value.item() * more;  // of nothing a mean may be NaN
    weight += more;
  }
  double value() const { return sum / weight; }
};

/// Sums over the rows seen so far; means once divided.
class Evaluator {
 public:
  Evaluator(const Model& model, const EvaluateOptions& options, bool classes)
      : model_(model), options_(options), classes_(classes) {
    own_loss_ = options.loss && !options.loss.is_plain();
    if (classes) result_.accuracy = 0;
    for (const auto& [name, metric] : options.metrics) {
      if (metric.whole() != nullptr) whole_.emplace(name, *metric.whole());
      if (metric.mean() != nullptr && !*metric.mean())
        fail(ErrorCode::invalid_argument, "evaluate: the metric '{}' is no function", name);
    }
  }

  /// Rows that begin at `first_row` of the data set.
  void add(const data::Dataset& rows, int64_t first_row) {
    const data::Batch batch = batch_of(rows);
    const Tree outputs = model_.predict(options_.input.of(batch));
    const Tree labels = options_.label.of(batch);
    for (const auto& [name, metric] : options_.metrics) {
      if (metric.mean() != nullptr) means_[name].add(metric.mean()->terms(outputs, labels));
    }
    for (auto& [name, metric] : whole_) metric.update(outputs, labels);
    if (own_loss_) {
      const LossTerms terms = options_.loss.terms(outputs, labels);
      loss_.add(terms);
      for (const auto& [name, part] : terms.parts)
        means_[name].add({.value = part, .weight = terms.weight});
    }
    if (classes_) {
      add_classes(outputs.leaf().literal(), rows[options_.label.names().front()], first_row);
    } else if (!own_loss_) {
      add_numbers(outputs.leaf().literal(), rows[options_.label.names().front()]);
    }
    if (!own_loss_)
      loss_.weight +=
          static_cast<double>(count_labels(rows[options_.label.names().front()], classes_));
  }

  /// Over all rows of the data.
  Evaluation finish(const data::Dataset& dataset) {
    if (loss_.weight == 0) {
      throw make_error(ErrorCode::invalid_argument,
                       "evaluate: none of the {} labels counts: all are negative",
                       dataset[options_.label.names().at(0)].size())
          .note("hint: classes are counted from 0; negative labels are ignored");
    }
    result_.examples = static_cast<int64_t>(std::llround(loss_.weight));
    if (classes_ || !own_loss_) {
      result_.examples = dataset[options_.label.names().front()].size() - result_.left_out;
    }
    counted_ = std::max(1.0, counted_);
    if (!result_.outputs.empty()) {
      const double squares = squares_about_mean(dataset[options_.label.names().front()]);
      result_.absolute_error = distance_ / counted_;
      result_.r_squared = squares > 0 ? 1 - result_.loss / squares : NAN;
    }
    result_.loss = own_loss_ ? loss_.value() : result_.loss / counted_;
    result_.accuracy /= counted_;
    for (const auto& [name, mean] : means_) result_.metrics[name] = mean.value();
    for (const auto& [name, metric] : whole_) {
      for (const auto& [part, value] : metric.results())
        result_.metrics[part.empty() ? name : name + "." + part] = value;
    }
    return std::move(result_);
  }

 private:
  void add_classes(const Literal& logits, const Literal& labels, int64_t first_row) {
    int64_t classes = logits.shape().back();
    if (options_.details && result_.confusion.empty()) result_.confusion = Confusion(classes);
    for (int64_t i = 0; i < labels.size(); ++i) {
      int64_t truth = labels.to_int(i);
      if (truth >= classes && !own_loss_) {
        fail(ErrorCode::out_of_range, "evaluate: label {} of row {} is not one of {} classes",
             truth, first_row + i / (labels.size() / labels.shape()[0]), classes);
      }
      Best best = best_of(logits, i * classes, classes);
      bool counts = truth >= 0 && truth < classes;
      double loss =
          counts ? best.top + std::log(best.sum) - logits.to_double(i * classes + truth) : NAN;
      if (options_.details) {
        result_.predicted.push_back(static_cast<int32_t>(best.index));
        result_.confidence.push_back(static_cast<float>(1 / best.sum));
        result_.example_loss.push_back(static_cast<float>(loss));
      }
      if (!counts) {
        ++result_.left_out;
        continue;
      }
      ++counted_;
      if (!own_loss_) result_.loss += loss;
      result_.accuracy += best.index == truth ? 1 : 0;
      if (options_.details) result_.confusion.add(truth, best.index);
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
      distance_ += std::abs(difference);
      if (options_.details) result_.outputs.push_back(static_cast<float>(outputs.to_double(i)));
    }
    counted_ += static_cast<double>(labels.size());
  }

  const Model& model_;
  const EvaluateOptions& options_;
  bool classes_;
  bool own_loss_ = false;
  RunningMean loss_;  // of the caller's own; its weight always counts
  std::map<std::string, RunningMean> means_;
  std::map<std::string, nn::Metric> whole_;
  double counted_ = 0;   // labels that were compared with what was predicted
  double distance_ = 0;  // from labels that are numbers
  Evaluation result_;
};

}  // namespace

Evaluation evaluate(const Model& model, const data::Dataset& dataset,
                    const EvaluateOptions& options) {
  if (dataset.empty()) fail(ErrorCode::invalid_argument, "evaluate: the data set has no rows");
  const std::vector<Type> outputs = model.graph().output_types();
  bool classes = false;
  if (outputs.size() == 1 && options.label.is_one())
    classes = are_classes(outputs[0], dataset[options.label.names().front()].type());
  if (!classes && !options.loss && (outputs.size() != 1 || !options.label.is_one())) {
    throw make_error(ErrorCode::invalid_argument,
                     "evaluate: a model of {} outputs and labels '{}' needs a loss", outputs.size(),
                     options.label.to_string())
        .note("hint: EvaluateOptions::loss, a function of the trees of outputs and labels");
  }
  if (options.input.is_one())
    check_token_ids(model.graph(), dataset[options.input.names().front()], "evaluate");
  Evaluator evaluator(model, options, classes);
  for (int64_t begin = 0; begin < dataset.size(); begin += options.batch)
    evaluator.add(dataset.rows(begin, std::min(dataset.size(), begin + options.batch)), begin);
  Evaluation result = evaluator.finish(dataset);
  result.classes = model.classes().empty() ? dataset.classes() : model.classes();
  return result;
}

std::string Evaluation::summary() const {
  std::string text = fmt::format("loss {:.4f}", loss);
  if (!std::isnan(accuracy)) text += fmt::format("  accuracy {:.4f}", accuracy);
  if (!std::isnan(absolute_error))
    text += fmt::format("  mean absolute error {:.4f}  R² {:.4f}", absolute_error, r_squared);
  for (const auto& [name, value] : metrics) text += fmt::format("  {} {:.4f}", name, value);
  text += fmt::format("  ({} examples", group_digits(examples));
  if (left_out > 0) text += fmt::format(", {} left out", group_digits(left_out));
  return text + ")";
}

namespace {

std::string name_of_class(const Evaluation& evaluation, int64_t index) {
  const std::vector<std::string>& names = evaluation.classes;
  return index < static_cast<int64_t>(names.size()) ? names[static_cast<size_t>(index)]
                                                    : std::to_string(index);
}

size_t longest(const std::vector<std::string>& names) {
  return std::ranges::max(names, {}, &std::string::size).size();
}

/// The beginnings of names; where two begin alike, also the number of the class.
std::vector<std::string> shortened(const std::vector<std::string>& names, size_t width) {
  std::vector<std::string> heads;
  for (const std::string& name : names) heads.push_back(fmt::format("{:.{}}", name, width));
  if (std::set(heads.begin(), heads.end()).size() == names.size()) return heads;
  for (size_t c = 0; c < names.size(); ++c) {
    if (heads[c] == names[c]) continue;
    const std::string number = fmt::format("~{}", c);
    heads[c] = fmt::format("{:.{}}{}", names[c], width - number.size(), number);
  }
  return heads;
}

std::string table_of_confusions(const Evaluation& evaluation) {
  constexpr size_t kNarrowest = 6, kWidest = 12;
  const Confusion& confusion = evaluation.confusion;
  std::vector<std::string> names;
  for (int64_t c = 0; c < confusion.classes(); ++c) names.push_back(name_of_class(evaluation, c));
  const size_t width = std::max(kNarrowest, longest(names));
  const size_t column = std::min(kWidest, width);
  std::string text = fmt::format("{:>{}}  predicted\n{:>{}}", "label", width, "", width);
  for (const std::string& head : shortened(names, column))
    text += fmt::format(" {:>{}}", head, column);
  for (int64_t label = 0; label < confusion.classes(); ++label) {
    text += fmt::format("\n{:>{}}", names[static_cast<size_t>(label)], width);
    for (int64_t c = 0; c < confusion.classes(); ++c)
      text += fmt::format(" {:>{}}", confusion.at(label, c), column);
  }
  return text + "\n";
}

std::string worst_confusions(const Evaluation& evaluation) {
  const Confusion& confusion = evaluation.confusion;
  auto name = [&](int64_t index) { return name_of_class(evaluation, index); };
  std::vector<Confusion::Count> frequent = confusion.most_frequent(kFrequentMistakesShown);
  std::vector<int64_t> worst = confusion.worst_classes(kWorstClassesShown);
  size_t width = 9;
  for (const Confusion::Count& c : frequent)
    width = std::max({width, name(c.label).size(), name(c.predicted).size()});
  for (int64_t label : worst) width = std::max(width, name(label).size());
  std::string text =
      fmt::format("{} classes are too many for a table: the {} most frequent confusions\n",
                  group_digits(confusion.classes()), frequent.size());
  text += fmt::format("{:>{}}  {:>{}}  {:>8}\n", "label", width, "predicted", width, "count");
  for (const Confusion::Count& c : frequent)
    text += fmt::format("{:>{}}  {:>{}}  {:>8}\n", name(c.label), width, name(c.predicted), width,
                        c.count);
  text += fmt::format("\nand the {} classes with the lowest accuracy\n", worst.size());
  text += fmt::format("{:>{}}  {:>8}  {:>8}  {:>8}\n", "label", width, "accuracy", "right", "of");
  for (int64_t label : worst)
    text += fmt::format("{:>{}}  {:>8.4f}  {:>8}  {:>8}\n", name(label), width,
                        confusion.accuracy(label), confusion.right(label), confusion.total(label));
  return text;
}

}  // namespace

std::string Evaluation::to_string() const {
  std::string text = summary() + "\n";
  if (confusion.empty()) return text;
  return text + "\n" +
         (confusion.fits_a_table() ? table_of_confusions(*this) : worst_confusions(*this));
}

}  // namespace tenon::train
