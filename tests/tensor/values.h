// What tests of tensors look at.
#pragma once

#include <vector>

#include "tenon/tensor/tensor.h"
#include "tests/support.h"

namespace tenon {

inline std::vector<double> values_of(const Tensor& x) {
  std::vector<double> values;
  for (int64_t i = 0; i < x.buffer().size(); ++i) values.push_back(x.item(i));
  return values;
}

}  // namespace tenon
