// Defines one element of an op's result in terms of elements of its inputs: the single definition
// from which the compiler makes loops, fuses neighbours and vectorises.
//
//   Expr element_of_transpose(ElementContext& c) {         // .element(element_of_transpose)
//     std::vector<Expr> at(c.index().size());
//     const Integers& order = c.attributes().integers("order");
//     for (size_t i = 0; i < at.size(); ++i) at[size_t(order[i])] = c.index()[i];
//     return c.input(0, at);
//   }
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "tenon/graph/op.h"
#include "tenon/ops/expr.h"

namespace tenon {

/// Provided by the compiler, which may answer `input` by inlining the producer.
class ElementContext {
 public:
  virtual ~ElementContext() = default;

  virtual ExprPool& pool() = 0;
  virtual const Attributes& attributes() const = 0;
  /// The position in the output: one i64 expression per axis.
  virtual std::span<const Expr> index() const = 0;
  virtual size_t input_count() const = 0;
  virtual const Type& input_type(size_t operand) const = 0;
  virtual const Type& output_type() const = 0;

  /// An element of an input; the indices must be in range wherever the value is used (guard with
  /// select).
  virtual Expr input(size_t operand, std::span<const Expr> indices) = 0;
  /// The value of a dimension, which may be symbolic.
  virtual Expr dim(const Dim& dim) = 0;
  /// Combines `body` over all positions of the box `extents`, in the dtype of the body.
  virtual Expr reduce(ReduceKind kind, std::span<const Dim> extents,
                      const std::function<Expr(std::span<const Expr>)>& body) = 0;
};

}  // namespace tenon
