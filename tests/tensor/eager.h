// What the tests of eager programs share.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tenon/interpret/interpret.h"
#include "tenon/tensor/plan_cache.h"
#include "tenon/tensor/tracing.h"
#include "tenon/tensor/transforms.h"
#include "tests/tensor/values.h"

namespace tenon {

/// Values that look random and are the same in every run.
inline Tensor numbers(std::vector<int64_t> shape, int64_t seed = 0) {
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(
        std::sin(static_cast<double>(i) * 12.9898 + static_cast<double>(seed) * 78.233));
  return Tensor::of<float>(values, std::move(shape));
}

inline uint64_t compilations_of(const std::function<void()>& action) {
  const uint64_t before = plan_cache_statistics().compilations;
  action();
  return plan_cache_statistics().compilations - before;
}

/// The same program by the interpreter, which knows no plans.
inline std::vector<Literal> by_definition(
    const std::function<std::vector<Tensor>(std::vector<Tensor>)>& f,
    const std::vector<Tensor>& arguments) {
  std::vector<Type> types;
  std::vector<Literal> values;
  for (const Tensor& argument : arguments) {
    types.push_back(argument.type());
    values.push_back(argument.literal());
  }
  Traced traced = trace(f, types, "program");
  for (const Tensor& capture : traced.captures) values.push_back(capture.literal());
  return interpret(*traced.graph, values);
}

inline void expect_close(const Tensor& is, const Literal& wanted, const std::string& what) {
  ASSERT_EQ(is.type(), wanted.type()) << what;
  for (int64_t i = 0; i < wanted.size(); ++i) {
    const double value = is.item(i), right = wanted.to_double(i);
    if (std::isnan(right) && std::isnan(value)) continue;
    ASSERT_NEAR(value, right, 1e-4 * (1 + std::abs(right))) << what << ", element " << i;
  }
}

}  // namespace tenon
