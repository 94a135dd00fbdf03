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
/// From `rate` to `final_rate` along half a cosine (Loshchilov and Hutter 2017, eq. 5, without
/// restarts).
LearningRate cosine(double rate, double final_rate = 0);
/// Smith and Topin 2018, as in PyTorch: up from peak/25 along half a cosine for the fraction `rise`
/// of the run, then down to peak/25e4.
LearningRate one_cycle(double peak, double rise = 0.3);
/// Linear from 0 over the first `steps`, then `after`.
LearningRate warm_up(LearningRate after, int64_t steps);

}  // namespace tenon::nn
