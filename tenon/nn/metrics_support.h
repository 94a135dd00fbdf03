// How metrics read outputs and labels. Private to nn.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tenon/nn/metric.h"

namespace tenon::nn::metrics {

/// The logits of each label that counts, one row after the other, and its class. One logit a label
/// becomes two: 0 and the logit.
struct Scored {
  int64_t classes = 0;
  std::vector<double> logits;
  std::vector<int64_t> labels;
  size_t rows() const { return labels.size(); }
  std::span<const double> row(size_t i) const {
    return std::span(logits).subspan(i * static_cast<size_t>(classes),
                                     static_cast<size_t>(classes));
  }
};

/// Errors, which begin with `metric`: shapes that do not fit; a label beyond the classes.
Scored scored(const char* metric, const Tensor& outputs, const Tensor& labels);

/// The position of the largest; of equal ones the first, and of the first NaN.
int64_t argmax(std::span<const double> row);

/// Their softmax.
std::vector<double> probabilities(std::span<const double> row);

}  // namespace tenon::nn::metrics
