#include "tenon/nn/losses.h"

#include "tenon/nn/as_index.h"
#include "tenon/tensor/functions.h"
#include "tenon/tensor/numpy.h"

namespace tenon::nn {

namespace {

/// The mean of what labels that are not negative have. Half precision is summed in f32, where the
/// count fits too.
Tensor mean_of_counted(const Tensor& values, const Tensor& labels) {
  DType dtype = values.dtype() == DType::f64 ? DType::f64 : DType::f32;
  Tensor counted = (labels >= 0).cast(dtype);
  Tensor mean = sum(values.cast(dtype) * counted) / maximum(sum(counted), 1.0);
  return mean.cast(values.dtype());
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& given) {
  Tensor labels = as_index(given);
  return mean_of_counted(softmax_cross_entropy(logits, labels), labels);
}

Tensor mean_squared_error(const Tensor& prediction, const Tensor& target) {
  // A last layer of one unit gives [batch, 1], where targets are often [batch].
  bool one = prediction.rank() == target.rank() + 1 && prediction.dim(-1) == Dim(1);
  return tenon::mean_squared_error(one ? prediction.reshape(target.shape()) : prediction, target);
}

Tensor accuracy(const Tensor& logits, const Tensor& given) {
  Tensor labels = as_index(given);
  Tensor predicted = argmax(logits, -1, labels.dtype());
  return mean_of_counted((predicted == labels).cast(DType::f32), labels);
}

}  // namespace tenon::nn
