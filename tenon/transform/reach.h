#pragma once

// Which values of a graph take part in a derivative. Private to transform/.

#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/graph/op.h"

namespace tenon::detail {

using Flags = std::vector<bool>;

/// Whether derivatives pass through `input` of `op` at all.
bool passes_derivative(const OpDef& op, size_t input);

/// Per value: whether it depends differentiably on a flagged input.
Flags reached_from(const Graph& graph, const Flags& inputs);
/// Per value: whether a flagged output depends differentiably on it.
Flags reaching(const Graph& graph, const Flags& outputs);

/// The flags of some values of a graph.
Flags pick(const Flags& flags, const std::vector<ValueId>& values);

}  // namespace tenon::detail
