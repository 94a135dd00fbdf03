// What tests/reference/make_nn_golden.py and make_metrics_golden.py wrote.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tenon/format/safetensors.h"
#include "tenon/tensor/tensor.h"

namespace tenon::nn {

inline const SafetensorsFile& golden_file(const std::string& name) {
  static const SafetensorsFile losses("tests/golden/nn/losses.safetensors");
  static const SafetensorsFile optimizers("tests/golden/nn/optimizers.safetensors");
  static const SafetensorsFile metrics("tests/golden/nn/metrics.safetensors");
  return name == "losses" ? losses : name == "metrics" ? metrics : optimizers;
}

/// Real numbers that differ by `tolerance` at most, or by that part of themselves.
inline void expect_near(const Tensor& actual, const Literal& expected, double tolerance) {
  const std::vector<double> values = actual.to_vector<double>();
  ASSERT_EQ(static_cast<int64_t>(values.size()), expected.size());
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double wanted = expected.to_double(i), value = values[static_cast<size_t>(i)];
    if (std::isinf(wanted)) {
      EXPECT_EQ(value, wanted) << i;
    } else {
      EXPECT_NEAR(value, wanted, tolerance * std::max(1.0, std::abs(wanted))) << i;
    }
  }
}

}  // namespace tenon::nn
