#include "tenon/nn/schedule.h"
#include "tenon/nn/call.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tenon/base/error.h"

namespace tenon::nn {

namespace {

Tensor as_float(const Tensor& step) { return step.cast(DType::f32); }

Tensor clip01(const Tensor& x) {
  return call("maximum", {call("minimum", {x, Tensor(1.0)}), Tensor(0.0)});
}

/// From `from` (fraction 0) to `to` (fraction 1) along half a cosine.
Tensor half_cosine(const Tensor& fraction, double from, double to) {
  return (call("cos", {fraction * std::numbers::pi}) + 1.0) * ((from - to) / 2) + to;
}

void check_rate(const char* schedule, double rate) {
  if (std::isfinite(rate) && rate >= 0) return;
  fail(ErrorCode::out_of_range, "{}: a learning rate of {}; it must be a number from 0 on",
       schedule, rate);
}

}  // namespace

Schedule::Schedule(double rate) : f_([rate](const Tensor&, double) { return Tensor(rate); }) {
  check_rate("constant", rate);
}

Schedule step_decay(double rate, double factor, int64_t every) {
  check_rate("step", rate);
  if (every < 1)
    fail(ErrorCode::out_of_range, "step: every {} steps; it must be at least 1", every);
  return Schedule([=](const Tensor& step, double) {
    Tensor times = call("floor", {as_float(step) / static_cast<double>(every)});
    return call("power", {Tensor(factor), times}) * rate;
  });
}

Schedule cosine(double rate, double final_rate) {
  check_rate("cosine", rate);
  check_rate("cosine", final_rate);
  return Schedule([=](const Tensor& step, double total) {
    return half_cosine(clip01(as_float(step) / std::max(1.0, total)), rate, final_rate);
  });
}

Schedule one_cycle(double peak, double rise) {
  check_rate("one_cycle", peak);
  if (!(rise >= 0 && rise <= 1))
    fail(ErrorCode::out_of_range, "one_cycle: rise {} is no part of the run, from 0 to 1", rise);
  return Schedule([=](const Tensor& step, double total) {
    double up = std::max(1.0, rise * total - 1);
    double down = std::max(1.0, total - 1 - up);
    Tensor at = as_float(step);
    Tensor rising = half_cosine(clip01(at / up), peak / 25, peak);
    Tensor falling = half_cosine(clip01((at - up) / down), peak, peak / 25e4);
    return call("select", {at < up, rising, falling});
  });
}

Schedule warm_up(Schedule after, int64_t steps) {
  if (steps < 0) fail(ErrorCode::out_of_range, "warm_up: {} steps; it must be at least 0", steps);
  return Schedule([=](const Tensor& step, double total) {
    auto length = static_cast<double>(std::max<int64_t>(1, steps));
    Tensor later =
        after(call("maximum", {step - static_cast<double>(steps), Tensor(0)}), total - length);
    return later * clip01((as_float(step) + 1.0) / length);
  });
}

}  // namespace tenon::nn
