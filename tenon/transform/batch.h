#pragma once

// Batching as a walk: a graph of one example is emitted for a batch. Private to transform/.

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tenon/graph/build.h"
#include "tenon/transform/reach.h"

namespace tenon::detail {

/// A value that carries the batch as axis 0, or one that is the same for all examples.
struct Batched {
  Value value;
  bool batched = false;
};

/// Data shared by all walks of one vmap.
struct BatchScope {
  Dim size;
  std::string axis_name;                // the batch's name for collectives; may be empty
  std::map<std::string, size_t> loops;  // ops that ran as loops, and how often

  /// Whether `node` is a collective over this batch, or has one in a region: then it depends on
  /// other examples, and may differ between examples even if its inputs do not.
  bool concerns(const Node& node) const;
  /// `type` with the batch as axis 0.
  Type batched(Type type) const;
  /// The value with the batch as axis 0, repeated if it is the same for all examples.
  Value spread(const Batched& value) const;
};

std::vector<Batched> vmap_inline(Build& build, BatchScope& scope, const Graph& f,
                                 std::span<const Batched> inputs);

/// The graph of a region whose flagged inputs and outputs carry the batch as axis 0.
std::unique_ptr<Graph> vmap_region_graph(const Graph& f, const OpRegistry& ops, BatchScope& scope,
                                         const Flags& inputs, const Flags& outputs);

/// One call as batching sees it.
struct BatchCall {
  Build& build;
  BatchScope& scope;
  const Graph& graph;  // the graph that holds the call
  const Node& node;
  std::span<const Batched> inputs;
};
std::vector<Batched> batch_region(const BatchCall& call);
/// A scan over the batch.
std::vector<Batched> batch_by_loop(const BatchCall& call);

}  // namespace tenon::detail
