// Metrics of decisions: which class is taken for which.
#include <algorithm>
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/nn/metrics.h"
#include "tenon/nn/metrics_support.h"

namespace tenon::nn::metrics {

namespace {

/// The fraction of labels among the k largest logits.
class TopK {
 public:
  explicit TopK(int64_t k) : k_(k) {
    if (k < 1) fail(ErrorCode::out_of_range, "top_k: k is {}, it must be at least 1", k);
  }
  void update(const Tensor& outputs, const Tensor& labels) {
    const Scored batch = scored("top_k", outputs, labels);
    for (size_t i = 0; i < batch.rows(); ++i) {
      const auto row = batch.row(i);
      const auto label = static_cast<size_t>(batch.labels[i]);
      int64_t before = 0;  // what is not a number is in front of all numbers
      for (size_t c = 0; c < row.size(); ++c)
        before += !(row[c] <= row[label]) || (row[c] == row[label] && c < label) ? 1 : 0;
      if (before < k_) ++right_;
    }
    count_ += static_cast<double>(batch.rows());
  }
  double result() const { return right_ / count_; }

 private:
  int64_t k_;
  double right_ = 0, count_ = 0;
};

/// What precision, recall and F1 are made of, for one class or several together.
struct Decisions {
  double right = 0, predicted = 0, labelled = 0;
  void add(const Decisions& other) {
    right += other.right;
    predicted += other.predicted;
    labelled += other.labelled;
  }
  bool any() const { return predicted > 0 || labelled > 0; }
};

double part(double right, double of) { return of > 0 ? right / of : 0; }
double precision_of(const Decisions& d) { return part(d.right, d.predicted); }
double recall_of(const Decisions& d) { return part(d.right, d.labelled); }
double f1_of(const Decisions& d) { return part(2 * d.right, d.predicted + d.labelled); }

class ByDecisions {
 public:
  using Measure = double (*)(const Decisions&);
  ByDecisions(const char* name, Measure measure, ClassOptions options)
      : name_(name), measure_(measure), options_(options) {}

  void update(const Tensor& outputs, const Tensor& labels) {
    const Scored batch = scored(name_, outputs, labels);
    if (options_.average == Average::binary && batch.classes != 2)
      fail(ErrorCode::invalid_argument, "{}: the average 'binary' is of two classes, not {}", name_,
           batch.classes);
    classes_.resize(std::max(classes_.size(), static_cast<size_t>(batch.classes)));
    for (size_t i = 0; i < batch.rows(); ++i) {
      const auto label = static_cast<size_t>(batch.labels[i]);
      const auto predicted = static_cast<size_t>(argmax(batch.row(i)));
      ++classes_[label].labelled;
      ++classes_[predicted].predicted;
      if (label == predicted) ++classes_[label].right;
    }
  }
  Metric::Values result() const {
    Metric::Values values = {{"", average()}};
    if (!options_.by_class) return values;
    for (size_t c = 0; c < classes_.size(); ++c)
      values.emplace_back(std::to_string(c), classes_[c].any() ? measure_(classes_[c]) : NAN);
    return values;
  }

 private:
  double average() const {
    Decisions all;
    double sum = 0, weight = 0;
    for (const Decisions& d : classes_) {
      if (!d.any()) continue;
      all.add(d);
      const double share = options_.average == Average::weighted ? d.labelled : 1;
      sum += measure_(d) * share;
      weight += share;
    }
    if (!all.any()) return NAN;
    if (options_.average == Average::micro) return measure_(all);
    if (options_.average == Average::binary) return measure_(classes_[1]);
    return sum / weight;
  }

  const char* name_;
  Measure measure_;
  ClassOptions options_;
  std::vector<Decisions> classes_;
};

}  // namespace

Metric accuracy() { return TopK(1); }
Metric top_k(int64_t k) { return TopK(k); }
Metric precision(ClassOptions options) { return ByDecisions("precision", precision_of, options); }
Metric recall(ClassOptions options) { return ByDecisions("recall", recall_of, options); }
Metric f1(ClassOptions options) { return ByDecisions("f1", f1_of, options); }

}  // namespace tenon::nn::metrics
