// What losses do at their edges; losses_golden_test.cpp has their values.
#include "tenon/nn/losses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/transforms.h"
#include "tests/support.h"

namespace tenon::nn {
namespace {

using ::testing::HasSubstr;

TEST(CrossEntropy, OfNoLabelThatCountsIs0AndWeighs0) {
  Tensor logits = Tensor{{1, 2}, {3, 4}}, none = Tensor::of<int32_t>({-1, -100}, {2});
  for (const CrossEntropyOptions& options :
       {CrossEntropyOptions{.label_smoothing = 0.1},
        CrossEntropyOptions{.label_smoothing = 0.1, .class_weights = {1, 2}}}) {
    WeightedMean loss = CrossEntropy(options)(logits, none);
    EXPECT_EQ(loss.value.item(), 0);
    EXPECT_EQ(loss.weight.item(), 0);
    Tensor slope =
        grad([&](const Tensor& x) { return CrossEntropy(options)(x, none).value; })(logits);
    EXPECT_EQ(max(abs(slope)).item(), 0);
  }
}

TEST(CrossEntropy, BatchesWeighByTheWeightsOfTheirLabels) {
  Tensor logits = Tensor{{1, 0, 3}, {0, 2, 1}, {2, 2, 0}};
  Tensor labels = Tensor::of<int32_t>({0, 2, 1}, {3});
  CrossEntropy loss({.class_weights = {1, 5, 0.5}});
  WeightedMean whole = loss(logits, labels);
  EXPECT_NEAR(whole.weight.item(), 6.5, 1e-6);
  double total = 0;
  for (int64_t i = 0; i < 3; ++i) {
    WeightedMean part = loss(logits.slice(0, i, i + 1), labels.slice(0, i, i + 1));
    total += part.value.item() * part.weight.item();
  }
  EXPECT_NEAR(total / 6.5, whole.value.item(), 1e-6);
}

TEST(CrossEntropy, NamesAnOptionThatIsWrong) {
  EXPECT_THAT(error_of([] { CrossEntropy({.label_smoothing = 1.5}); }),
              HasSubstr("label_smoothing is 1.5"));
  EXPECT_THAT(error_of([] { CrossEntropy({.class_weights = {1, -1}}); }), HasSubstr("-1"));
  EXPECT_THAT(error_of([] {
                CrossEntropy({.class_weights = {1, 1}})(zeros({2, 3}), zeros({2}, DType::i32));
              }),
              HasSubstr("2 class weights for logits f32[2,3]"));
}

TEST(Losses, OfHalfPrecisionAreComputedInF32) {
  // A sum of 70,000 numbers is beyond f16, and half of them are beyond its digits.
  Tensor x = full({70000}, 1.5, DType::f16), y = zeros({70000}, DType::f16);
  EXPECT_EQ(nn::mean_squared_error(x, y).dtype(), DType::f16);
  EXPECT_EQ(nn::mean_absolute_error(x, y).item(), 1.5);
  EXPECT_EQ(nn::mean_squared_error(x, y).item(), 2.25);
  EXPECT_EQ(huber(x, y).item(), 1);
  EXPECT_EQ(binary_cross_entropy(x * 0, y).dtype(), DType::f16);
}

TEST(Losses, TakeLabelsOfFilesAsTheyAre) {
  Tensor logits = Tensor{2.0, -1.0, 0.5}.reshape({3, 1});  // [rows, 1] for targets [rows]
  Tensor wanted = binary_cross_entropy(logits, Tensor{1.0, 0.0, 1.0}.reshape({3, 1}));
  EXPECT_EQ(binary_cross_entropy(logits, Tensor::of<uint8_t>({1, 0, 1}, {3})).item(),
            wanted.item());
  EXPECT_EQ(binary_cross_entropy(logits, Tensor::of<int64_t>({1, 0, 1}, {3})).item(),
            wanted.item());
  EXPECT_GT(huber(logits, Tensor::of<int32_t>({1, 0, 1}, {3})).item(), 0);
}

TEST(Losses, AreFiniteWhereLogitsAreFar) {
  Tensor far = Tensor{3e38, -3e38, 88.0, -88.0};
  for (const Tensor& target : {zeros({4}), ones({4})}) {
    for (double weight : {1.0, 2.0}) {
      auto loss = [&](const Tensor& x) { return binary_cross_entropy(x / 1e10, target, weight); };
      auto [value, slope] = value_and_grad(loss)(far);
      EXPECT_TRUE(std::isfinite(value.item()));
      EXPECT_TRUE(all(is_finite(slope)).item_int());
    }
    for (double gamma : {0.0, 0.5, 2.0}) {
      auto loss = [&](const Tensor& x) { return focal(x / 1e10, target, {.gamma = gamma}); };
      auto [value, slope] = value_and_grad(loss)(far);
      EXPECT_TRUE(std::isfinite(value.item()));
      EXPECT_TRUE(all(is_finite(slope)).item_int());
    }
  }
}

TEST(Losses, NameAnOptionThatIsWrong) {
  Tensor x = zeros({2, 3}), y = zeros({2, 3}), labels = zeros({2}, DType::i32);
  EXPECT_THAT(error_of([&] { huber(x, y, 0); }), HasSubstr("huber: delta is 0"));
  EXPECT_THAT(error_of([&] { smooth_l1(x, y, -1); }), HasSubstr("smooth_l1: beta is -1"));
  EXPECT_THAT(error_of([&] { focal(x, y, {.gamma = -1}); }), HasSubstr("focal: gamma is -1"));
  EXPECT_THAT(error_of([&] { focal(x, y, {.alpha = 2}); }), HasSubstr("focal: alpha is 2"));
  EXPECT_THAT(error_of([&] { multi_margin(x, labels, 1, 3); }), HasSubstr("power is 3"));
  EXPECT_THAT(error_of([&] { triplet(x, x, x, {.margin = 0}); }), HasSubstr("margin is 0"));
  EXPECT_THAT(error_of([&] { dice(x, labels, -1); }), HasSubstr("smooth is -1"));
  EXPECT_THAT(error_of([&] { gaussian_nll(x, y, y, 0); }), HasSubstr("epsilon is 0"));
  EXPECT_THAT(error_of([&] { binary_cross_entropy(x, y, -1); }), HasSubstr("positive_weight"));
}

TEST(Dice, OfAPictureWithoutTheClassIs0WhereNoneWasSeen) {
  Tensor sure = full({1, 3, 3}, -50.0);
  EXPECT_NEAR(dice(sure, zeros({1, 3, 3}, DType::i32)).value.item(), 0, 1e-6);
  EXPECT_NEAR(dice(sure, ones({1, 3, 3}, DType::i32)).value.item(), 0.9, 1e-6);
}

TEST(Ctc, IsCompiledOnceForAllSizes) {
  auto loss = jit([](const Tensor& logits, const Tensor& labels, const Tensor& lengths) {
    return ctc(logits, labels, {.logit_lengths = lengths}).value;
  });
  for (auto [rows, time, length] :
       {std::tuple(2, 7, 3), std::tuple(5, 9, 4), std::tuple(3, 12, 2), std::tuple(4, 20, 6)}) {
    Tensor logits = sin(arange(rows * time * 5, DType::f32)).reshape({rows, time, 5});
    Tensor labels = (arange(rows * length) % 4 + 1).reshape({rows, length});
    Tensor lengths = full({rows}, time, DType::i32);
    EXPECT_NEAR(loss(logits, labels, lengths).item(), ctc(logits, labels).value.item(), 1e-5);
  }
  EXPECT_LE(loss.compilations(), 2u);
}

TEST(Ctc, IsTheSumOverAllAlignments) {
  // Three steps, labels "1 2": of the 27 paths, those that merge to it.
  Tensor logits = Tensor::of<float>({0.3f, 1, -0.5f, 0.7f, 0.1f, 2, -1, 0.4f, 0.2f}, {1, 3, 3});
  Tensor p = softmax(logits)[0];
  double total = 0;
  for (int a = 0; a < 3; ++a) {
    for (int b = 0; b < 3; ++b) {
      for (int c = 0; c < 3; ++c) {
        std::vector<int> merged;
        int last = 0;
        for (int step : {a, b, c}) {
          if (step != 0 && step != last) merged.push_back(step);
          last = step;
        }
        if (merged == std::vector<int>{1, 2}) total += p.item(a) * p.item(3 + b) * p.item(6 + c);
      }
    }
  }
  Tensor labels = Tensor::of<int32_t>({1, 2}, {1, 2});
  EXPECT_NEAR(ctc_by_row(logits, labels).item(), -std::log(total), 1e-6);
  EXPECT_NEAR(ctc(logits, labels).value.item(), -std::log(total) / 2, 1e-6);
}

TEST(Ctc, NamesWhatIsWrong) {
  Tensor logits = zeros({2, 4, 3}), labels = ones({2, 2}, DType::i32);
  EXPECT_THAT(error_of([&] { ctc(zeros({4, 3}), labels); }), HasSubstr("[rows, time, classes]"));
  EXPECT_THAT(error_of([&] { ctc(logits, ones({3, 2}, DType::i32)); }), HasSubstr("i32[3,2]"));
  EXPECT_THAT(error_of([&] { ctc(logits, labels, {.blank = 3}); }),
              HasSubstr("the blank is class 3"));
}

}  // namespace
}  // namespace tenon::nn
