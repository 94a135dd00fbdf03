#include "tenon/nn/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tenon/base/error.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/transforms.h"
#include "tests/support.h"

namespace tenon::nn {
namespace {

/// A parameter `w` and the optimiser's slots, after the updates so far.
struct Training {
  explicit Training(Optimizer used, Tensor start = Tensor{1.0, -2.0}) : optimizer(std::move(used)) {
    parameters.set("w", std::move(start));
    slots = optimizer.init(parameters);
  }
  void update(const Tensor& gradient, double total = 1) {
    Tree gradients;
    gradients.set("w", gradient);
    Updated next = optimizer.update(parameters, slots, gradients, Tensor(step++), total);
    parameters = next.parameters;
    slots = next.slots;
  }
  double w(int64_t i) const { return parameters.at("w").item(i); }

  Optimizer optimizer;
  Tree parameters, slots;
  int step = 0;
};

TEST(Optimizer, TakesAGradientForEachParameterAndNoOther) {
  Training run(sgd({}));
  Tree frozen;
  frozen.set("w", Tensor{1, 1});
  frozen.set("head", Tensor{1});
  EXPECT_THAT(error_of([&] { run.optimizer.update(run.parameters, run.slots, frozen, Tensor(0)); }),
              testing::HasSubstr("sgd: the gradient"));
}

TEST(Sgd, SubtractsTheGradientTimesTheRate) {
  Training run(sgd({.learning_rate = 0.5}));
  EXPECT_TRUE(run.slots.empty());
  run.update(Tensor{0.2, -0.4});
  EXPECT_FLOAT_EQ(static_cast<float>(run.w(0)), 0.9f);
  EXPECT_FLOAT_EQ(static_cast<float>(run.w(1)), -1.8f);
}

TEST(Sgd, MomentumSumsGradients) {
  Training run(sgd({.learning_rate = 0.1, .momentum = 0.9}));
  run.update(Tensor{1.0, 0.0});  // m = 1
  EXPECT_NEAR(run.w(0), 0.9, 1e-6);
  run.update(Tensor{1.0, 0.0});  // m = 1.9
  EXPECT_NEAR(run.w(0), 0.71, 1e-6);
  EXPECT_NEAR(run.slots.at("momentum.w").item(0), 1.9, 1e-6);
  EXPECT_NEAR(run.w(1), -2, 1e-6);
}

TEST(Sgd, NesterovLooksAhead) {
  Training run(sgd({.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}));
  run.update(Tensor{1.0, 0.0});  // m = 1, direction 1 + 0.9 * 1
  EXPECT_NEAR(run.w(0), 1 - 0.19, 1e-6);
  run.update(Tensor{1.0, 0.0});  // m = 1.9, direction 1 + 0.9 * 1.9
  EXPECT_NEAR(run.w(0), 0.81 - 0.271, 1e-6);
}

TEST(Sgd, NesterovNeedsMomentum) {
  EXPECT_NE(error_of([] { sgd({.nesterov = true}); }).find("nesterov needs a momentum"),
            std::string::npos);
}

TEST(Sgd, WeightDecayIsPartOfTheGradient) {
  Training run(sgd({.learning_rate = 0.1, .weight_decay = 0.5}));
  run.update(Tensor{0.0, 0.0});
  EXPECT_NEAR(run.w(0), 0.95, 1e-6);
  EXPECT_NEAR(run.w(1), -1.9, 1e-6);
}

TEST(Adam, TheFirstStepIsTheLearningRateWhateverTheGradient) {
  Training run(adam({.learning_rate = 0.01}));
  run.update(Tensor{1e-3, -1e3});
  EXPECT_NEAR(run.w(0), 1 - 0.01, 1e-6);
  EXPECT_NEAR(run.w(1), -2 + 0.01, 1e-6);
}

TEST(Adam, CorrectsTheBiasToTheLastDigitsFromTheFirstStep) {
  Training run(adam({.learning_rate = 1.0}), Tensor{0.0, 0.0});
  run.update(Tensor{1.0, 8.0});
  EXPECT_NEAR(run.w(0), -1, 3e-7);
  EXPECT_NEAR(run.w(1), -1, 3e-7);
}

TEST(Adam, WorksWithoutMomentum) {
  Training run(adam({.learning_rate = 0.1, .beta1 = 0}));
  run.update(Tensor{2.0, -2.0});
  EXPECT_NEAR(run.w(0), 0.9, 1e-6);
}

TEST(Adam, CorrectsTheBiasOfItsAverages) {
  Training run(adam({.learning_rate = 0.1, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 0.1}));
  run.update(Tensor{2.0, 0.0});  // mean 1, square 1; corrected 2 and 4
  double first = 1 - 0.1 * 2 / (2 + 0.1);
  EXPECT_NEAR(run.w(0), first, 1e-6);
  run.update(Tensor{1.0, 0.0});  // mean 1, square 1; corrected 1/0.75 and 1/0.4375
  double second = first - 0.1 * (1 / 0.75) / (std::sqrt(1 / 0.4375) + 0.1);
  EXPECT_NEAR(run.w(0), second, 1e-6);
  EXPECT_NEAR(run.slots.at("mean.w").item(0), 1, 1e-6);
  EXPECT_NEAR(run.slots.at("square.w").item(0), 1, 1e-6);
  EXPECT_EQ(run.w(1), -2);
}

TEST(Adam, WeightDecayIsPartOfTheGradientAndApartFromItInAdamW) {
  AdamOptions options{.learning_rate = 0.1, .weight_decay = 0.5};
  Training coupled(adam(options));
  coupled.update(Tensor{0.0, 0.0});  // the decay is the whole gradient, so its size does not matter
  EXPECT_NEAR(coupled.w(0), 0.9, 1e-5);
  Training decoupled(adamw(options));
  decoupled.update(Tensor{0.0, 0.0});
  EXPECT_NEAR(decoupled.w(0), 0.95, 1e-6);
  EXPECT_NEAR(decoupled.w(1), -1.9, 1e-6);
}

TEST(Optimizer, FollowsItsSchedule) {
  Training run(sgd({.learning_rate = step_decay(0.4, 0.5, 1)}));
  run.update(Tensor{1.0, 0.0}, 3);
  run.update(Tensor{1.0, 0.0}, 3);
  run.update(Tensor{1.0, 0.0}, 3);
  EXPECT_NEAR(run.w(0), 1 - 0.4 - 0.2 - 0.1, 1e-6);
}

TEST(Optimizer, ParametersAndSlotsKeepTheirDType) {
  for (DType dtype : {DType::bf16, DType::f16, DType::f64}) {
    for (const Optimizer& optimizer :
         {adamw({.learning_rate = 0.25, .weight_decay = 0.5}),
          adam({.learning_rate = 0.25, .weight_decay = 0.5}),
          sgd({.learning_rate = step_decay(0.25, 0.5, 1), .momentum = 0.5})}) {
      Training run(optimizer, full({2}, 1, dtype));
      run.update(full({2}, 1, dtype), 10);
      run.update(full({2}, 1, dtype), 10);
      EXPECT_EQ(run.parameters.at("w").dtype(), dtype) << optimizer.name();
      for_each_leaf(run.slots, [&](const std::string& path, const Tensor& slot) {
        EXPECT_EQ(slot.dtype(), dtype) << path;
      });
    }
  }
}

TEST(Adam, UpdatesF64ToItsLastDigits) {
  Training run(adam({.learning_rate = 1e-3}), full({1}, 1, DType::f64));
  for (int step = 0; step < 3; ++step) run.update(full({1}, 0.3, DType::f64));
  // What torch.optim.Adam gives for a constant gradient: 1 - 3 * rate / (1 + epsilon / 0.3).
  EXPECT_NEAR(run.w(0), 1 - 3e-3 / (1 + 1e-8 / 0.3), 1e-14);
}

TEST(Adam, HasADerivativeByAGradientOfZero) {
  Optimizer optimizer = adam({.learning_rate = 1e-3, .epsilon = 1e-2});
  auto stepped = [&](const Tensor& slope) {
    Tree parameters, gradient;
    parameters.set("w", ones({2}));
    gradient.set("w", slope);
    Updated updated = optimizer.update(parameters, optimizer.init(parameters), gradient, Tensor(0));
    return sum(updated.parameters.at("w"));
  };
  // The first step of a small gradient is -rate * g / epsilon.
  Tensor derivative = grad(stepped)(Tensor{0.0, 0.0});
  EXPECT_NEAR(derivative.item(0), -1e-3 / 1e-2, 1e-6);
  EXPECT_NEAR(derivative.item(1), -1e-3 / 1e-2, 1e-6);
}

TEST(Optimizer, ClipsTheGradientWhenAsked) {
  Tree parameters, gradient;
  parameters.set("a", Tensor{1.0});
  gradient.set("a", Tensor{4.0});
  Optimizer clipped = sgd({.learning_rate = 0.5}).with_clipped_gradient(2.0);
  Updated updated = clipped.update(parameters, clipped.init(parameters), gradient, Tensor(0));
  EXPECT_NEAR(updated.parameters.at("a").item(0), 0.0, 1e-5);
  EXPECT_THROW(sgd({}).with_clipped_gradient(0), Error);
}

TEST(ClipByGlobalNorm, ScalesOnlyWhatIsTooLong) {
  Tree gradient;
  gradient.set("a", Tensor{3.0, 0.0});
  gradient.set("b", Tensor(4.0));  // the joint norm is 5
  Tree clipped = clip_by_global_norm(gradient, 1.0);
  EXPECT_NEAR(clipped.at("a").item(0), 0.6, 1e-5);
  EXPECT_NEAR(clipped.at("b").item(), 0.8, 1e-5);
  Tree same = clip_by_global_norm(gradient, 10.0);
  EXPECT_EQ(same.at("a").item(0), 3);
  EXPECT_EQ(same.at("b").item(), 4);
}

TEST(ClipByGlobalNorm, OfNumbersWhoseSquaresOrNormsOverflow) {
  for (DType dtype : {DType::f32, DType::bf16, DType::f64}) {
    for (double far : {1e25, 1e38, dtype == DType::f64 ? 1.7e308 : 3e38}) {
      Tree gradient;
      gradient.set("a", full({3}, far, dtype));
      gradient.set("b", full({}, -far, dtype));
      gradient.set("small", full({1}, 1.0));
      Tree clipped = clip_by_global_norm(gradient, 2.0);
      EXPECT_EQ(clipped.at("a").dtype(), dtype);
      EXPECT_NEAR(clipped.at("a").item(2), 1.0, 1e-2) << far;
      EXPECT_NEAR(clipped.at("b").item(), -1.0, 1e-2) << far;
      EXPECT_NEAR(clipped.at("small").item(0), 0, 1e-20);
    }
  }
}

TEST(ClipByGlobalNorm, SumsHalfPrecisionInF32AndGivesItBack) {
  Tree gradient;
  gradient.set("half", ones({70000}, DType::f16));
  gradient.set("single", ones({30000}));
  Tree clipped = clip_by_global_norm(gradient, 1.0);
  EXPECT_EQ(clipped.at("half").dtype(), DType::f16);
  EXPECT_NEAR(clipped.at("half").item(0), 1 / std::sqrt(100000), 1e-5);
  EXPECT_NEAR(clipped.at("single").item(0), 1 / std::sqrt(100000), 1e-7);
}

struct Line {
  Tensor slope, offset;
};
struct LineState {
  Line line;
  Tree slots;
  Tensor step;
  int64_t kept = 0;
};

TEST(Optimizer, UpdatesAnAggregateOfAnyTree) {
  Optimizer optimizer = sgd({.learning_rate = 0.1, .momentum = 0.9});
  Line line{Tensor(1.0), Tensor(2.0)}, gradient{Tensor(10.0), Tensor(0.0)};
  LineState state{line, optimizer.init(line), 0, 5};
  state = optimizer.update(state, gradient);
  state = optimizer.update(std::move(state), gradient);
  EXPECT_NEAR(state.line.slope.item(), 1 - 1 - 1.9, 1e-6);
  EXPECT_EQ(state.line.offset.item(), 2);
  EXPECT_EQ(state.slots.at("momentum.slope").item(), 19);
  EXPECT_EQ(state.step.item_int(), 2);
  EXPECT_EQ(state.step.dtype(), DType::i32);
  EXPECT_EQ(state.kept, 5);
}

TEST(Schedules, ThatNeedTheLengthOfTheRunSaySo) {
  EXPECT_THAT(
      [] { one_cycle(1e-3)(Tensor(0), kUnknownLength); },
      testing::ThrowsMessage<Error>(testing::HasSubstr("the length of the run is not known")));
  EXPECT_THROW(warm_up(cosine(1e-3), 10)(Tensor(0), kUnknownLength), Error);
  EXPECT_NO_THROW(warm_up(LearningRate(1e-3), 10)(Tensor(0), kUnknownLength));
}

}  // namespace
}  // namespace tenon::nn
