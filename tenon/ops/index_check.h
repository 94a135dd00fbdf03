// Checks for out-of-range indices: gather reads zero for them and scatter skips them, so mistakes
// in programs are found only by an explicit check.
//
//   set_index_checks(true);                     // or TENON_CHECK_INDICES=1 in the environment
//   auto plan = compile(graph, core_ops());     // checks the indices of gathers and scatters
//   plan->run(inputs);                          // error: gather: index 7 at [2] is out of range …
#pragma once

#include <span>
#include <string_view>

#include "tenon/graph/type.h"

namespace tenon {

/// Whether plans compiled from now on check indices while they run; from TENON_CHECK_INDICES, which
/// is read once.
bool index_checks();
void set_index_checks(bool on);

struct IndexRange {
  std::string_view op;    // the op that takes the indices
  std::string_view type;  // of the indexed array
  int64_t axis = 0;       // of that array
  int64_t low = 0;        // the first valid index
  int64_t size = 0;       // past the last valid index
};

/// Error out_of_range that names the first index outside the range; `dtype` is an integer dtype.
void check_indices(const IndexRange& range, DType dtype, const std::byte* indices,
                   std::span<const int64_t> shape);

}  // namespace tenon
