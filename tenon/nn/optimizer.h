// Optimisers: pure functions from parameters, slots and gradients to new parameters and slots.
//
//   given: Tree parameters, gradient; Tensor step; double total_steps;
//   nn::Optimizer opt = nn::adamw({.learning_rate = nn::one_cycle(4e-3), .weight_decay = 1e-4});
//   struct State { Tree parameters, slots; Tensor step; };
//   State state{parameters, opt.init(parameters), 0};
//   state = opt.update(state, gradient, total_steps);              // step by step
//   auto [next, next_slots] = opt.update(parameters, state.slots, gradient, step, total_steps);
// lbfgs.h has a method that is no rule for one step.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tenon/nn/learning_rate.h"
#include "tenon/tensor/tree.h"

namespace tenon::nn {

struct Updated {
  Tree parameters;
  Tree slots;
};

/// Settings of the parameters whose paths match a pattern, as `matches_path` says: "**.bias".
struct ParameterGroup {
  std::string pattern;
  double learning_rate = 1;                           // a factor of the optimiser's
  std::optional<double> weight_decay = std::nullopt;  // in place of the optimiser's
};

class Optimizer {
 public:
  /// New value and new slots of one parameter. Rules compute in f32, or in f64 for f64 parameters:
  /// arguments are cast to that dtype, and results back to the dtypes of parameters and slots.
  struct Leaf {
    Tensor parameter;
    std::vector<Tensor> slots;
  };
  /// What a rule may depend on besides the parameter: it is that of the parameter's group.
  struct Settings {
    Tensor learning_rate;
    Tensor step;  // i32[], from 0
    double weight_decay = 0;
  };
  using Rule = std::function<Leaf(const Tensor& parameter, const std::vector<Tensor>& slots,
                                  const Tensor& gradient, const Settings& settings)>;

  Optimizer(std::string name, std::vector<std::string> slot_names, LearningRate learning_rate,
            double weight_decay, Rule rule)
      : name_(std::move(name)),
        slot_names_(std::move(slot_names)),
        learning_rate_(std::move(learning_rate)),
        weight_decay_(weight_decay),
        rule_(std::move(rule)) {}

  const std::string& name() const& { return name_; }
  std::string name() && { return std::move(name_); }
  const LearningRate& learning_rate() const& { return learning_rate_; }
  LearningRate learning_rate() && { return std::move(learning_rate_); }
  /// The same rule on gradients that clip_by_global_norm has scaled.
  Optimizer with_clipped_gradient(double limit) const;
  /// The same rule on gradients that clip_by_value has cut, before their norm is looked at.
  Optimizer with_clipped_values(double limit) const;
  /// The same rule with learning rates times this number, f32[]: of a step that is compiled it may
  /// be an argument, as nn::Plateau needs it.
  Optimizer with_rate_factor(Tensor factor) const;
  /// Other settings for parameters whose paths match a pattern; of several that match, the last
  /// counts.
  Optimizer with_groups(std::vector<ParameterGroup> groups) const;
  /// Zeros, by slot and then by parameter: "momentum.encoder.0.weight".
  Tree init(const Tree& parameters) const;
  template <class T>
  Tree init(const T& parameters) const {
    return init(to_tree(parameters));
  }
  /// `step` is i32[] from 0; `total` is the length of the run in steps, which schedules such as
  /// one_cycle require: without it they are errors.
  Updated update(const Tree& parameters, const Tree& slots, const Tree& gradient,
                 const Tensor& step, double total = kUnknownLength) const;
  /// The same for an aggregate whose first members are the parameters (any tree), their slots and
  /// the step, which is incremented; other members are unchanged.
  template <class State, class Parameters>
  State update(State state, const Parameters& gradient, double total = kUnknownLength) const {
    using Members = std::remove_cvref_t<decltype(boost::pfr::structure_to_tuple(state))>;
    static_assert(std::tuple_size_v<Members> >= 3 &&
                      std::is_same_v<std::tuple_element_t<0, Members>, Parameters> &&
                      std::is_same_v<std::tuple_element_t<1, Members>, Tree> &&
                      std::is_same_v<std::tuple_element_t<2, Members>, Tensor>,
                  "the state's first members are the parameters (as the gradient has them), a Tree "
                  "of slots and a Tensor that counts steps");
    Parameters& parameters = boost::pfr::get<0>(state);
    Tree& slots = boost::pfr::get<1>(state);
    Tensor& step = boost::pfr::get<2>(state);
    Updated updated = update(to_tree(parameters), slots, to_tree(gradient), step, total);
    parameters = from_tree(updated.parameters, std::move(parameters));
    slots = std::move(updated.slots);
    step = step + 1;
    return state;
  }

 private:
  std::string name_;
  std::vector<std::string> slot_names_;
  LearningRate learning_rate_;
  double weight_decay_ = 0;
  std::vector<ParameterGroup> groups_;
  Rule rule_;
  double gradient_limit_ = 0;  // 0: none
  double value_limit_ = 0;     // 0: none
  Tensor rate_factor_;         // empty: 1
};

struct SgdOptions {
  LearningRate learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;  // added to the gradient
};
/// m = momentum * m + g; p = p - rate * m (Sutskever et al. 2013, in PyTorch's form).
Optimizer sgd(SgdOptions options);

struct AdamOptions {
  LearningRate learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  /// Divide by the largest mean square so far (Reddi et al. 2018, algorithm 2, in PyTorch's form).
  bool amsgrad = false;
};
/// Kingma and Ba 2015, algorithm 1; weight decay is added to the gradient.
Optimizer adam(AdamOptions options);
/// Loshchilov and Hutter 2019, algorithm 2: decoupled weight decay.
Optimizer adamw(AdamOptions options);

struct AdagradOptions {
  LearningRate learning_rate = 0.01;
  double initial = 0;  // what sums of squares begin with
  double epsilon = 1e-10;
  double weight_decay = 0;  // added to the gradient
};
/// s = s + g^2; p = p - rate * g / (sqrt(s) + epsilon) (Duchi et al. 2011, figure 1).
Optimizer adagrad(AdagradOptions options);

struct RmsPropOptions {
  LearningRate learning_rate = 0.01;
  double decay = 0.99;  // of the mean square
  double momentum = 0;
  bool centered = false;  // by the variance in place of the mean square (Graves 2013, eq. 38-45)
  double epsilon = 1e-8;
  double weight_decay = 0;  // added to the gradient
};
/// v = decay * v + (1 - decay) * g^2; p = p - rate * g / (sqrt(v) + epsilon) (Tieleman and Hinton
/// 2012, lecture 6.5), with momentum as PyTorch has it.
Optimizer rmsprop(RmsPropOptions options);

struct LarsOptions {
  LearningRate learning_rate = 0.1;
  double momentum = 0.9;
  double trust = 1e-3;  // the paper's eta
  double weight_decay = 0;
  /// Whether parameters of one dimension, such as biases and the scales of norms, have a rate of
  /// their own, too. Where not, theirs is that of the others.
  bool adapt_vectors = true;
};
/// You et al. 2017, algorithm 1: l = trust * |p| / (|g| + decay * |p|), and 1 where either is 0;
/// m = momentum * m + rate * l * (g + decay * p); p = p - m.
Optimizer lars(LarsOptions options);

struct LambOptions {
  LearningRate learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-6;
  double weight_decay = 0;
  bool adapt_vectors = true;  // as of LARS
};
/// You et al. 2020, algorithm 2: with u the direction of Adam plus decay * p, and l = |p| / |u|, or
/// 1 where either is 0, p = p - rate * l * u.
Optimizer lamb(LambOptions options);

struct LionOptions {
  LearningRate learning_rate = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double weight_decay = 0;  // apart from the gradient
};
/// Chen et al. 2023, algorithm 2: p = p - rate * (sign(beta1 * m + (1 - beta1) * g) + decay * p);
/// m = beta2 * m + (1 - beta2) * g.
Optimizer lion(LionOptions options);

/// Scales all gradients so that their joint norm is at most `limit` (Pascanu et al. 2013), also
/// where that norm or its square is beyond the range of their dtype.
Tree clip_by_global_norm(const Tree& gradient, double limit);
/// Cuts each number of a gradient to [-limit, limit].
Tree clip_by_value(const Tree& gradient, double limit);

}  // namespace tenon::nn
