// Which values are stored, and which of them are computed together: the decisions of the fuse pass.
//
//   FusePlan plan = plan_fusion(graph, context);
//   plan.inlined[node];                      // not stored: computed by its readers
//   plan.groups[plan.group_of[node]].kind;
#pragma once

#include <cstdint>
#include <vector>

#include "tenon/compile/fusion.h"
#include "tenon/compile/pass.h"

namespace tenon {

inline constexpr uint32_t kNoGroup = UINT32_MAX;

struct FuseGroup {
  FusionKind kind = FusionKind::loop;
  Dim rows;                     // loop: all elements; row: rows; column: reduced positions
  Dim inner = 1;                // elements per row, or columns
  std::vector<NodeId> members;  // stored nodes, ascending
  std::vector<ValueId> reads;   // stored values and graph inputs from outside of the group
};

struct FusePlan {
  std::vector<bool> inlined;  // per node
  std::vector<bool>
      used_outside;  // per stored node: read by another group, a kernel or as an output
  std::vector<uint32_t> group_of;  // per node; kNoGroup for kernels, views and inlined nodes
  std::vector<FuseGroup> groups;
};

/// Scalar constants are copied into every body that reads them, stored or not.
bool is_scalar_constant(const Node& node);

/// The first half of a plan: the cost of each node, and whether its readers recompute it.
struct StoragePlan {
  std::vector<NodeCost> costs;  // per node
  std::vector<bool> inlined;    // as in a FusePlan
};
StoragePlan plan_storage(const Graph& graph, const PassContext& context);

FusePlan plan_fusion(const Graph& graph, const PassContext& context);

}  // namespace tenon
