#pragma once

// Batching: from a graph of one example, the graph of many at once.
//
//   #include "tenon/transform/vjp.h"
//   given: Graph f, loss; OpRegistry ops;
//   auto rows = vmap(f, ops, {.size = Dim::symbol("batch")});   // the batch first in all
//   auto shared = vmap(f, ops, {.in_axes = {0, std::nullopt}, .size = 8});
//   auto each = vmap(*gradient(loss, ops), ops, {.size = 8});   // per-example gradients
//   auto spread = vmap(f, ops, {.size = 8, .axis_name = "data"});   // all_reduce over "data" sums

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/graph/op.h"

namespace tenon {

struct BatchingOptions {
  using Axes = std::vector<std::optional<int64_t>>;
  /// Where each input carries the batch, counted in the batched shape, from the end when negative;
  /// nothing: the input is the same for all examples. Empty: 0 for all.
  Axes in_axes = {};
  /// Where each output shall carry the batch; an output without must not depend on it. 0 for all by
  /// default.
  Axes out_axes = {};
  /// The number of examples, which may be a symbol.
  Dim size = 1;
  /// Gives collectives that name this axis their meaning: the examples are the participants.
  std::string axis_name = {};
};

/// The graph that does for every example of a batch what `f` does for one. Ops without a batching
/// rule run in a loop over the batch, with a warning that names them. Random ops give every example
/// the same numbers unless their keys are batched. Throws Error(invalid_argument) where axes do not
/// fit.
std::unique_ptr<Graph> vmap(const Graph& f, const OpRegistry& ops, const BatchingOptions& options);

}  // namespace tenon
