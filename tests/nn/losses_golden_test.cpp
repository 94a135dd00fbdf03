// Every loss against PyTorch in float64: its value, and its gradient by each input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "tenon/nn/losses.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/transforms.h"
#include "tests/nn/golden_file.h"

namespace tenon::nn {
namespace {

using Inputs = std::vector<Tensor>;
using LossOf = std::function<Tensor(const Inputs&)>;

LossOf of(Tensor (*loss)(const Tensor&, const Tensor&)) {
  return [loss](const Inputs& x) { return loss(x[0], x[1]); };
}
LossOf of(const CrossEntropyOptions& options) {
  return [options](const Inputs& x) { return CrossEntropy(options)(x[0], x[1]).value; };
}
LossOf of(const CtcOptions& options) {
  return [options](const Inputs& x) {
    CtcOptions with_lengths = options;
    with_lengths.logit_lengths = x[2];
    return ctc(x[0], x[1], with_lengths).value;
  };
}

const std::map<std::string, LossOf>& losses() {
  static const std::vector<double> kWeights = {0.5, 2, 0, 1.5, 1};
  static const std::map<std::string, LossOf> all = {
      {"cross_entropy", of(cross_entropy)},
      {"cross_entropy_smooth", of(CrossEntropyOptions{.label_smoothing = 0.1})},
      {"cross_entropy_weighted", of(CrossEntropyOptions{.class_weights = kWeights})},
      {"cross_entropy_both", of({.label_smoothing = 0.2, .class_weights = kWeights})},
      {"cross_entropy_spatial", of({.label_smoothing = 0.2, .class_weights = kWeights})},
      {"cross_entropy_far", of(CrossEntropyOptions{.label_smoothing = 0.1})},
      {"cross_entropy_probabilities", of(CrossEntropyOptions{})},
      {"cross_entropy_probabilities_both", of({.label_smoothing = 0.2, .class_weights = kWeights})},
      {"binary", [](const Inputs& x) { return binary_cross_entropy(x[0], x[1]); }},
      {"binary_soft", [](const Inputs& x) { return binary_cross_entropy(x[0], x[1]); }},
      {"binary_weighted", [](const Inputs& x) { return binary_cross_entropy(x[0], x[1], 3); }},
      {"focal", [](const Inputs& x) { return focal(x[0], x[1]); }},
      {"focal_plain",
       [](const Inputs& x) { return focal(x[0], x[1], {.gamma = 0.5, .alpha = -1}); }},
      {"multi_margin", [](const Inputs& x) { return multi_margin(x[0], x[1]); }},
      {"multi_margin_square", [](const Inputs& x) { return multi_margin(x[0], x[1], 0.5, 2); }},
      {"dice", [](const Inputs& x) { return dice(x[0], x[1]).value; }},
      {"dice_binary", [](const Inputs& x) { return dice(x[0], x[1], 0.5).value; }},
      {"mse", of(mean_squared_error)},
      {"mae", of(mean_absolute_error)},
      {"huber", [](const Inputs& x) { return huber(x[0], x[1]); }},
      {"huber_half", [](const Inputs& x) { return huber(x[0], x[1], 0.5); }},
      {"smooth_l1", [](const Inputs& x) { return smooth_l1(x[0], x[1]); }},
      {"smooth_l1_narrow", [](const Inputs& x) { return smooth_l1(x[0], x[1], 0.3); }},
      {"smooth_l1_none", [](const Inputs& x) { return smooth_l1(x[0], x[1], 0); }},
      {"poisson", of(poisson_nll)},
      {"gaussian", [](const Inputs& x) { return gaussian_nll(x[0], x[1], x[2]); }},
      {"triplet", [](const Inputs& x) { return triplet(x[0], x[1], x[2]); }},
      {"triplet_swap",
       [](const Inputs& x) { return triplet(x[0], x[1], x[2], {.margin = 2, .swap = true}); }},
      {"cosine", [](const Inputs& x) { return cosine_embedding(x[0], x[1], x[2]); }},
      {"cosine_margin", [](const Inputs& x) { return cosine_embedding(x[0], x[1], x[2], 0.3); }},
      {"kl", of(nn::kl_divergence)},
      {"gaussian_kl", of(gaussian_kl)},
      {"elbo", [](const Inputs& x) { return negative_elbo(x[0], x[1], x[2], x[3], 0.5).loss; }},
      {"ctc", of(CtcOptions{})},
      {"ctc_lengths", of(CtcOptions{})},
      {"ctc_last_blank", of(CtcOptions{.blank = 5})},
      {"ctc_infeasible", of(CtcOptions{.zero_infinity = true})},
      {"ctc_far", of(CtcOptions{})},
      {"ctc_long", of(CtcOptions{})},
  };
  return all;
}

Inputs inputs_of(const std::string& name, DType dtype) {
  Inputs inputs;
  for (int i = 0;; ++i) {
    const std::string key = name + "/input/" + std::to_string(i);
    if (!golden_file("losses").contains(key)) return inputs;
    Tensor input(golden_file("losses").read(key));
    inputs.push_back(is_floating(input.dtype()) ? input.cast(dtype) : input);
  }
}

/// Where PyTorch was given targets as constants, their gradient is not compared.
bool is_constant(const std::string& name, size_t input) {
  return input == 1 && (name.starts_with("cross") || name.starts_with("binary") ||
                        name.starts_with("focal") || name == "kl" || name == "elbo");
}

class LossGolden : public testing::TestWithParam<std::string> {};

TEST_P(LossGolden, ValueAndGradientAreThoseOfPyTorch) {
  const std::string& name = GetParam();
  const LossOf& loss = losses().at(name);
  for (auto [dtype, tolerance] : {std::pair(DType::f32, 1e-6), std::pair(DType::f64, 1e-10)}) {
    SCOPED_TRACE(name_of(dtype));
    auto [value, gradient] = value_and_grad(loss)(inputs_of(name, dtype));
    EXPECT_EQ(value.dtype(), dtype);
    expect_near(value, golden_file("losses").read(name + "/value"), tolerance);
    for (size_t i = 0; i < gradient.size(); ++i) {
      const std::string key = name + "/gradient/" + std::to_string(i);
      if (!golden_file("losses").contains(key) || is_constant(name, i)) continue;
      SCOPED_TRACE("by input " + std::to_string(i));
      expect_near(gradient[i], golden_file("losses").read(key), tolerance);
    }
  }
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& [name, loss] : losses()) all.push_back(name);
  return all;
}
INSTANTIATE_TEST_SUITE_P(Cases, LossGolden, testing::ValuesIn(names()),
                         [](const auto& info) { return info.param; });

TEST(LossGolden, EveryCaseOfTheFileIsTested) {
  for (const SafetensorsEntry& entry : golden_file("losses").tensors()) {
    const std::string name = entry.name.substr(0, entry.name.find('/'));
    EXPECT_TRUE(losses().contains(name) || name == "ctc_infinite") << name;
  }
}

TEST(Ctc, LabelsThatCannotBeHadCostInfinityAndHaveNoGradient) {
  const Inputs x = inputs_of("ctc_infeasible", DType::f32);
  auto loss = [&](const Tensor& logits) {
    return ctc_by_row(logits, x[1], {.logit_lengths = x[2]});
  };
  expect_near(loss(x[0]), golden_file("losses").read("ctc_infinite/value"), 1e-6);
  Tensor slope = grad([&](const Tensor& logits) { return sum(loss(logits)); })(x[0]);
  EXPECT_TRUE(all(is_finite(slope)).item_int());
  EXPECT_EQ(max(abs(slope[1])).item(), 0);
  EXPECT_GT(max(abs(slope[0])).item(), 0.01);
}

}  // namespace
}  // namespace tenon::nn
