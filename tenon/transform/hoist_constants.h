#pragma once

// Turns loop-invariant values of a loop into its constants. Private to transform/.

#include <optional>
#include <span>
#include <vector>

#include "tenon/ops/control_flow.h"
#include "tenon/transform/reach.h"

namespace tenon::detail {

/// Reorders a loop's inputs and results: carries that the body passes on unchanged become
/// constants, so that no step copies them.
///
///   UnchangedCarries same(*scan.body, scan.constants, scan.carries);
///   if (same.any()) results = same.restore(emit(same.pick(inputs)), inputs);
class UnchangedCarries {
 public:
  UnchangedCarries(const Graph& body, size_t constants, size_t carries);

  size_t count() const { return unchanged_.size(); }
  GraphRef region(const Graph& graph, bool is_body) const;
  std::vector<Value> pick(std::span<const Value> inputs) const;
  /// All results of the loop, of which `results` lacks the unchanged carries.
  std::vector<Value> restore(std::span<const Value> results, std::span<const Value> inputs) const;

 private:
  std::vector<size_t> unchanged_;  // inputs
  std::vector<size_t> inputs_;     // the new order of the inputs
  std::vector<size_t> outputs_;    // of the body that stay
  size_t constants_;
};

/// The results of a `while` in which all loop-invariant values are constants: unchanged states, and
/// values that its body or condition computes from constants. None if nothing changed.
std::optional<std::vector<Value>> hoist_from_while(Build& build, const Node& node,
                                                   std::span<const Value> inputs);

}  // namespace tenon::detail
