#pragma once

// Batching: from a graph of one example, the graph of many at once.
//
//   #include "tenon/transform/vjp.h"
//   given: Graph f, loss; OpRegistry ops;
//   auto rows = vmap(f, ops, {.size = Dim::symbol("batch")});   // batch is axis 0 everywhere
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
  /// The batch axis of each input, counted in the batched shape, from the end if negative; none:
  /// the input is the same for all examples. Empty: 0 for all.
  Axes in_axes = {};
  /// The batch axis of each output; none: the output must not depend on the batch. Default: 0 for
  /// all.
  Axes out_axes = {};
  /// The number of examples, which may be a symbol.
  Dim size = 1;
  /// The axis name for collectives, whose participants are the examples.
  std::string axis_name = {};
};

/// The graph that applies `f` to every example of a batch. Ops without a batching rule run in a
/// loop over the batch, with a warning that names them. Random ops give every example the same
/// numbers unless their keys are batched. Throws Error(invalid_argument) if axes do not fit.
std::unique_ptr<Graph> vmap(const Graph& f, const OpRegistry& ops, const BatchingOptions& options);

}  // namespace tenon
