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
  if (rate_factor_.has_value()) rate = rate * rate_factor_.cast(rate.dtype());
  Tree used = value_limit_ > 0 ? clip_by_value(gradient, value_limit_) : gradient;
  if (gradient_limit_ > 0) used = clip_by_global_norm(used, gradient_limit_);
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

Optimizer Optimizer::with_clipped_values(double limit) const {
  if (!(limit > 0))
    fail(ErrorCode::invalid_argument, "{}: a gradient cannot be cut to {}", name_, limit);
  Optimizer clipped = *this;
  clipped.value_limit_ = limit;
  return clipped;
}

Optimizer Optimizer::with_rate_factor(Tensor factor) const {
  Optimizer scaled = *this;
  scaled.rate_factor_ = std::move(factor);
  return scaled;
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

Tree clip_by_value(const Tree& gradient, double limit) {
  return map_leaves([&](const Tensor& leaf) { return clip(leaf, -limit, limit); }, gradient);
}

}  // namespace tenon::nn
