// What training minimises: a function of a model's outputs and a batch's labels.
//
//   train::Loss of_two = [](const Tensor& outputs, const Tensor& labels) { return nn::cross_entropy(outputs, labels); };
//   train::Loss elbo = [](const Tree& outputs, const Tree& image) {
//     Tensor kl = mean(outputs.at("kl")), rest = nn::mean_squared_error(outputs.at("image"), image.leaf());
//     return train::LossTerms{.value = rest + kl, .parts = {{"kl", kl}}};
//   };
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tenon/nn/losses.h"
#include "tenon/nn/model_function.h"

namespace tenon::train {

/// The value of a loss, and what reports are to show of it.
struct LossTerms {
  /// A scalar: the mean over what counts in the batch.
  Tensor value;
  /// How much counts, f32[]: labels that are not left out, or rows. Means over several batches are
  /// weighed by it. Empty: as `weight_of` says.
  Tensor weight = {};
  /// Scalars by name, shown beside the loss.
  std::vector<std::pair<std::string, Tensor>> parts = {};
};

/// A loss or, over an evaluation, a metric: the mean over a batch's rows or, where labels are
/// classes, over the labels that count, which are those that are not negative.
class Loss {
 public:
  Loss() = default;
  /// A function of (Tensor outputs, Tensor labels) or of (Tree outputs, Tree labels) to a scalar, a
  /// nn::WeightedMean or LossTerms. `nn::cross_entropy` and `nn::mean_squared_error` are known by
  /// name, and what has a `name()`, as nn::CrossEntropy has.
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Loss>)
  Loss(F f) {
    if constexpr (std::is_same_v<F, Tensor (*)(const Tensor&, const Tensor&)>) name_ = name_of(f);
    is_plain_ = !name_.empty();
    if constexpr (requires { std::string(std::as_const(f).name()); })
      name_ = std::as_const(f).name();
    set(std::move(f));
  }
  /// One that configurations, model files and checkpoints call by a name.
  template <class F>
  Loss(std::string name, F f) : name_(std::move(name)) {
    set(std::move(f));
  }

  explicit operator bool() const { return static_cast<bool>(f_); }
  LossTerms terms(const Tree& outputs, const Tree& labels) const;
  /// The value alone, of a model of one output and one column of labels.
  Tensor operator()(const Tensor& outputs, const Tensor& labels) const {
    return f_(Tree(outputs), Tree(labels)).value;
  }
  /// What a configuration says of it besides its name, as TOML: {name = "huber", delta = 0.5}.
  Loss with_options(std::string options) const {
    Loss loss = *this;
    loss.options_ = std::move(options);
    return loss;
  }
  const std::string& options() const& { return options_; }
  std::string options() && { return std::move(options_); }
  /// "cross_entropy"; empty for a function of the user's own.
  const std::string& name() const& { return name_; }
  std::string name() && { return std::move(name_); }
  /// Whether it is `nn::cross_entropy` or `nn::mean_squared_error` itself, without options.
  bool is_plain() const { return is_plain_; }

 private:
  static std::string name_of(Tensor (*f)(const Tensor&, const Tensor&));
  static LossTerms as_terms(LossTerms terms) { return terms; }
  static LossTerms as_terms(Tensor value) { return {.value = std::move(value)}; }
  static LossTerms as_terms(nn::WeightedMean mean) {
    return {.value = std::move(mean.value), .weight = std::move(mean.weight)};
  }

  template <class F>
  void set(F f) {
    if constexpr (std::is_invocable_v<const F&, const Tensor&, const Tensor&> && !kTakesTrees<F>) {
      f_ = [f = std::move(f)](const Tree& outputs, const Tree& labels) {
        return as_terms(f(nn::detail::only_tensor(outputs, "gives"),
                          nn::detail::only_tensor(labels, "is compared with")));
      };
    } else {
      f_ = [f = std::move(f)](const Tree& outputs, const Tree& labels) {
        return as_terms(f(outputs, labels));
      };
    }
  }

  /// A function of trees can be called with tensors, too, which become trees of one.
  template <class F>
  static constexpr bool kTakesTrees = std::is_same_v<typename nn::detail::InputOf<F>::type, Tree>;

  std::function<LossTerms(const Tree&, const Tree&)> f_;
  std::string name_, options_;
  bool is_plain_ = false;
};

/// What the mean over a batch weighs, f32[]: where labels are classes of the outputs, the labels
/// that count; otherwise the rows. Means of batches that are weighed by it do not depend on how the
/// rows were cut into batches.
Tensor weight_of(const Tree& outputs, const Tree& labels);

}  // namespace tenon::train
