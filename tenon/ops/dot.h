// The axes of a dot, as kernels and derivative rules need them.
//
//   DotAxes axes = dot_axes(node.attributes, lhs.rank(), rhs.rank());
//   axes.lhs_free;                      // the axes of lhs that are neither batch nor contracted
#pragma once

#include "tenon/graph/attributes.h"

namespace tenon {

/// Result axes are batch, lhs_free, rhs_free, each in the order of these lists.
struct DotAxes {
  Integers lhs_batch, rhs_batch;
  Integers lhs_contract, rhs_contract;
  Integers lhs_free, rhs_free;
};

DotAxes dot_axes(const Attributes& attributes, size_t lhs_rank, size_t rhs_rank);

}  // namespace tenon
