// A measure of a whole evaluation that no mean over batches gives, such as the area under a curve.
//
//   given: Tensor logits, labels;                        // f32[batch, 10], i32[batch]
//   nn::Metric f1 = nn::metrics::f1();
//   f1.update(logits, labels);                           // for each batch
//   double macro = f1.result();
//   for (auto& [name, value] : nn::metrics::f1({.by_class = true}).results()) print("{} {}\n", name, value);
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tenon/tensor/tree.h"

namespace tenon::nn {

namespace detail {

template <class State>
concept TakesTrees = requires(State& s, const Tree& tree) { s.update(tree, tree); };
template <class State>
concept TakesTensors = requires(State& s, const Tensor& tensor) { s.update(tensor, tensor); };
template <class State>
concept MetricState =
    (TakesTrees<State> || TakesTensors<State>) && requires(const State& s) { s.result(); };

/// The only leaf of a tree; error shape_mismatch where there are several.
const Tensor& leaf_for_metric(const Tree& tree, const char* what);

}  // namespace detail

/// Any copyable type with `update(outputs, labels)`, of tensors or of trees, and `result()`, which
/// is a number or several of them by name. A copy goes on by itself.
class Metric {
 public:
  /// By name; that of the first is empty where it is the metric's own.
  using Values = std::vector<std::pair<std::string, double>>;

  template <class State>
    requires(!std::is_same_v<std::remove_cvref_t<State>, Metric> && detail::MetricState<State>)
  Metric(State state) : state_(std::make_unique<Of<State>>(std::move(state))) {
    static_assert(std::is_copy_constructible_v<State>, "evaluations begin with a copy");
  }
  Metric(const Metric& other) : state_(other.state_->copy()) {}
  Metric(Metric&&) noexcept = default;
  Metric& operator=(Metric other) noexcept {
    state_ = std::move(other.state_);
    return *this;
  }
  ~Metric() = default;

  /// Of a batch; what it needs is kept on the host.
  void update(const Tree& outputs, const Tree& labels) { state_->update(outputs, labels); }
  void update(const Tensor& outputs, const Tensor& labels) {
    state_->update(Tree(outputs), Tree(labels));
  }
  /// Of all batches so far, the first where there are several; NaN where there is nothing to
  /// measure.
  double result() const { return state_->results().at(0).second; }
  Values results() const { return state_->results(); }

 private:
  struct Any {
    virtual ~Any() = default;
    virtual void update(const Tree& outputs, const Tree& labels) = 0;
    virtual Values results() const = 0;
    virtual std::unique_ptr<Any> copy() const = 0;
  };
  template <class State>
  struct Of : Any {
    explicit Of(State s) : state(std::move(s)) {}
    void update(const Tree& outputs, const Tree& labels) override {
      if constexpr (detail::TakesTrees<State>) {
        state.update(outputs, labels);
      } else {
        state.update(detail::leaf_for_metric(outputs, "outputs"),
                     detail::leaf_for_metric(labels, "labels"));
      }
    }
    Values results() const override {
      if constexpr (std::is_arithmetic_v<decltype(state.result())>) {
        return {{"", static_cast<double>(state.result())}};
      } else {
        return state.result();
      }
    }
    std::unique_ptr<Any> copy() const override { return std::make_unique<Of>(state); }
    State state;
  };

  std::unique_ptr<Any> state_;
};

}  // namespace tenon::nn
