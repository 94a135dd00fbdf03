#pragma once

// Reverse mode: from a graph, the graph that also pulls cotangents back to its inputs.
//
//   given: Graph f, loss; OpRegistry ops;
//   auto pulled = vjp(f, ops, {.wrt = {{0, 1}}});
//   // (inputs of f, cotangents of its outputs) -> (outputs, cotangents of inputs 0 and 1)
//   auto slope = gradient(loss, ops, {.wrt = {0, 1}});
//   // (inputs) -> (outputs, gradients of output 0 with respect to inputs 0 and 1)

#include <memory>
#include <optional>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/graph/op.h"

namespace tenon {

struct VjpOptions {
  /// Inputs whose cotangents are wanted; default: all floating-point ones.
  std::optional<std::vector<size_t>> wrt;
  /// Outputs with a cotangent, which is an input of the new graph; default: all floating-point
  /// ones. The cotangents of the others are zero, at no cost.
  std::optional<std::vector<size_t>> outputs;
};

/// The graph (inputs of f…, cotangents of outputs…) -> (outputs of f…, cotangents of the inputs
/// `wrt`…). Values of the forward pass that the backward pass needs are reused, not computed twice,
/// except inside calls with remat=true. Derivative nodes have the label of the original node
/// with a `'`. Throws Error(type_mismatch) if a requested input or output is not
/// floating-point, Error(unsupported) if the derivative passes through a `while`.
std::unique_ptr<Graph> vjp(const Graph& f, const OpRegistry& ops, const VjpOptions& options = {});

struct GradientOptions {
  std::vector<size_t> wrt = {0};
  /// The output to differentiate: a floating-point scalar.
  size_t output = 0;
};

/// The graph (inputs of f…) -> (outputs of f…, gradients of one scalar output with respect to the
/// inputs `wrt`…).
std::unique_ptr<Graph> gradient(const Graph& f, const OpRegistry& ops,
                                const GradientOptions& options = {});

}  // namespace tenon
