// What an evaluation measures besides the loss.
//
//   train::Metrics metrics = {{"accuracy", nn::accuracy},                     // a mean, as a loss is
//                             {"huber", [](const Tensor& outputs, const Tensor& labels) { return nn::huber(outputs, labels); }},
//                             {"area", nn::metrics::roc_auc()}};              // of all rows together
#pragma once

#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "tenon/nn/metrics.h"
#include "tenon/train/loss.h"

namespace tenon::train {

/// A Loss, whose mean over what counts is asked for, or a nn::Metric, which sees all rows.
class Metric {
 public:
  Metric() = default;  // none: an error of the evaluation
  Metric(nn::Metric metric) : what_(std::move(metric)) {}
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Metric> &&
             !std::is_convertible_v<F, nn::Metric> && std::is_constructible_v<Loss, F>)
  Metric(F f) : what_(Loss(std::move(f))) {}

  /// Null where it is the other.
  const Loss* mean() const { return std::get_if<Loss>(&what_); }
  const nn::Metric* whole() const { return std::get_if<nn::Metric>(&what_); }

 private:
  std::variant<Loss, nn::Metric> what_;
};

/// By the name that reports show. A nn::Metric of several values adds theirs: "f1.2".
using Metrics = std::map<std::string, Metric>;

}  // namespace tenon::train
