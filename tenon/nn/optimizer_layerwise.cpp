// Rules whose step is in proportion to the norm of each parameter: LARS and LAMB.
#include <cmath>

#include "tenon/nn/optimizer_rules.h"

namespace tenon::nn {

namespace {

/// Of the whole tensor, also where squares of its numbers are beyond the dtype's range.
Tensor length(const Tensor& x) {
  Tensor largest = max(abs(x));
  Tensor unit = where(largest > 0 && is_finite(largest), largest, 1.0);
  return root(sum(square(x / unit))) * unit;
}

/// a / b, and 1 where either is 0.
Tensor ratio(const Tensor& a, const Tensor& b) {
  Tensor counts = a > 0 && b > 0;
  return where(counts, a / where(counts, b, 1.0), 1.0);
}

bool is_adapted(const Tensor& parameter, bool vectors) {
  return !parameter.shape().element_count().is(0) && (vectors || parameter.rank() > 1);
}

}  // namespace

Optimizer lars(LarsOptions options) {
  check_option("lars", "momentum", options.momentum, 0, 1);
  check_option("lars", "trust", options.trust, 0, INFINITY);
  check_option("lars", "weight_decay", options.weight_decay, 0, INFINITY);
  auto rule = [=](const Tensor& p, const std::vector<Tensor>& slots, const Tensor& gradient,
                  const Optimizer::Settings& settings) -> Optimizer::Leaf {
    const double decay = settings.weight_decay;
    Tensor g = decay != 0 ? gradient + p * decay : gradient;
    Tensor rate = settings.learning_rate;
    if (is_adapted(p, options.adapt_vectors)) {
      Tensor norm = length(p), slope = length(gradient);
      // Where either is 0 there is no ratio, and none is taken.
      Tensor counts = norm > 0 && slope > 0;
      Tensor local = norm * options.trust / where(counts, slope + norm * decay, 1.0);
      rate = rate * where(counts, local, 1.0);
    }
    Tensor m = slots[0] * options.momentum + rate * g;
    return {p - m, {m}};
  };
  return {"lars", {"momentum"}, options.learning_rate, options.weight_decay, rule};
}

Optimizer lamb(LambOptions options) {
  check_option("lamb", "beta1", options.beta1, 0, 1);
  check_option("lamb", "beta2", options.beta2, 0, 1);
  check_option("lamb", "epsilon", options.epsilon, 0, INFINITY);
  check_option("lamb", "weight_decay", options.weight_decay, 0, INFINITY);
  auto rule = [=](const Tensor& p, const std::vector<Tensor>& slots, const Tensor& g,
                  const Optimizer::Settings& settings) -> Optimizer::Leaf {
    const auto& [rate, step, decay] = settings;
    auto [m, v, correct1, correct2] = next_moments(slots, g, step, options.beta1, options.beta2);
    Tensor direction = m / correct1 / (root(v / correct2) + options.epsilon);
    if (decay != 0) direction = direction + p * decay;
    Tensor size = rate;
    if (is_adapted(p, options.adapt_vectors)) size = rate * ratio(length(p), length(direction));
    return {p - size * direction, {m, v}};
  };
  return {"lamb", {"mean", "square"}, options.learning_rate, options.weight_decay, rule};
}

}  // namespace tenon::nn
