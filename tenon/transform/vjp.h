#pragma once

// Reverse mode: from a graph, the graph that also pulls cotangents back to its inputs.
//
//   given: Graph f, loss; OpRegistry ops;
//   auto pulled = vjp(f, ops, {.wrt = {{0, 1}}});
//   // (inputs of f, cotangents of its outputs) -> (outputs, cotangents of inputs 0 and 1)
//   auto slope = gradient(loss, ops, {.wrt = {0, 1}});
//   // (inputs) -> (outputs, gradients of output 0 by inputs 0 and 1)

#include <memory>
#include <optional>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/graph/op.h"

namespace tenon {

struct VjpOptions {
  /// Inputs whose cotangents are wanted; all floating ones by default.
  std::optional<std::vector<size_t>> wrt;
  /// Outputs that have a cotangent, an input each of the new graph; all floating ones by default.
  /// The others count as having zero, which costs nothing.
  std::optional<std::vector<size_t>> outputs;
};

/// The graph (inputs of f…, cotangents of outputs…) -> (outputs of f…, cotangents of the inputs
/// `wrt`…). Values of the forward part that the way back needs are used again, not computed twice,
/// except inside calls with remat=true. Derivative nodes are labelled as the node whose
/// derivative they are, with a `'`. Throws Error(type_mismatch) where an input or output asked for
/// is not floating, Error(unsupported) for a `while` on the way.
std::unique_ptr<Graph> vjp(const Graph& f, const OpRegistry& ops, const VjpOptions& options = {});

struct GradientOptions {
  std::vector<size_t> wrt = {0};
  /// Which output is differentiated: a floating scalar.
  size_t output = 0;
};

/// The graph (inputs of f…) -> (outputs of f…, gradients of one scalar output by the inputs
/// `wrt`…).
std::unique_ptr<Graph> gradient(const Graph& f, const OpRegistry& ops,
                                const GradientOptions& options = {});

}  // namespace tenon
