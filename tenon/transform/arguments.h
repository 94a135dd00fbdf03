#pragma once

// Checks which derivatives were requested; shared by vjp and jvp. Private to transform/.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/transform/reach.h"

namespace tenon::detail {

/// The requested inputs, or all floating-point ones. Errors begin with `transform`.
std::vector<size_t> differentiated_inputs(const Graph& f,
                                          const std::optional<std::vector<size_t>>& asked,
                                          std::string_view transform);
std::vector<size_t> differentiated_outputs(const Graph& f,
                                           const std::optional<std::vector<size_t>>& asked,
                                           std::string_view transform);

Flags flags_of(const std::vector<size_t>& indices, size_t count);

/// The name of an output, or `out1` if it has none.
std::string output_name(const Graph& f, size_t output);

}  // namespace tenon::detail
