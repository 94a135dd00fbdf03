#include "tenon/train/loss.h"

#include "tenon/tensor/numpy.h"
#include "tenon/train/labels.h"

namespace tenon::train {

LossTerms Loss::terms(const Tree& outputs, const Tree& labels) const {
  LossTerms terms = f_(outputs, labels);
  if (!terms.weight.has_value()) terms.weight = weight_of(outputs, labels);
  return terms;
}

std::string Loss::name_of(Tensor (*f)(const Tensor&, const Tensor&)) {
  if (f == nn::cross_entropy) return "cross_entropy";
  if (f == nn::mean_squared_error) return "mean_squared_error";
  return "";
}

Tensor weight_of(const Tree& outputs, const Tree& labels) {
  if (outputs.is_leaf() && labels.is_leaf() &&
      are_classes(outputs.leaf().type(), labels.leaf().type()))
    return sum((labels.leaf() >= 0).cast(DType::f32));
  for (const Tree* tree : {&labels, &outputs}) {
    std::vector<Tensor> leaves = leaves_of(*tree);
    if (!leaves.empty() && leaves[0].rank() > 0) return dim_value(leaves[0].dim(0), DType::f32);
  }
  return Tensor(1.0f);
}

}  // namespace tenon::train
