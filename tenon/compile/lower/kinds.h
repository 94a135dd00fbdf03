// One file a kind of fusion: how its region becomes loops, with what a schedule leaves open.
#pragma once

#include <string>

#include "tenon/compile/lower/lower.h"

namespace tenon {

/// One nest of loops over the results; the last axis is vectorised, the first ones run in parallel.
Lowered lower_loop(const Graph& body, const std::string& name, const Schedule& schedule);
/// Parallel over rows; in each, the reductions one after the other, then the results, vectorised
/// along the row.
Lowered lower_row(const Graph& body, const std::string& name, const Dim& rows, const Dim& inner);
/// Few or very long rows, cut into chunks that run in parallel and are joined by a second kernel.
Lowered lower_long_row(const Graph& body, const std::string& name, const Dim& rows,
                       const Dim& inner, const Schedule& schedule);
/// Vectorised over columns; the rows are cut into fixed chunks whose partial results are combined
/// in order.
Lowered lower_column(const Graph& body, const std::string& name, const Dim& rows, const Dim& inner,
                     const Schedule& schedule);

}  // namespace tenon
