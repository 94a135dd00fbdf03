// Iteration spaces of fused groups, and the positions at which readers read values.
//
//   Space s = space_of(graph, node, reduces);
//   std::optional<Space> both = common_space(s, other);
#pragma once

#include <functional>
#include <optional>

#include "tenon/compile/fusion.h"

namespace tenon {

/// rows x inner positions; a loop has inner = 1.
struct Space {
  FusionKind kind = FusionKind::loop;
  Dim rows;
  Dim inner = 1;
};

/// Whether the node reduces all of the first or all of the last axes of its operand.
bool is_prefix_or_suffix_reduction(const Graph& graph, const Node& node);

Space space_of(const Graph& graph, const Node& node, bool reduces);

/// The space in which groups of both spaces can be computed together, if there is one.
std::optional<Space> common_space(const Space& a, const Space& b);

/// Where a reader at position (row, i) reads a value: the same position of a value that fills the
/// space; the same row of a value with one element per row; or anywhere.
enum class Place : uint8_t { full, row, elsewhere };
enum class Visit : uint8_t { enter, stop, fail };

/// Walks from a stored node through the nodes from which it is computed.
class SpaceWalk {
 public:
  SpaceWalk(const Graph& graph, const Space& space) : graph_(graph), space_(space) {}
  /// Asks `decide` for every operand reached. False if it answered `fail`.
  bool visit(const Node& root, const std::function<Visit(ValueId, Place)>& decide);

 private:
  Place place_of_result(const Type& type) const;
  Place place_of_operand(const Node& node, size_t operand, Place result) const;
  bool fills(const Type& type) const {
    return type.shape.element_count() == space_.rows * space_.inner;
  }
  bool one_a_row(const Type& type) const { return type.shape.element_count() == space_.rows; }

  const Graph& graph_;
  Space space_;
};

}  // namespace tenon
