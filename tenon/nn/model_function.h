// A model of any signature: a function of a scope and inputs to outputs, both of them trees.
//
//   struct Pair { Tensor left, right; };
//   nn::ModelFunction one = [](nn::Scope s, Tensor x) { return nn::dense(s / "out", x, 10); };
//   nn::ModelFunction two = [](nn::Scope s, const Pair& x) { return nn::dense(s / "out", x.left * x.right, 1); };
//   nn::Variables v = nn::init(two, {{"left", Type::parse("f32[batch,4]")}, {"right", Type::parse("f32[batch,4]")}}, 0);
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tenon/nn/scope.h"

namespace tenon::nn {

/// An input or output of a model. A model of one tensor has one of them, without a name.
struct NamedType {
  std::string name;
  Type type;
  friend bool operator==(const NamedType&, const NamedType&) = default;
};
/// What a model takes, in order. Names are paths: "source.ids" is `ids` of the input `source`.
using Signature = std::vector<NamedType>;

namespace detail {

template <class R, class C, class S, class X>
std::type_identity<std::remove_cvref_t<X>> input_of(R (C::*)(S, X) const);
template <class R, class S, class X>
std::type_identity<std::remove_cvref_t<X>> input_of(R (*)(S, X));

/// What a model takes besides its scope: a Tensor where its parameter is `auto`.
template <class F>
struct InputOf {
  using type = Tensor;
};
template <class F>
  requires requires { &F::operator(); }
struct InputOf<F> {
  using type = typename decltype(input_of(&F::operator()))::type;
};
template <class R, class S, class X>
struct InputOf<R (*)(S, X)> {
  using type = std::remove_cvref_t<X>;
};

/// The one tensor of a tree; error shape_mismatch with the names where there are several.
const Tensor& only_tensor(const Tree& tree, const char* what);

template <class T>
Tree as_named_tree(T&& value) {
  if constexpr (std::is_same_v<std::remove_cvref_t<T>, Tensor>) {
    return Tree(std::forward<T>(value));
  } else {
    return to_tree(value);
  }
}

}  // namespace detail

/// Any function of a scope and a tensor, a Tree or another tree of tensors (such as an aggregate,
/// whose members are then the names), to a tree of any kind. What `train` and the zoo work with.
class ModelFunction {
 public:
  ModelFunction() = default;
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, ModelFunction>)
  ModelFunction(F f) {
    using Input = typename detail::InputOf<F>::type;
    f_ = [f = std::move(f)](const Scope& s, const Tree& inputs) {
      if constexpr (std::is_same_v<Input, Tensor>) {
        return detail::as_named_tree(f(s, detail::only_tensor(inputs, "takes")));
      } else if constexpr (std::is_same_v<Input, Tree>) {
        return detail::as_named_tree(f(s, inputs));
      } else {
        return detail::as_named_tree(f(s, from_tree(inputs, Input{})));
      }
    };
  }

  explicit operator bool() const { return static_cast<bool>(f_); }
  /// Error not_found for an input that the model takes and `inputs` lacks; others are left alone.
  Tree operator()(const Scope& s, const Tree& inputs) const { return f_(s, inputs); }
  /// Of a model of one input and one output.
  Tensor operator()(const Scope& s, const Tensor& input) const {
    return detail::only_tensor(f_(s, Tree(input)), "gives");
  }

 private:
  std::function<Tree(const Scope&, const Tree&)> f_;
};

/// Makes the variables of a model from the names and types of its inputs; dimensions on which no
/// parameter depends may be symbols.
Variables init(const ModelFunction& model, const Signature& inputs, uint64_t seed);

/// The types of a model's variables as zeros, which take no memory until they are looked at.
Variables declare(const ModelFunction& model, const Signature& inputs);

/// Tensors under the names of a signature: a single tensor where there is one input without a name.
Tree tree_of(const Signature& signature, std::vector<Tensor> tensors);

}  // namespace tenon::nn
