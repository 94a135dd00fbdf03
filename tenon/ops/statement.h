// The language in which ops are defined: one chained statement per op, in the file of its family.
//
//   #include <cmath>
//   given: extern OpFamily& ops; Expr expand_tanh(ExprPool& pool, Expr x);
//   ops.add(elementwise("tanh", 1)
//               .doc("Hyperbolic tangent.")
//               .dtypes(kFloating)
//               .scalar([](double x) { return std::tanh(x); })
//               .derivative([](Build&, Value x, Value y) { return 1.0 - y * y; })
//               .expand(expand_tanh)
//               .onnx("Tanh")
//               .samples({"f32[3,5]", "f32[n]", "bf16[7]", "f32[0]"}));
#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tenon/graph/build.h"
#include "tenon/graph/op.h"
#include "tenon/ops/expr.h"

namespace tenon {

/// One element of an elementwise op from those of its inputs.
using ScalarRule = std::function<double(std::span<const double>, const Attributes&)>;

class OpStatement {
 public:
  explicit OpStatement(std::string name) { op_.name = std::move(name); }
  OpDef& definition() { return op_; }

  OpStatement& doc(std::string text);
  OpStatement& input(std::string name, DTypeSet dtypes = kAnyDType);
  OpStatement& optional_input(std::string name, DTypeSet dtypes = kAnyDType);
  OpStatement& variadic_input(std::string name, DTypeSet dtypes = kAnyDType);
  /// Dtypes of all inputs declared so far.
  OpStatement& dtypes(DTypeSet set);
  OpStatement& attribute(std::string name, AttributeKind kind, std::string doc);  // required
  OpStatement& attribute(std::string name, AttributeKind kind, Attribute fallback,
                         std::string doc);  // optional
  OpStatement& infer(InferRule rule);
  /// For elementwise ops whose result has a different dtype from their last input (comparisons).
  OpStatement& returns(DType dtype);

  /// Reference of an elementwise op on floating point, and on integers without `integer_scalar`.
  OpStatement& scalar(double (*f)(double));
  OpStatement& scalar(double (*f)(double, double));
  OpStatement& scalar(double (*f)(double, double, double));
  OpStatement& integer_scalar(int64_t (*f)(int64_t));
  OpStatement& integer_scalar(int64_t (*f)(int64_t, int64_t));
  OpStatement& integer_scalar(int64_t (*f)(int64_t, int64_t, int64_t));
  /// For any number of inputs, with the call's attributes.
  OpStatement& scalar(ScalarRule f);
  OpStatement& reference(ReferenceRule rule);

  /// Elementwise: the partial derivative with respect to each input, given inputs and output. An
  /// invalid Value means zero.
  OpStatement& derivative(std::function<Value(Build&, Value x, Value y)> partial);
  OpStatement& derivative(
      std::function<std::pair<Value, Value>(Build&, Value a, Value b, Value y)> partials);
  OpStatement& derivative(PartialsRule partials);
  /// Linear in each of `operands` with the others fixed: the transpose for each operand.
  OpStatement& linear(std::vector<size_t> operands, TransposeRule transpose);
  OpStatement& jvp(JvpRule rule);
  OpStatement& vjp(VjpRule rule);
  OpStatement& non_differentiable(std::string why);
  /// Differentiating it is an error with this hint.
  OpStatement& refuses_derivative(std::string hint);

  OpStatement& batch(BatchRule rule);
  /// vmap by a loop over the batch, with a warning.
  OpStatement& batch_by_loop();
  /// Control flow: transform/ knows how to differentiate and batch it.
  OpStatement& region();

  OpStatement& decompose(Decomposition rule);
  OpStatement& expand(std::function<Expr(ExprPool&, Expr)> f);
  OpStatement& expand(std::function<Expr(ExprPool&, Expr, Expr)> f);
  OpStatement& expand(std::function<Expr(ExprPool&, Expr, Expr, Expr)> f);
  OpStatement& expand(ExpandRule f);
  OpStatement& element(ElementRule rule);

  /// The result is just the reduction of the only input along the attribute `axes`.
  OpStatement& reduces(ReduceKind kind);

  // What an op is to the compiler and to transforms, which ask for this and never for its name.
  /// Each result is the elements of the input at its place, in their order and dtype: no kernel
  /// runs. States the reference and one element too, where there is one input.
  OpStatement& view();
  /// Its only input, repeated along new axes: input axis i is axis dims[i] of the result, where
  /// `dims` is an attribute.
  OpStatement& broadcasts();
  /// The input itself; what else it says is for derivatives, and compilation drops it.
  OpStatement& transparent();
  OpStatement& compares(Comparison comparison);
  /// Moves bits of input 0 by input 1, where a negative count leaves nothing.
  OpStatement& shifts();
  /// One input holds positions along an axis of input 0, which is read or written there: they are
  /// checked where they are known, or TENON_CHECK_INDICES asks for it.
  OpStatement& indexes(IndexInput indices);

  OpStatement& onnx(std::string name);
  OpStatement& domain(double low, double high);
  OpStatement& tolerance(double scale);
  OpStatement& random();
  OpStatement& opaque();
  OpStatement& collective();
  OpStatement& samples(std::initializer_list<Sample> samples);
  OpStatement& samples(std::initializer_list<const char*> inputs);

 private:
  OpDef op_;
};

/// An op on `arity` inputs of the same shape, named x or a, b, c.
OpStatement elementwise(std::string name, size_t arity);
OpStatement primitive(std::string name);
OpStatement composite(std::string name);

/// Collects the statements of one family and adds them to the registry.
class OpFamily {
 public:
  OpFamily(OpRegistry& registry, std::string name) : registry_(registry), name_(std::move(name)) {}
  void add(OpStatement& statement);
  void add(OpStatement&& statement) { add(statement); }

 private:
  OpRegistry& registry_;
  std::string name_;
};

}  // namespace tenon
