// Rules with one running mean of gradients: SGD and Lion.
#include <cmath>

#include "tenon/nn/optimizer_rules.h"

namespace tenon::nn {

Optimizer sgd(SgdOptions options) {
  check_option("sgd", "momentum", options.momentum, 0, 1);
  check_option("sgd", "weight_decay", options.weight_decay, 0, INFINITY);
  bool has_momentum = options.momentum != 0;
  if (options.nesterov && !has_momentum) {
    throw make_error(ErrorCode::invalid_argument, "sgd: nesterov needs a momentum")
        .note("hint: momentum = 0.9");
  }
  auto rule = [=](const Tensor& p, const std::vector<Tensor>& slots, const Tensor& gradient,
                  const Optimizer::Settings& settings) -> Optimizer::Leaf {
    const double decay = settings.weight_decay;
    const Tensor& rate = settings.learning_rate;
    Tensor g = decay != 0 ? gradient + p * decay : gradient;
    if (!has_momentum) return {p - rate * g, {}};
    Tensor m = slots[0] * options.momentum + g;
    Tensor direction = options.nesterov ? g + m * options.momentum : m;
    return {p - rate * direction, {m}};
  };
  std::vector<std::string> names;
  if (has_momentum) names.push_back("momentum");
  return {"sgd", names, options.learning_rate, options.weight_decay, rule};
}

Optimizer lion(LionOptions options) {
  check_option("lion", "beta1", options.beta1, 0, 1);
  check_option("lion", "beta2", options.beta2, 0, 1);
  check_option("lion", "weight_decay", options.weight_decay, 0, INFINITY);
  auto rule = [=](const Tensor& p, const std::vector<Tensor>& slots, const Tensor& g,
                  const Optimizer::Settings& settings) -> Optimizer::Leaf {
    const auto& [rate, step, decay] = settings;
    Tensor direction = sign(slots[0] * options.beta1 + g * (1 - options.beta1));
    Tensor start = decay != 0 ? p * (1.0 - rate * decay) : p;
    return {start - rate * direction, {slots[0] * options.beta2 + g * (1 - options.beta2)}};
  };
  return {"lion", {"momentum"}, options.learning_rate, options.weight_decay, rule};
}

}  // namespace tenon::nn
