// Metrics of probabilities and of numbers.
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/nn/metrics.h"
#include "tenon/nn/metrics_support.h"

namespace tenon::nn::metrics {

namespace {

class CalibrationError {
 public:
  explicit CalibrationError(int64_t bins) {
    if (bins < 1)
      fail(ErrorCode::out_of_range, "expected_calibration_error: {} bins; it must be at least 1",
           bins);
    bins_.resize(static_cast<size_t>(bins));
  }
  void update(const Tensor& outputs, const Tensor& labels) {
    const Scored batch = scored("expected_calibration_error", outputs, labels);
    for (size_t i = 0; i < batch.rows(); ++i) {
      const int64_t predicted = argmax(batch.row(i));
      const double confidence = probabilities(batch.row(i))[static_cast<size_t>(predicted)];
      if (std::isnan(confidence))
        fail(ErrorCode::not_finite, "expected_calibration_error: an output is not finite");
      // Bins are open below: (0, 1/15], (1/15, 2/15] …
      const auto count = static_cast<double>(bins_.size());
      const auto bin = static_cast<size_t>(std::max(0.0, std::ceil(confidence * count) - 1));
      ++bins_[bin].count;
      bins_[bin].confidence += confidence;
      if (predicted == batch.labels[i]) ++bins_[bin].right;
    }
  }
  double result() const {
    double distance = 0, count = 0;
    for (const Bin& bin : bins_) {
      distance += std::abs(bin.right - bin.confidence);
      count += bin.count;
    }
    return distance / count;
  }

 private:
  struct Bin {
    double count = 0, confidence = 0, right = 0;
  };
  std::vector<Bin> bins_;
};

class Perplexity {
 public:
  void update(const Tensor& outputs, const Tensor& labels) {
    const Scored batch = scored("perplexity", outputs, labels);
    for (size_t i = 0; i < batch.rows(); ++i) {
      const auto row = batch.row(i);
      const double largest = row[static_cast<size_t>(argmax(row))];
      double sum = 0;
      for (double logit : row) sum += std::exp(logit - largest);
      nats_ += largest - row[static_cast<size_t>(batch.labels[i])] + std::log(sum);
    }
    count_ += static_cast<double>(batch.rows());
  }
  double result() const { return std::exp(nats_ / count_); }

 private:
  double nats_ = 0, count_ = 0;
};

/// The mean of a power of the distance, and its root.
class Distance {
 public:
  Distance(const char* name, bool squared) : name_(name), squared_(squared) {}
  void update(const Tensor& outputs, const Tensor& labels) {
    Shape shape = outputs.shape();
    if (shape.rank() == labels.rank() + 1 && shape[shape.rank() - 1] == Dim(1))
      shape.erase(shape.rank() - 1);
    if (shape != labels.shape()) {
      fail(ErrorCode::shape_mismatch, "{}: outputs {} and labels {} differ", name_,
           outputs.type().to_string(), labels.type().to_string());
    }
    const std::vector<double> a = outputs.to_vector<double>(), b = labels.to_vector<double>();
    for (size_t i = 0; i < a.size(); ++i) {
      const double difference = std::abs(a[i] - b[i]);
      sum_ += squared_ ? difference * difference : difference;
    }
    count_ += static_cast<double>(a.size());
  }
  double result() const { return squared_ ? std::sqrt(sum_ / count_) : sum_ / count_; }

 private:
  const char* name_;
  bool squared_;
  double sum_ = 0, count_ = 0;
};

}  // namespace

Metric expected_calibration_error(int64_t bins) { return CalibrationError(bins); }
Metric perplexity() { return Perplexity(); }
Metric root_mean_squared_error() { return Distance("root_mean_squared_error", true); }
Metric mean_absolute_error() { return Distance("mean_absolute_error", false); }

}  // namespace tenon::nn::metrics
