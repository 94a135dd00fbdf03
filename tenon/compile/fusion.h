// Groups of nodes that become one kernel: a `fusion` node whose region is the computation.
//
//   fusion(%x, %scale) {kind="row", rows=[batch], inner=[64], body=graph row_softmax(…) {…}}
//
//   loop     every result has one element count; all are computed at the same position
//   row      a space rows x inner: results fill it or have one element per row; reductions are over
//            inner
//   long_row the same space with few or very long rows: results are reductions, one element per row
//   column   a space outer x inner: results are reductions over outer, one element per inner index
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

/// Reductions of at most this many elements are unrolled.
constexpr int64_t kFewElements = 16;

/// The cost of a node for the fuse pass.
enum class NodeCost : uint8_t {
  free,       // constants, iota, index maps
  cheap,      // arithmetic: recomputed rather than stored
  expensive,  // transcendental functions, random bits: computed once
  window,     // reads a few elements per result, like pooling
  reduction,  // reads many elements per result: always stored
  kernel,     // not fusable: runs as a library or native kernel
};

/// Classifies nodes by the expansion of their definitions, so that ops need not state a cost.
class CostModel {
 public:
  NodeCost cost(const Graph& graph, const Node& node);

 private:
  std::unordered_map<const OpDef*, NodeCost> elementwise_;
};

}  // namespace tenon
