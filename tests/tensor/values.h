// What tests of tensors look at.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tenon/tensor/tensor.h"

namespace tenon {

inline std::vector<double> values_of(const Tensor& x) {
  std::vector<double> values;
  for (int64_t i = 0; i < x.buffer().size(); ++i) values.push_back(x.item(i));
  return values;
}

inline std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace tenon
