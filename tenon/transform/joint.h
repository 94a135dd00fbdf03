#pragma once

// The vjp of a region as one graph that can be cut in two: what runs forwards, what runs backwards,
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
  std::vector<ValueId> cotangents;        // one an output of f; invalid where not seeded
  std::vector<ValueId> input_cotangents;  // one an input of f; invalid where not wanted or zero

  Joint(const Graph& f, const OpRegistry& ops, const Flags& wanted, const Flags& seeded);
};

/// Per value of `graph`: whether it depends on one of `sources`.
Flags depends_on(const Graph& graph, std::span<const ValueId> sources);

/// Bytes of a value; symbols count as if they were 64.
int64_t estimated_bytes(const Type& type);

/// The values of the forward part that the backward part reads, but for those that are cheap to
/// compute again from others that are saved, or from `free` values (per value: what the backward
/// part can read anyway).
std::vector<ValueId> choose_residuals(const Joint& joint, const Flags& free);

/// (saved…, cotangents of seeded outputs…) -> (cotangents of inputs…, where they are valid).
std::unique_ptr<Graph> backward_part(const Joint& joint, std::span<const ValueId> saved);
/// (inputs…) -> (outputs…, residuals…).
std::unique_ptr<Graph> forward_part(const Joint& joint, std::span<const ValueId> residuals);

}  // namespace tenon::detail
