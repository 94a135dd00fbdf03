#include "tenon/nn/initialise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tenon/base/error.h"

namespace tenon::nn {
namespace {

struct Statistics {
  double mean = 0, deviation = 0, low = 0, high = 0;
};

Statistics statistics(const Initialiser& initialiser, std::vector<int64_t> shape) {
  Literal value(DType::f32, std::move(shape));
  initialiser(RandomKey(5), value);
  auto numbers = value.values<float>();
  auto count = static_cast<double>(numbers.size());
  Statistics s;
  for (float x : numbers) s.mean += x / count;
  for (float x : numbers) s.deviation += (x - s.mean) * (x - s.mean) / count;
  s.deviation = std::sqrt(s.deviation);
  s.low = *std::min_element(numbers.begin(), numbers.end());
  s.high = *std::max_element(numbers.begin(), numbers.end());
  return s;
}

/// Uniform in ±bound: it comes close to both ends, and its deviation is bound / sqrt(3).
void expect_uniform(const Statistics& s, double bound) {
  EXPECT_NEAR(s.mean, 0, 0.02 * bound);
  EXPECT_NEAR(s.deviation, bound / std::sqrt(3.0), 0.02 * bound);
  EXPECT_GE(s.low, -bound);
  EXPECT_LE(s.high, bound);
  EXPECT_LT(s.low, -0.98 * bound);
  EXPECT_GT(s.high, 0.98 * bound);
}

TEST(Initialise, Constants) {
  Statistics one = statistics(ones(), {10});
  EXPECT_EQ(one.low, 1);
  EXPECT_EQ(one.high, 1);
  EXPECT_EQ(statistics(zeros(), {10}).high, 0);
  EXPECT_EQ(statistics(constant(0.5), {10}).low, 0.5);
}

TEST(Initialise, WhatHasNoInputsHasNoScale) {
  EXPECT_THROW(statistics(fan_in_uniform(), {0, 5}), Error);
  EXPECT_THROW(statistics(he_normal(), {3, 3, 0, 5}), Error);
  EXPECT_THROW(bias_uniform(0), Error);
}

TEST(Initialise, UniformKeepsItsBound) { expect_uniform(statistics(uniform(0.3), {20000}), 0.3); }

TEST(Initialise, NormalHasItsDeviation) {
  Statistics s = statistics(normal(0.02), {20000});
  EXPECT_NEAR(s.mean, 0, 0.001);
  EXPECT_NEAR(s.deviation, 0.02, 0.0005);
}

TEST(Initialise, FanInCountsInputsAndTheFieldOfAFilter) {
  expect_uniform(statistics(fan_in_uniform(), {100, 200}), 0.1);
  expect_uniform(statistics(fan_in_uniform(), {5, 5, 4, 300}), 0.1);
  expect_uniform(statistics(glorot_uniform(), {100, 200}), std::sqrt(6.0 / 300));
  expect_uniform(statistics(glorot_uniform(), {3, 3, 40, 60}), std::sqrt(6.0 / 900));
  EXPECT_NEAR(statistics(he_normal(), {200, 100}).deviation, 0.1, 0.002);
  EXPECT_NEAR(statistics(he_normal(), {5, 5, 8, 100}).deviation, 0.1, 0.002);
  expect_uniform(statistics(bias_uniform(400), {20000}), 0.05);
}

TEST(Initialise, KeysDecideTheNumbers) {
  Literal one(DType::f32, {50});
  Literal same(DType::f32, {50});
  Literal other(DType::f32, {50});
  normal(1)(RandomKey(1), one);
  normal(1)(RandomKey(1), same);
  normal(1)(RandomKey(2), other);
  EXPECT_TRUE(one == same);
  EXPECT_FALSE(one == other);
}

}  // namespace
}  // namespace tenon::nn
