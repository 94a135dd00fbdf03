#pragma once

// How values depend on one another through control flow. Private to transform/.

#include <functional>
#include <span>
#include <vector>

#include "tenon/ops/control_flow.h"
#include "tenon/transform/reach.h"

namespace tenon::detail {

/// Flags of a call's outputs that depend differentiably on flagged inputs, and the reverse.
Flags region_reached_from(const Node& node, const Flags& inputs);
Flags region_reaching(const Node& node, const Flags& outputs);

/// Flags of a loop body's inputs, propagated through the carries to a fixed point; carries are the
/// body's first outputs, and its inputs from `first` on.
Flags settle_forwards(const Graph& body, size_t first, size_t carries, Flags inputs);
/// The same where `outputs_of` the body's flagged inputs says which outputs are.
Flags settle_forwards(size_t first, size_t carries, Flags inputs,
                      const std::function<Flags(const Flags&)>& outputs_of);
/// And backwards: flags of the body's outputs.
Flags settle_backwards(const Graph& body, size_t first, size_t carries, Flags outputs);

/// `f` with its inputs and outputs in another order: input i of the result is input `inputs[i]` of
/// f.
std::unique_ptr<Graph> permuted(const Graph& f, std::span<const size_t> inputs,
                                std::span<const size_t> outputs);

}  // namespace tenon::detail
