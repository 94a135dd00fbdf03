// One file per kind of fusion: the conversion of its region to loops, according to a schedule.
#pragma once

#include <string>

#include "tenon/compile/lower/lower.h"

namespace tenon {

/// One nest of loops over the results; the last axis is vectorised, the first ones run in parallel.
Lowered lower_loop(const Graph& body, const std::string& name, const Schedule& schedule);
/// Parallel over rows. Each row computes its reductions one after the other, then the results,
/// vectorised along the row.
Lowered lower_row(const Graph& body, const std::string& name, const Dim& rows, const Dim& inner);
/// Few or very long rows, split into chunks that run in parallel; a second kernel combines them.
Lowered lower_long_row(const Graph& body, const std::string& name, const Dim& rows,
                       const Dim& inner, const Schedule& schedule);
/// Vectorised over columns; the rows are split into fixed chunks whose partial results are combined
/// in order.
Lowered lower_column(const Graph& body, const std::string& name, const Dim& rows, const Dim& inner,
                     const Schedule& schedule);

}  // namespace tenon
