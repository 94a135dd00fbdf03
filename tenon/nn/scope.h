// The context of a layer: its path, its parameters, its state, its random keys, and whether the
// model is training.
//
//   Tensor head(nn::Scope s, Tensor x) {
//     x = relu(nn::dense(s / "fc1", x, 64));
//     return nn::dense(s / "fc2", x, 10);
//   }
//   nn::Variables v = nn::init(head, {Type::parse("f32[1,20]")}, 0);  // v.parameters: fc1.weight, fc1.bias, fc2.weight …
//   Tensor logits = nn::apply(head, v, Tensor{{0.0, 1.0}});
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/base/error.h"
#include "tenon/base/random.h"
#include "tenon/nn/initialise.h"
#include "tenon/tensor/transforms.h"

namespace tenon::nn {

/// The variables of a model: parameters are trained, state (running averages) is carried along.
struct Variables {
  Tree parameters;
  Tree state;
};

namespace detail {
/// Data of one call of a model, shared by its layers.
struct Call {
  bool initialising = false;
  bool only_types = false;  // of what initialising makes
  bool training = false;
  RandomKey seed;       // of initialisation
  Tensor key;           // i64[2], of this call; absent in evaluation
  Variables variables;  // read, or filled when initialising
  Tree new_state;
  uint32_t depth = trace_depth();  // state is set in the function that made the call
};
}  // namespace detail

class Scope {
 public:
  explicit Scope(detail::Call& call, std::string path = "")
      : call_(&call), path_(std::move(path)) {}

  /// The scope of a submodule; names are joined by dots.
  Scope operator/(std::string_view name) const;
  const std::string& path() const& { return path_; }
  std::string path() && { return std::move(path_); }
  bool training() const { return call_->training; }

  /// A trained tensor of this layer. `initialiser` sets its values when the model is initialised.
  /// Layers with the same path share it.
  /// Error not_found or shape_mismatch, naming the path, if the variables belong to another
  /// model.
  Tensor parameter(std::string_view name, const Shape& shape, const Initialiser& initialiser,
                   DType dtype = DType::f32) const;
  /// A tensor that is carried from call to call, such as a running average.
  Tensor state(std::string_view name, const Shape& shape, double initial,
               DType dtype = DType::f32) const;
  /// Error invalid_argument inside scan, cond, while_loop and similar functions, from which values
  /// can only be returned as results. Allowed inside nn::remat.
  void set_state(std::string_view name, Tensor value) const;
  /// A random key for this path, different in every training step, but the same for all calls at
  /// this path and in every step of a scan (fold in the step to change that). Error
  /// invalid_argument if the model was called without a key.
  Tensor key() const;

 private:
  template <class F>
  friend Tensor remat(const Scope& s, const F& f, const Tensor& x);
  std::string path_of(std::string_view name) const;

  detail::Call* call_;
  std::string path_;
};

/// f(s, x), with intermediate values recomputed in the backward pass instead of stored (gradient
/// checkpointing, Chen et al. 2016). Like tenon::remat, but for layers: it also returns state that
/// f sets.
template <class F>
Tensor remat(const Scope& s, const F& f, const Tensor& x) {
  if (s.call_->initialising) return f(s, x);
  auto block = [&](const Tensor& input) {
    detail::Call inside = *s.call_;
    inside.depth = trace_depth();
    Tensor result = f(Scope(inside, s.path_), input);
    return std::pair{result, inside.new_state};
  };
  auto [result, state] = tenon::remat(block)(x);
  s.call_->new_state = state;
  return result;
}

namespace detail {
/// The variables that a model makes when it is called with tensors of some types.
Variables initialised(const std::function<std::vector<Tensor>(Scope, std::vector<Tensor>)>& model,
                      std::span<const Type> inputs, uint64_t seed, bool only_types = false);

template <class... X, class M, size_t... I>
auto call_with_leaves(const M& model, const Scope& s, const std::vector<Tensor>& leaves,
                      std::index_sequence<I...>) {
  return model(s, static_cast<const X&>(leaves[I])...);
}
}  // namespace detail

/// Makes the variables of a model from the types of its inputs; computes only initial values.
/// Dimensions on which parameters do not depend (the batch) may be symbols. For a model of several
/// tensors, give their types: `init<Tensor, Tensor>(model, {first, second}, seed)`.
template <class... X, class M>
Variables init(const M& model, std::vector<Type> inputs, uint64_t seed) {
  if constexpr (sizeof...(X) == 0) {
    return init<Tensor>(model, std::move(inputs), seed);
  } else {
    if (inputs.size() != sizeof...(X))
      fail(ErrorCode::invalid_argument, "init: {} types for a model of {} inputs", inputs.size(),
           sizeof...(X));
    auto with_leaves = [&](const Scope& s, const std::vector<Tensor>& leaves) {
      return leaves_of(
          detail::call_with_leaves<X...>(model, s, leaves, std::index_sequence_for<X...>()));
    };
    return detail::initialised(with_leaves, inputs, seed);
  }
}

/// The model's result in evaluation mode: running averages are used, dropout is off.
template <class M, class... X>
auto apply(const M& model, const Variables& variables, const X&... inputs) {
  detail::Call call;
  call.variables = variables;
  return model(Scope(call), inputs...);
}
/// For models without state.
template <class M, class... X>
auto apply(const M& model, const Tree& parameters, const X&... inputs) {
  return apply(model, Variables{parameters, {}}, inputs...);
}

/// (result, new state) in training mode. `key` (i64[2]) is the random key for dropout; it may be
/// empty for models without dropout.
template <class M, class... X>
auto apply_training(const M& model, const Variables& variables, const Tensor& key,
                    const X&... inputs) {
  detail::Call call;
  call.training = true;
  call.key = key;
  call.variables = variables;
  call.new_state = variables.state;
  auto result = model(Scope(call), inputs...);
  return std::pair{std::move(result), std::move(call.new_state)};
}

}  // namespace tenon::nn
