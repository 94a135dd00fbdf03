#include "tenon/nn/optimizer.h"

#include <cmath>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/tensor/numpy.h"

namespace tenon::nn {

namespace {

/// What updates and norms of a parameter are computed in, whatever it is stored as.
DType computed_in(const Tensor& parameter) {
  return parameter.dtype() == DType::f64 ? DType::f64 : DType::f32;
}

}  // namespace

Tree Optimizer::init(const Tree& parameters) const {
  Tree slots;
  for (const std::string& name : slot_names_) {
    for_each_leaf(parameters, [&](const std::string& path, const Tensor& leaf) {
      slots.set(name + "." + path, zeros_like(leaf).eval());
    });
  }
  return slots;
}

Updated Optimizer::update(const Tree& parameters, const Tree& slots, const Tree& gradient,
                          const Tensor& step, double total) const {
  Tensor rate = learning_rate_(step, total);
  Tree used = gradient_limit_ > 0 ? clip_by_global_norm(gradient, gradient_limit_) : gradient;
  std::vector<Tensor> gradients = leaves_as(parameters, used, name_ + ": the gradient");
  size_t next_gradient = 0;
  Updated updated{parameters, slots};
  for_each_leaf(parameters, [&](const std::string& path, const Tensor& parameter) {
    LabelScope label(path + "." + name_);
    const DType dtype = computed_in(parameter);
    std::vector<Tensor> current;
    for (const std::string& name : slot_names_)
      current.push_back(slots.at(name + "." + path).cast(dtype));
    double factor = 1, decay = weight_decay_;
    for (const ParameterGroup& group : groups_) {
      if (!matches_path(group.pattern, path)) continue;
      factor = group.learning_rate;
      decay = group.weight_decay.value_or(weight_decay_);
    }
    Settings settings{rate.cast(dtype), step, decay};
    if (factor != 1) settings.learning_rate = settings.learning_rate * factor;
    Leaf next =
        rule_(parameter.cast(dtype), current, gradients[next_gradient++].cast(dtype), settings);
    updated.parameters.at(path) = next.parameter.cast(parameter.dtype());
    for (size_t i = 0; i < slot_names_.size(); ++i) {
      Tensor& slot = updated.slots.at(slot_names_[i] + "." + path);
      slot = next.slots[i].cast(slot.dtype());
    }
  });
  return updated;
}

Optimizer Optimizer::with_clipped_gradient(double limit) const {
  if (!(limit > 0))
    fail(ErrorCode::invalid_argument, "{}: a gradient cannot be clipped to a norm of {}", name_,
         limit);
  Optimizer clipped = *this;
  clipped.gradient_limit_ = limit;
  return clipped;
}

Optimizer Optimizer::with_groups(std::vector<ParameterGroup> groups) const {
  for (const ParameterGroup& group : groups) {
    if (!(group.learning_rate >= 0 && std::isfinite(group.learning_rate)))
      fail(ErrorCode::out_of_range, "{}: group {}: a learning rate of {} times the others'", name_,
           group.pattern, group.learning_rate);
    if (!(group.weight_decay.value_or(0) >= 0))
      fail(ErrorCode::out_of_range, "{}: group {}: a weight decay of {}, it must be at least 0",
           name_, group.pattern, *group.weight_decay);
  }
  Optimizer grouped = *this;
  grouped.groups_ = std::move(groups);
  return grouped;
}

namespace {

/// Whether an option lies in [low, high).
void check_option(const char* optimizer, const char* option, double value, double low,
                  double high) {
  if (value >= low && value < high) return;
  fail(ErrorCode::out_of_range, "{}: {} is {}, it must be at least {} and less than {}", optimizer,
       option, value, low, high);
}

}  // namespace

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

namespace {

/// The square root, for derivatives of whole steps: of a mean square that is 0 it is constant.
Tensor root(const Tensor& square) {
  Tensor is_zero = square == 0;
  return where(is_zero, 0, sqrt(where(is_zero, 1, square)));
}

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
    Tensor m = slots[0] * options.beta1 + g * (1 - options.beta1);
    Tensor v = slots[1] * options.beta2 + g * g * (1 - options.beta2);
    Tensor t = step.cast(p.dtype()) + 1.0;
    // 1 - beta^t, without the digits that are lost where beta^t is near 1.
    Tensor correct1 = -expm1(t * std::log(options.beta1));
    Tensor correct2 = -expm1(t * std::log(options.beta2));
    Tensor size = rate / correct1;
    Tensor scale = rsqrt(correct2);
    Tensor start = decays && decoupled ? p * (1.0 - rate * decay) : p;
    return {start - size * m / (root(v) * scale + options.epsilon), {m, v}};
  };
  return {name, {"mean", "square"}, options.learning_rate, options.weight_decay, rule};
}

}  // namespace

Optimizer adam(AdamOptions options) { return make_adam(options, false); }
Optimizer adamw(AdamOptions options) { return make_adam(options, true); }

Tree clip_by_global_norm(const Tree& gradient, double limit) {
  // Squares of what is narrower than f64 fit there; those of f64 do in a unit, where it is large.
  Tensor unit = Tensor(1.0).cast(DType::f64);
  for_each_leaf(gradient, [&](const std::string&, const Tensor& leaf) {
    if (leaf.dtype() != DType::f64 || leaf.shape().element_count().is(0)) return;
    Tensor largest = max(abs(leaf));
    unit = maximum(unit, where(largest > 1e140 && is_finite(largest), largest, 1.0));
  });
  auto in_units = [&](const Tensor& leaf) { return leaf.cast(DType::f64) / unit; };
  Tensor total = Tensor(0.0).cast(DType::f64);
  for_each_leaf(gradient, [&](const std::string&, const Tensor& leaf) {
    total = total + sum(square(in_units(leaf)));
  });
  // All of it in units, since the norm itself may not fit.
  Tensor scale = minimum(limit / (sqrt(total) + 1e-6 / unit), unit);
  return map_leaves([&](const Tensor& leaf) { return (in_units(leaf) * scale).cast(leaf.dtype()); },
                    gradient);
}

}  // namespace tenon::nn
