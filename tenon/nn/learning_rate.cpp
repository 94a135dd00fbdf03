#include "tenon/nn/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tenon/base/error.h"
#include "tenon/tensor/numpy.h"

namespace tenon::nn {

namespace {

Tensor as_float(const Tensor& step) { return step.cast(DType::f32); }

Tensor clip01(const Tensor& x) { return clip(x, 0.0, 1.0); }

/// From `from` (fraction 0) to `to` (fraction 1) along half a cosine.
Tensor half_cosine(const Tensor& fraction, double from, double to) {
  return (cos(fraction * std::numbers::pi) + 1.0) * ((from - to) / 2) + to;
}

void check_rate(const char* schedule, double rate) {
  if (std::isfinite(rate) && rate >= 0) return;
  fail(ErrorCode::out_of_range, "{}: a learning rate of {}; it must be a number from 0 on",
       schedule, rate);
}

void require_length(const char* schedule, double total) {
  if (total != kUnknownLength) return;
  throw make_error(ErrorCode::invalid_argument, "{}: the length of the run is not known", schedule)
      .note("hint: optimizer.update(state, gradient, total_steps)");
}

}  // namespace

LearningRate::LearningRate(double rate)
    : f_([rate](const Tensor&, double) { return Tensor(rate); }) {
  check_rate("constant", rate);
}

LearningRate step_decay(double rate, double factor, int64_t every) {
  check_rate("step", rate);
  if (every < 1)
    fail(ErrorCode::out_of_range, "step: every {} steps; it must be at least 1", every);
  if (!(std::isfinite(factor) && factor >= 0))
    fail(ErrorCode::out_of_range, "step: factor {}; it must be a number from 0 on", factor);
  return LearningRate([=](const Tensor& step, double) {
    Tensor times = floor(as_float(step) / static_cast<double>(every));
    return power(factor, times) * rate;
  });
}

LearningRate cosine(double rate, double final_rate) {
  check_rate("cosine", rate);
  check_rate("cosine", final_rate);
  return LearningRate([=](const Tensor& step, double total) {
    require_length("cosine", total);
    return half_cosine(clip01(as_float(step) / std::max(1.0, total)), rate, final_rate);
  });
}

namespace {

void check_steps(const char* schedule, const char* what, int64_t steps) {
  if (steps >= 1) return;
  fail(ErrorCode::out_of_range, "{}: {} is {}; it must be at least 1", schedule, what, steps);
}

void check_factor(const char* schedule, double factor) {
  if (std::isfinite(factor) && factor >= 0) return;
  fail(ErrorCode::out_of_range, "{}: factor {}; it must be a number from 0 on", schedule, factor);
}

}  // namespace

LearningRate multi_step(double rate, double factor, std::vector<int64_t> at) {
  check_rate("multi_step", rate);
  check_factor("multi_step", factor);
  if (!std::ranges::is_sorted(at) || (!at.empty() && at[0] < 0))
    fail(ErrorCode::out_of_range, "multi_step: steps are numbers from 0 on that ascend");
  return LearningRate([=](const Tensor& step, double) {
    // Step by step, so that rates are exact where the factor is.
    Tensor now(rate);
    double later = rate;
    for (int64_t begin : at) {
      later *= factor;
      now = where(step >= static_cast<double>(begin), later, now);
    }
    return now;
  });
}

LearningRate exponential(double rate, double factor) {
  check_rate("exponential", rate);
  check_factor("exponential", factor);
  return LearningRate([=](const Tensor& step, double) {
    if (factor == 0) return where(step == 0, rate, Tensor(0.0));
    // In f64: a factor near 1 is raised to a large power.
    Tensor power = exp(step.cast(DType::f64) * std::log(factor));
    return (power * rate).cast(DType::f32);
  });
}

LearningRate polynomial(double rate, double exponent, double final_rate) {
  check_rate("polynomial", rate);
  check_rate("polynomial", final_rate);
  if (!(exponent > 0 && std::isfinite(exponent)))
    fail(ErrorCode::out_of_range, "polynomial: power {}; it must be positive", exponent);
  return LearningRate([=](const Tensor& step, double total) {
    require_length("polynomial", total);
    Tensor left = 1.0 - clip01(as_float(step) / std::max(1.0, total));
    return (exponent == 1 ? left : power(left, exponent)) * (rate - final_rate) + final_rate;
  });
}

LearningRate inverse_square_root(double peak, int64_t steps) {
  check_rate("inverse_square_root", peak);
  check_steps("inverse_square_root", "the warm-up", steps);
  return LearningRate([=](const Tensor& step, double) {
    Tensor part = (as_float(step) + 1.0) / static_cast<double>(steps);
    return minimum(part, rsqrt(part)) * peak;
  });
}

LearningRate cosine_restarts(double rate, int64_t period, int64_t factor, double final_rate) {
  check_rate("cosine_restarts", rate);
  check_rate("cosine_restarts", final_rate);
  check_steps("cosine_restarts", "the period", period);
  check_steps("cosine_restarts", "the factor", factor);
  return LearningRate([=](const Tensor& step, double) {
    auto whole = static_cast<double>(period);
    if (factor == 1) return half_cosine(as_float(step % whole) / whole, rate, final_rate);
    // Few periods fill all that an i32 counts.
    Tensor begin(0), length = as_float(Tensor(period));
    int64_t start = 0;
    for (int64_t now = period; start <= INT32_MAX - now;) {
      start += now;
      now *= factor;
      Tensor is_later = step >= static_cast<double>(start);
      begin = where(is_later, start, begin);
      length = where(is_later, static_cast<double>(now), length);
    }
    return half_cosine(as_float(step - begin) / length, rate, final_rate);
  });
}

LearningRate one_cycle(double peak, double rise) {
  check_rate("one_cycle", peak);
  if (!(rise >= 0 && rise <= 1))
    fail(ErrorCode::out_of_range, "one_cycle: rise {} is not a fraction of the run between 0 and 1",
         rise);
  return LearningRate([=](const Tensor& step, double total) {
    require_length("one_cycle", total);
    // The phases of OneCycleLR: the first may end before step 0, the second may have no length.
    double up = rise * total - 1, down = std::max(total - 1 - up, 1e-30);
    Tensor at = as_float(step);
    Tensor falling = half_cosine(clip01((at - up) / down), peak, peak / 25e4);
    if (up <= 0) return falling;
    return where(at < up, half_cosine(clip01(at / up), peak / 25, peak), falling);
  });
}

LearningRate warm_up(LearningRate after, int64_t steps) {
  if (steps < 0) fail(ErrorCode::out_of_range, "warm_up: {} steps; it must be at least 0", steps);
  return LearningRate([=](const Tensor& step, double total) {
    auto length = static_cast<double>(std::max<int64_t>(1, steps));
    double rest = total == kUnknownLength ? kUnknownLength : std::max(1.0, total - length);
    Tensor later = after(maximum(step - static_cast<double>(steps), 0), rest);
    return later * clip01((as_float(step) + 1.0) / length);
  });
}

}  // namespace tenon::nn
