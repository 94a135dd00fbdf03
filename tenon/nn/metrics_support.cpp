#include "tenon/nn/metrics_support.h"

#include <algorithm>
#include <cmath>

#include "tenon/base/error.h"

namespace tenon::nn {

const Tensor& detail::leaf_for_metric(const Tree& tree, const char* what) {
  if (tree.is_leaf()) return tree.leaf();
  throw make_error(ErrorCode::shape_mismatch, "a metric of one tensor is given several {}", what)
      .note("hint: a metric whose update takes trees");
}

namespace metrics {

namespace {

/// Files of numbers may have classes, too.
std::vector<int64_t> whole_numbers(const char* metric, const Tensor& labels) {
  if (is_floating(labels.dtype())) {
    for (double label : labels.to_vector<double>()) {
      if (label != std::round(label))
        fail(ErrorCode::invalid_argument, "{}: label {} is no whole number", metric, label);
    }
  }
  return labels.to_vector<int64_t>();
}

}  // namespace

Scored scored(const char* metric, const Tensor& outputs, const Tensor& labels) {
  const bool by_class = outputs.rank() == labels.rank() + 1 && outputs.dim(-1) != Dim(1);
  Shape rows = outputs.shape();
  if (rows.rank() == labels.rank() + 1) rows.erase(rows.rank() - 1);
  if (rows != labels.shape()) {
    throw make_error(ErrorCode::shape_mismatch, "{}: outputs {} and labels {}", metric,
                     outputs.type().to_string(), labels.type().to_string())
        .note("wanted: [rows, ..., classes] and whole numbers [rows, ...], or equal shapes");
  }
  const std::vector<double> values = outputs.to_vector<double>();
  const std::vector<int64_t> given = whole_numbers(metric, labels);
  Scored result;
  result.classes = by_class ? outputs.dim(-1).constant() : 2;
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i] < 0) continue;
    if (given[i] >= result.classes)
      fail(ErrorCode::out_of_range, "{}: label {} is not one of {} classes", metric, given[i],
           result.classes);
    result.labels.push_back(given[i]);
    if (by_class) {
      const auto begin = values.begin() + static_cast<ptrdiff_t>(i) * result.classes;
      result.logits.insert(result.logits.end(), begin, begin + result.classes);
    } else {
      result.logits.insert(result.logits.end(), {0.0, values[i]});
    }
  }
  return result;
}

int64_t argmax(std::span<const double> row) {
  size_t best = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    if (std::isnan(row[i])) return static_cast<int64_t>(i);
    if (row[i] > row[best]) best = i;
  }
  return static_cast<int64_t>(best);
}

std::vector<double> probabilities(std::span<const double> row) {
  const double largest = std::ranges::max(row);
  std::vector<double> p(row.begin(), row.end());
  double total = 0;
  for (double& x : p) total += x = std::exp(x - largest);
  for (double& x : p) x /= total;
  return p;
}

}  // namespace metrics

}  // namespace tenon::nn
