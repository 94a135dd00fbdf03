// Rules that divide by the root of squared gradients, number by number: Adam, AdamW, Adagrad and
// RMSProp.
#include <cmath>

#include "tenon/nn/optimizer_rules.h"

namespace tenon::nn {

Moments next_moments(const std::vector<Tensor>& slots, const Tensor& gradient, const Tensor& step,
                     double beta1, double beta2) {
  Tensor t = step.cast(gradient.dtype()) + 1.0;
  // 1 - beta^t, without the digits that are lost where beta^t is near 1.
  return {slots[0] * beta1 + gradient * (1 - beta1),
          slots[1] * beta2 + gradient * gradient * (1 - beta2), -expm1(t * std::log(beta1)),
          -expm1(t * std::log(beta2))};
}

namespace {

Optimizer make_adam(const AdamOptions& options, bool decoupled) {
  const char* name = decoupled ? "adamw" : "adam";
  check_option(name, "beta1", options.beta1, 0, 1);
  check_option(name, "beta2", options.beta2, 0, 1);
  check_option(name, "epsilon", options.epsilon, 0, INFINITY);
  check_option(name, "weight_decay", options.weight_decay, 0, INFINITY);
  auto rule = [=](const Tensor& p, const std::vector<Tensor>& slots, const Tensor& gradient,
                  const Optimizer::Settings& settings) -> Optimizer::Leaf {
    const auto& [rate, step, decay] = settings;
    bool decays = decay != 0;
    Tensor g = decays && !decoupled ? gradient + p * decay : gradient;
    auto [m, v, correct1, correct2] = next_moments(slots, g, step, options.beta1, options.beta2);
    Tensor size = rate / correct1;
    Tensor scale = rsqrt(correct2);
    Tensor start = decays && decoupled ? p * (1.0 - rate * decay) : p;
    if (!options.amsgrad) return {start - size * m / (root(v) * scale + options.epsilon), {m, v}};
    Tensor largest = maximum(slots[2], v);
    return {start - size * m / (root(largest) * scale + options.epsilon), {m, v, largest}};
  };
  std::vector<std::string> names = {"mean", "square"};
  if (options.amsgrad) names.push_back("largest_square");
  return {name, names, options.learning_rate, options.weight_decay, rule};
}

}  // namespace

Optimizer adam(AdamOptions options) { return make_adam(options, false); }
Optimizer adamw(AdamOptions options) { return make_adam(options, true); }

Optimizer adagrad(AdagradOptions options) {
  check_option("adagrad", "initial", options.initial, 0, INFINITY);
  check_option("adagrad", "epsilon", options.epsilon, 0, INFINITY);
  check_option("adagrad", "weight_decay", options.weight_decay, 0, INFINITY);
  auto rule = [=](const Tensor& p, const std::vector<Tensor>& slots, const Tensor& gradient,
                  const Optimizer::Settings& settings) -> Optimizer::Leaf {
    const auto& [rate, step, decay] = settings;
    Tensor g = decay != 0 ? gradient + p * decay : gradient;
    Tensor squares = slots[0] + g * g;  // slots begin with 0
    Tensor all = options.initial != 0 ? squares + options.initial : squares;
    return {p - rate * g / (root(all) + options.epsilon), {squares}};
  };
  return {"adagrad", {"squares"}, options.learning_rate, options.weight_decay, rule};
}

Optimizer rmsprop(RmsPropOptions options) {
  check_option("rmsprop", "decay", options.decay, 0, 1);
  check_option("rmsprop", "momentum", options.momentum, 0, 1);
  check_option("rmsprop", "epsilon", options.epsilon, 0, INFINITY);
  check_option("rmsprop", "weight_decay", options.weight_decay, 0, INFINITY);
  std::vector<std::string> names = {"square"};
  if (options.centered) names.push_back("mean");
  if (options.momentum != 0) names.push_back("momentum");
  auto rule = [=](const Tensor& p, const std::vector<Tensor>& slots, const Tensor& gradient,
                  const Optimizer::Settings& settings) -> Optimizer::Leaf {
    const auto& [rate, step, decay] = settings;
    Tensor g = decay != 0 ? gradient + p * decay : gradient;
    std::vector<Tensor> next = {slots[0] * options.decay + g * g * (1 - options.decay)};
    Tensor size = next[0];
    if (options.centered) {
      next.push_back(slots[1] * options.decay + g * (1 - options.decay));
      size = maximum(size - square(next[1]), 0);  // rounding may leave less than nothing
    }
    Tensor direction = g / (root(size) + options.epsilon);
    if (options.momentum != 0) {
      direction = slots.back() * options.momentum + direction;
      next.push_back(direction);
    }
    return {p - rate * direction, next};
  };
  return {"rmsprop", names, options.learning_rate, options.weight_decay, rule};
}

}  // namespace tenon::nn
