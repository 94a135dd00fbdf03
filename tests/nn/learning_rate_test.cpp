#include "tenon/nn/learning_rate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace tenon::nn {
namespace {

double at(const LearningRate& schedule, int step, double total) {
  return schedule(Tensor(step), total).item();
}

/// torch.optim.lr_scheduler.OneCycleLR(max_lr=peak, total_steps=total, pct_start=rise) with its
/// defaults: cosine annealing, div_factor 25, final_div_factor 1e4.
double one_cycle_of_pytorch(double peak, int total, double rise, int step) {
  double top = rise * total - 1;
  double end = total - 1;
  auto anneal = [](double from, double to, double fraction) {
    return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * fraction));
  };
  if (step <= top) return top == 0 ? peak : anneal(peak / 25, peak, step / top);
  return anneal(peak, peak / 25 / 1e4, (step - top) / (end - top));
}

TEST(LearningRate, NumbersAreConstantRates) {
  LearningRate constant = 0.25;
  EXPECT_EQ(at(constant, 0, 100), 0.25);
  EXPECT_EQ(at(constant, 99, 100), 0.25);
}

TEST(LearningRate, OneCycleIsThatOfPyTorch) {
  LearningRate schedule = one_cycle(4e-3);
  // What OneCycleLR(max_lr=4e-3, total_steps=100) printed.
  EXPECT_NEAR(at(schedule, 0, 100), 0.00016, 1e-9);
  EXPECT_NEAR(at(schedule, 10, 100), 0.001180655793856403, 1e-9);
  EXPECT_NEAR(at(schedule, 29, 100), 0.004, 1e-9);
  EXPECT_NEAR(at(schedule, 50, 100), 0.0031755738023029278, 1e-9);
  EXPECT_NEAR(at(schedule, 99, 100), 1.6e-08, 1e-9);
  for (int step = 0; step < 1000; step += 7) {
    EXPECT_NEAR(at(one_cycle(0.1, 0.25), step, 1000), one_cycle_of_pytorch(0.1, 1000, 0.25, step),
                1e-7)
        << "step " << step;
  }
}

TEST(LearningRate, OneCycleIsThatOfPyTorchInShortRunsToo) {
  // The rise ends between steps; with none the fall began one step before the first.
  EXPECT_NEAR(at(one_cycle(0.4), 1, 5), 0.380194, 1e-6);
  EXPECT_NEAR(at(one_cycle(0.4, 0), 0, 5), 0.361803, 1e-6);
  for (double rise : {0.0, 0.1, 0.3, 0.5, 0.9}) {
    for (int total = 1; total <= 10; ++total) {
      for (int step = 0; step < total; ++step) {
        EXPECT_NEAR(at(one_cycle(0.4, rise), step, total),
                    one_cycle_of_pytorch(0.4, total, rise, step), 1e-6)
            << "rise " << rise << ", " << total << " steps, step " << step;
      }
    }
  }
  EXPECT_NEAR(at(one_cycle(0.4, 1), 4, 5), 0.4, 1e-6);
  EXPECT_NEAR(at(one_cycle(0.4, 1), 0, 1), 0.4, 1e-6);
}

TEST(LearningRate, StepDecayFallsOnceEveryFewSteps) {
  LearningRate schedule = step_decay(0.8, 0.5, 10);
  EXPECT_NEAR(at(schedule, 0, 100), 0.8, 1e-6);
  EXPECT_NEAR(at(schedule, 9, 100), 0.8, 1e-6);
  EXPECT_NEAR(at(schedule, 10, 100), 0.4, 1e-6);
  EXPECT_NEAR(at(schedule, 39, 100), 0.1, 1e-6);
}

TEST(LearningRate, AFactorIsANumberFrom0On) {
  EXPECT_THROW(step_decay(0.8, -1, 10), Error);
  EXPECT_THROW(step_decay(0.8, NAN, 10), Error);
  EXPECT_NEAR(at(step_decay(0.8, 0, 10), 10, 100), 0, 1e-6);
}

TEST(LearningRate, CosineFallsToItsFinalRateAndStays) {
  LearningRate schedule = cosine(1.0, 0.2);
  EXPECT_NEAR(at(schedule, 0, 40), 1.0, 1e-6);
  EXPECT_NEAR(at(schedule, 10, 40), 0.6 + 0.4 * std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(at(schedule, 20, 40), 0.6, 1e-6);
  EXPECT_NEAR(at(schedule, 40, 40), 0.2, 1e-6);
  EXPECT_NEAR(at(schedule, 60, 40), 0.2, 1e-6);
}

TEST(LearningRate, WarmUpRisesLinearlyAndThenHandsOver) {
  LearningRate schedule = warm_up(0.5, 5);
  EXPECT_NEAR(at(schedule, 0, 100), 0.1, 1e-6);
  EXPECT_NEAR(at(schedule, 3, 100), 0.4, 1e-6);
  EXPECT_NEAR(at(schedule, 4, 100), 0.5, 1e-6);
  EXPECT_NEAR(at(schedule, 50, 100), 0.5, 1e-6);
  // The schedule afterwards starts at its own step 0 and spans what is left of the run.
  LearningRate then_cosine = warm_up(cosine(1.0), 10);
  EXPECT_NEAR(at(then_cosine, 10, 110), 1.0, 1e-6);
  EXPECT_NEAR(at(then_cosine, 60, 110), 0.5, 1e-6);
}

}  // namespace
}  // namespace tenon::nn
