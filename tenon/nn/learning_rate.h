// Learning rates as functions of the step.
//
//   nn::LearningRate s = nn::one_cycle(4e-3);          // the length is that of the run
//   s(Tensor(0), 1000).item();                     // 0.00016
//   nn::LearningRate warm = nn::warm_up(nn::cosine(1e-3), 100);
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "tenon/tensor/tensor.h"

namespace tenon::nn {

/// Stands for a run of unknown length.
constexpr double kUnknownLength = 0;

/// Rate at `step` (i32[], from 0) of a run of `total` steps; a graph, so that it is part of the
/// compiled step. Error invalid_argument from a schedule that needs the length when it is unknown.
class LearningRate {
 public:
  using Function = std::function<Tensor(const Tensor& step, double total)>;
  LearningRate(double rate);  // constant
  explicit LearningRate(Function f) : f_(std::move(f)) {}
  Tensor operator()(const Tensor& step, double total) const { return f_(step, total); }

 private:
  Function f_;
};

/// Multiplied by `factor`, from 0 on, every `every` steps.
LearningRate step_decay(double rate, double factor, int64_t every);
/// Multiplied by `factor` at each of these steps, which ascend.
LearningRate multi_step(double rate, double factor, std::vector<int64_t> at);
/// Multiplied by `factor` in every step.
LearningRate exponential(double rate, double factor);
/// final_rate + (rate - final_rate) * (1 - step / total)^power: a line for a power of 1.
LearningRate polynomial(double rate, double power = 1, double final_rate = 0);
/// Up to `peak` along a line in the first `steps`, then down in proportion to 1 / sqrt(step):
/// Vaswani et al. 2017, eq. 3, whose peak is 1 / sqrt(width * steps).
LearningRate inverse_square_root(double peak, int64_t steps);
/// From `rate` to `final_rate` along half a cosine (Loshchilov and Hutter 2017, eq. 5, without
/// restarts).
LearningRate cosine(double rate, double final_rate = 0);
/// The same again and again: the first time in `period` steps, and each further time in `factor`
/// times as many (Loshchilov and Hutter 2017).
LearningRate cosine_restarts(double rate, int64_t period, int64_t factor = 1,
                             double final_rate = 0);
/// Smith and Topin 2018 as PyTorch has it: up from peak/25 along half a cosine for `rise` of the
/// run, then down to peak/25e4.
LearningRate one_cycle(double peak, double rise = 0.3);
/// Linear from 0 over the first `steps`, then `after`.
LearningRate warm_up(LearningRate after, int64_t steps);

}  // namespace tenon::nn
