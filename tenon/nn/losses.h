// Losses and metrics: scalar functions of a batch's outputs and labels, means over its rows.
//
//   given: Tensor logits, labels;                   // f32[batch, 10], i32[batch]
//   Tensor loss = nn::cross_entropy(logits, labels);
//   float right = nn::accuracy(logits, labels).item();
#pragma once

#include "tenon/tensor/tensor.h"

namespace tenon::nn {

/// Mean cross entropy of logits [..., classes] and integer labels [...]. Rows with a negative label
/// are ignored. A label beyond the classes is an error if the labels are already evaluated;
/// otherwise it reads a logit of 0 (`train::fit` checks labels first).
Tensor cross_entropy(const Tensor& logits, const Tensor& labels);
/// Mean squared error of equal shapes, or of predictions [..., 1] for targets [...].
Tensor mean_squared_error(const Tensor& prediction, const Tensor& target);
/// The fraction of rows whose largest logit is that of the label; ignores negative labels.
Tensor accuracy(const Tensor& logits, const Tensor& labels);

}  // namespace tenon::nn
