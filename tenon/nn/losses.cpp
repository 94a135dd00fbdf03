#include "tenon/nn/losses.h"

#include <algorithm>
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/nn/loss_support.h"

namespace tenon::nn {

Tensor cross_entropy(const Tensor& logits, const Tensor& given) {
  Tensor labels = as_index(given);
  return mean_of_counted(softmax_cross_entropy(logits, labels), labels);
}

Tensor accuracy(const Tensor& logits, const Tensor& given) {
  Tensor labels = as_index(given);
  Tensor predicted = argmax(logits, -1, labels.dtype());
  return mean_of_counted((predicted == labels).cast(DType::f32), labels);
}

CrossEntropy::CrossEntropy(CrossEntropyOptions options) : options_(std::move(options)) {
  if (!(options_.label_smoothing >= 0 && options_.label_smoothing <= 1))
    fail(ErrorCode::out_of_range, "cross_entropy: label_smoothing is {}, it must be from 0 to 1",
         options_.label_smoothing);
  for (double weight : options_.class_weights) {
    if (!(weight >= 0 && std::isfinite(weight)))
      fail(ErrorCode::out_of_range, "cross_entropy: a class weight is {}, it must be at least 0",
           weight);
  }
}

namespace {

/// By class, in the dtype of the logits.
Tensor weights_for(const Tensor& logits, const std::vector<double>& weights) {
  const Dim& classes = logits.dim(-1);
  if (classes != Dim(static_cast<int64_t>(weights.size()))) {
    fail(ErrorCode::shape_mismatch, "cross_entropy: {} class weights for logits {}", weights.size(),
         logits.type().to_string());
  }
  return Tensor::of(weights, {static_cast<int64_t>(weights.size())}).cast(logits.dtype());
}

WeightedMean of_probabilities(const Tensor& logits, const Tensor& given,
                              const CrossEntropyOptions& options) {
  Tensor targets = given.cast(logits.dtype());
  if (options.label_smoothing != 0) {
    Tensor even = options.label_smoothing / dim_value(logits.dim(-1), logits.dtype());
    targets = targets * (1 - options.label_smoothing) + even;
  }
  if (!options.class_weights.empty())
    targets = targets * weights_for(logits, options.class_weights);
  Tensor each = softmax_cross_entropy_with_probabilities(logits, targets);
  return {mean(each), count_of(each, each.rank())};
}

WeightedMean of_weighted_classes(const Tensor& logits, const Tensor& labels,
                                 const CrossEntropyOptions& options) {
  Tensor weights = weights_for(logits, options.class_weights);
  Tensor counted = labels >= 0;
  Tensor weight = where(counted, take(weights, where(counted, labels, 0)), 0);
  Tensor each = softmax_cross_entropy(logits, labels) * weight;
  if (options.label_smoothing != 0) {
    // A class that has no weight costs nothing, however unlikely it is.
    Tensor cost = where(weights == 0, 0, -log_softmax(logits) * weights);
    Tensor spread = mean(cost, -1);
    each =
        each * (1 - options.label_smoothing) + where(counted, spread, 0) * options.label_smoothing;
  }
  Tensor total = sum(weight);
  return {divided_or_zero(sum(each), total), total.cast(DType::f32)};
}

}  // namespace

WeightedMean CrossEntropy::operator()(const Tensor& given_logits, const Tensor& given) const {
  const DType dtype = given_logits.dtype();
  Tensor logits = widened(given_logits);
  WeightedMean result;
  if (is_floating(given.dtype()) && given.shape() == logits.shape()) {
    result = of_probabilities(logits, given, options_);
  } else if (Tensor labels = as_index(given); options_.class_weights.empty()) {
    Tensor each = softmax_cross_entropy(logits, labels, options_.label_smoothing);
    result = {mean_of_counted(each, labels), sum((labels >= 0).cast(DType::f32))};
  } else {
    result = of_weighted_classes(logits, labels, options_);
  }
  result.value = result.value.cast(dtype);
  return result;
}

Tensor binary_cross_entropy(const Tensor& logits, const Tensor& targets, double positive_weight) {
  if (!(positive_weight >= 0 && std::isfinite(positive_weight)))
    fail(ErrorCode::out_of_range,
         "binary_cross_entropy: positive_weight is {}, it must be at least 0", positive_weight);
  auto [x, t] = paired(logits, targets);
  Tensor each;
  if (positive_weight == 1) {
    each = binary_cross_entropy_with_logits(x, t);
  } else {
    // What is certain of its target costs nothing, also where the logit is infinite.
    Tensor by_one = where(t == 0, 0, t * positive_weight * softplus(-x));
    each = by_one + where(t == 1, 0, (1 - t) * softplus(x));
  }
  return mean(each).cast(logits.dtype());
}

Tensor focal(const Tensor& logits, const Tensor& targets, FocalOptions options) {
  if (!(options.gamma >= 0 && std::isfinite(options.gamma)))
    fail(ErrorCode::out_of_range, "focal: gamma is {}, it must be at least 0", options.gamma);
  if (!(options.alpha <= 1))
    fail(ErrorCode::out_of_range, "focal: alpha is {}, it must be at most 1", options.alpha);
  auto [x, t] = paired(logits, targets);
  Tensor is_one = t > 0.5;
  Tensor toward = where(is_one, x, -x);  // the logit of the target's probability
  Tensor each = exp(log_sigmoid(-toward) * options.gamma) * softplus(-toward);
  if (options.alpha >= 0) each = each * where(is_one, options.alpha, 1 - options.alpha);
  return mean(each).cast(logits.dtype());
}

Tensor multi_margin(const Tensor& given_logits, const Tensor& given, double margin, int power) {
  if (power != 1 && power != 2)
    fail(ErrorCode::out_of_range, "multi_margin: power is {}, it must be 1 or 2", power);
  Tensor logits = widened(given_logits), labels = as_index(given);
  Tensor at_label = ops::one_hot(labels, Shape{logits.dim(-1)}, logits.dtype()) != 0;
  Tensor of_label = sum(where(at_label, logits, 0), -1, true);
  Tensor excess = logits - of_label + margin;
  Tensor each = where(at_label || excess <= 0, 0, excess);
  if (power == 2) each = square(each);
  return mean_of_counted(mean(each, -1), labels).cast(given_logits.dtype());
}

WeightedMean dice(const Tensor& given_logits, const Tensor& given, double smooth) {
  if (!(smooth >= 0 && std::isfinite(smooth)))
    fail(ErrorCode::out_of_range, "dice: smooth is {}, it must be at least 0", smooth);
  Tensor logits = widened(given_logits), probability, target, counted;
  const bool by_class = logits.rank() == given.rank() + 1 && logits.dim(-1) != Dim(1);
  if (by_class) {
    Tensor labels = as_index(given);
    counted = expand_dims((labels >= 0).cast(logits.dtype()), -1);
    target = ops::one_hot(labels, Shape{logits.dim(-1)}, logits.dtype());
    probability = softmax(logits) * counted;
  } else {
    auto [x, t] = paired(logits, given);
    probability = expand_dims(sigmoid(x), -1);
    target = expand_dims(t, -1);
  }
  Integers axes;  // between the first and the classes
  for (size_t i = 1; i + 1 < target.rank(); ++i) axes.push_back(static_cast<int64_t>(i));
  auto total = [&](const Tensor& x) { return axes.empty() ? x : sum(x, axes); };
  Tensor both = total(probability * target) * 2 + smooth;
  Tensor each = 1 - divided_or_zero(both, total(probability) + total(target) + smooth);
  return {mean(each).cast(given_logits.dtype()), dim_value(logits.dim(0), DType::f32)};
}

}  // namespace tenon::nn
