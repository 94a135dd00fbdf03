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

/// A model of one tensor, as `train` and the zoo use it. Any function of a scope and tensors is a
/// model.
using ModelFunction = std::function<Tensor(Scope, Tensor)>;

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
void trace_model(FlatFunction f, std::span<const Type> inputs);

template <class M, class... X>
void initialise(Call& call, const M& model, std::span<const Type> inputs) {
  if (inputs.size() != sizeof...(X))
    fail(ErrorCode::invalid_argument, "init: {} types for a model of {} inputs", inputs.size(),
         sizeof...(X));
  auto f = [&](std::vector<Tensor> leaves) {
    call.depth = trace_depth();
    auto with = [&]<size_t... I>(std::index_sequence<I...>) {
      return model(Scope(call), leaves.at(I)...);
    };
    return leaves_of(with(std::make_index_sequence<sizeof...(X)>()));
  };
  trace_model(f, inputs);
}
}  // namespace detail

/// Makes the variables of a model from the types of its inputs; computes only initial values.
/// Dimensions on which parameters do not depend (the batch) may be symbols. For a model of several
/// tensors, give their types: `init<Tensor, Tensor>(model, {first, second}, seed)`.
template <class... X, class M>
Variables init(const M& model, std::vector<Type> inputs, uint64_t seed) {
  detail::Call call;
  call.initialising = true;
  call.training = true;
  call.seed = RandomKey(seed);
  call.key = Tensor::of<int64_t>({static_cast<int64_t>(seed), 0}, {2});
  if constexpr (sizeof...(X) > 0) {
    detail::initialise<M, X...>(call, model, inputs);
  } else {
    detail::initialise<M, Tensor>(call, model, inputs);
  }
  call.initialising = false;
  return std::move(call.variables);
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
