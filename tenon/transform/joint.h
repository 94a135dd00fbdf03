#pragma once

// The vjp of a region as one graph that can be split in two: the forward part, the backward part,
// and the values that are saved between them. Private to transform/.

#include <memory>
#include <span>
#include <vector>

#include "tenon/graph/build.h"
#include "tenon/transform/reach.h"

namespace tenon::detail {

/// (inputs of f…, cotangents of seeded outputs…) -> (outputs of f…, cotangents of wanted inputs…).
struct Joint {
  std::unique_ptr<Graph> graph;
  std::vector<ValueId> inputs;            // of f
  std::vector<ValueId> outputs;           // of f
  std::vector<ValueId> cotangents;        // one per output of f; invalid if not seeded
  std::vector<ValueId> input_cotangents;  // one per input of f; invalid if not wanted or zero

  Joint(const Graph& f, const OpRegistry& ops, const Flags& wanted, const Flags& seeded);
};

/// Per value of `graph`: whether it depends on one of `sources`.
Flags depends_on(const Graph& graph, std::span<const ValueId> sources);

/// Bytes of a value, with every symbol taken as 64.
int64_t estimated_bytes(const Type& type);

/// The values of the forward part that the backward part reads, except those that are cheap to
/// recompute from other saved values, or from `free` values (per value: whether the backward part
/// can read it anyway).
std::vector<ValueId> choose_residuals(const Joint& joint, const Flags& free);

/// (saved…, cotangents of seeded outputs…) -> (valid cotangents of inputs…).
std::unique_ptr<Graph> backward_part(const Joint& joint, std::span<const ValueId> saved);
/// (inputs…) -> (outputs…, residuals…).
std::unique_ptr<Graph> forward_part(const Joint& joint, std::span<const ValueId> residuals);

}  // namespace tenon::detail
