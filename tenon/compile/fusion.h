// Groups of nodes that become one kernel: a `fusion` node whose region says what it computes.
//
//   fusion(%x, %scale) {kind="row", rows=[batch], inner=[64], body=graph row_softmax(…) {…}}
//
//   loop     every result has one element count; all are computed at the same position
//   row      a space rows x inner: results fill it or have one element a row; reductions run over
//            inner
//   long_row the same space with few or very long rows: results are reductions, one element a row
//   column   a space outer x inner: results are reductions over outer, one element an inner place
//   general  one result, of any definition
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/graph/op.h"

namespace tenon {

/// The op of fused groups. It exists only between the fuse pass and lowering, in no registry.
const OpDef& fusion_op();

enum class FusionKind : uint8_t { loop, row, long_row, column, general };
std::string_view name_of(FusionKind kind);
FusionKind fusion_kind(const Node& fusion);
const Graph& fusion_body(const Node& fusion);

/// Reductions of at most so many elements are written out rather than looped over.
constexpr int64_t kFewElements = 16;

/// What the fuse pass needs to know of a node.
enum class NodeCost : uint8_t {
  free,       // constants, iota, index maps
  cheap,      // arithmetic: computed again rather than stored
  expensive,  // transcendental functions, random bits: computed once
  window,     // reads a few elements for one, as pooling does
  reduction,  // reads many elements for one: always stored
  kernel,     // not fusable: runs as a library or native kernel
};

/// Classifies nodes by what their definitions expand to, so that no op needs to state it.
class CostModel {
 public:
  NodeCost cost(const Graph& graph, const Node& node);

 private:
  std::unordered_map<const OpDef*, NodeCost> elementwise_;
};

}  // namespace tenon
