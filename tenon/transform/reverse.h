#pragma once

// Reverse mode as a walk: emits the forward graph, then pulls cotangents back through it. Private
// to transform/.

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "tenon/graph/build.h"
#include "tenon/transform/reach.h"

namespace tenon::detail {

/// Cotangents of the outputs (invalid: zero) to cotangents of the inputs (invalid: zero or not
/// wanted).
using Pull = std::function<std::vector<Value>(std::span<const Value> cotangents)>;

/// A control-flow call emitted so that it can be pulled back.
struct RegionForward {
  std::vector<Value> outputs;
  Pull pull;
};

/// One call with regions as reverse mode sees it.
struct RegionCall {
  Build& build;
  const Graph& graph;  // the graph that holds the call
  const Node& node;
  std::span<const Value> inputs;  // in the graph under construction
  Flags wanted;                   // inputs whose cotangents are needed
  Flags seeded;                   // outputs whose cotangents are not zero
};

/// A graph with calls inlined, and with those composites decomposed that have no reverse rule. `f`
/// must outlive it.
class PreparedGraph {
 public:
  /// `wanted`: the inputs whose cotangents are needed; `seeded`: the outputs that will have one.
  PreparedGraph(const Graph& f, const OpRegistry& ops, const Flags& wanted, const Flags& seeded);

  const Graph& graph() const { return *current_; }
  /// Per value: whether it lies between a wanted input and a seeded output.
  const Flags& active() const { return active_; }

 private:
  const Graph* current_;
  std::unique_ptr<Graph> changed_;
  Flags active_;
};

class ReverseWalk {
 public:
  /// Emits the graph, which must outlive the walk.
  ReverseWalk(Build& build, const PreparedGraph& prepared, std::span<const Value> inputs);

  std::vector<Value> outputs() const;
  std::vector<Value> pull(std::span<const Value> cotangents);

 private:
  void emit(NodeId id);
  std::vector<Value> pull_node(const Node& node, std::span<const Value> cotangents);
  std::vector<Value> pull_elementwise(const Node& node, const Value& cotangent);
  std::vector<Value> pull_linear(const Node& node, const Value& cotangent);
  std::vector<Value> pull_by_rule(const Node& node, std::span<const Value> cotangents);
  std::vector<Value> values_of(const std::vector<ValueId>& ids) const;
  void check_cotangent(const Node& node, size_t input, const Value& cotangent) const;

  Build& build_;
  const Graph& f_;
  const Flags& active_;             // per value of f
  std::vector<ValueId> values_;     // per value of f: its copy
  std::vector<Pull> region_pulls_;  // per node of f; empty for plain ops
};

/// The cotangents that `f` pulls back, with `f` emitted into `build`: the recomputation of remat.
std::vector<Value> vjp_inline(Build& build, const Graph& f, std::span<const Value> inputs,
                              std::span<const Value> cotangents, const Flags& wanted);

/// How control-flow calls are emitted for reverse mode (reverse_*.cpp).
RegionForward forward_region(const RegionCall& call);
RegionForward forward_cond(const RegionCall& call);
RegionForward forward_scan(const RegionCall& call);

}  // namespace tenon::detail
