#pragma once

// Forward mode: from a graph, the graph that also pushes tangents from its inputs to its outputs.
//
//   #include "tenon/transform/vjp.h"
//   given: Graph f, loss; OpRegistry ops;
//   auto pushed = jvp(f, ops, {.wrt = {{0}}});
//   // (inputs of f, tangent of input 0) -> (outputs, tangents of outputs)
//   auto curvature = jvp(*gradient(loss, ops), ops, {.wrt = {{0}}});   // Hessian times vector

#include <memory>
#include <optional>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/graph/op.h"

namespace tenon {

struct JvpOptions {
  /// Inputs that have a tangent; default: all floating-point ones. Tangents of the others are zero.
  std::optional<std::vector<size_t>> wrt;
  /// Outputs whose tangents are wanted; default: all floating-point ones.
  std::optional<std::vector<size_t>> outputs;
};

/// The graph (inputs of f…, tangents of the inputs `wrt`…) -> (outputs of f…, tangents of
/// outputs…). Supports all control flow. Throws Error(type_mismatch) if a requested input or output
/// is not floating-point.
std::unique_ptr<Graph> jvp(const Graph& f, const OpRegistry& ops, const JvpOptions& options = {});

}  // namespace tenon
