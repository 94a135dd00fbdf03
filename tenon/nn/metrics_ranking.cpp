// Metrics of an order of scores: areas under curves.
#include <algorithm>
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/nn/metrics.h"
#include "tenon/nn/metrics_support.h"

namespace tenon::nn::metrics {

namespace {

/// A score, and whether the row is of the class.
struct Ranked {
  double score;
  bool positive;
};

/// Calls f(positives, negatives) for each group of equal scores, from the largest on.
template <class F>
void for_each_threshold(std::vector<Ranked> rows, F f) {
  std::ranges::sort(rows, std::greater<>(), &Ranked::score);
  for (size_t i = 0; i < rows.size();) {
    double positives = 0, negatives = 0;
    const double score = rows[i].score;
    for (; i < rows.size() && rows[i].score == score; ++i)
      ++(rows[i].positive ? positives : negatives);
    f(positives, negatives);
  }
}

double area_under_roc(const std::vector<Ranked>& rows) {
  double above = 0, positives = 0, negatives = 0;  // pairs in the right order
  for_each_threshold(rows, [&](double p, double n) {
    above += n * (positives + p / 2);
    positives += p;
    negatives += n;
  });
  return positives > 0 && negatives > 0 ? above / (positives * negatives) : NAN;
}

double precision_of_ranking(const std::vector<Ranked>& rows) {
  double sum = 0, positives = 0, all = 0;
  for_each_threshold(rows, [&](double p, double n) {
    positives += p;
    all += p + n;
    sum += p * positives / all;
  });
  return positives > 0 ? sum / positives : NAN;
}

class ByRanking {
 public:
  using Measure = double (*)(const std::vector<Ranked>&);
  ByRanking(const char* name, Measure measure) : name_(name), measure_(measure) {}

  void update(const Tensor& outputs, const Tensor& labels) {
    const Scored batch = scored(name_, outputs, labels);
    // Of two classes one says all.
    const size_t first = batch.classes == 2 ? 1 : 0;
    classes_.resize(std::max(classes_.size(), static_cast<size_t>(batch.classes) - first));
    for (size_t i = 0; i < batch.rows(); ++i) {
      const auto row = batch.row(i);
      if (std::ranges::any_of(row, [](double x) { return std::isnan(x); }))
        fail(ErrorCode::not_finite, "{}: an output is NaN, which has no place in an order", name_);
      const bool two = first == 1;
      const std::vector<double> scores =
          two ? std::vector<double>{row[1] - row[0]} : probabilities(row);
      for (size_t c = 0; c < scores.size(); ++c)
        classes_[c].push_back({scores[c], batch.labels[i] == static_cast<int64_t>(c + first)});
    }
  }
  double result() const {
    double sum = 0, count = 0;
    for (const std::vector<Ranked>& rows : classes_) {
      const double value = measure_(rows);
      if (std::isnan(value)) continue;
      sum += value;
      ++count;
    }
    return sum / count;
  }

 private:
  const char* name_;
  Measure measure_;
  std::vector<std::vector<Ranked>> classes_;
};

}  // namespace

Metric roc_auc() { return ByRanking("roc_auc", area_under_roc); }
Metric average_precision() { return ByRanking("average_precision", precision_of_ranking); }

}  // namespace tenon::nn::metrics
