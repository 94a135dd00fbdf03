// Indices that are out of range: gather reads zero there and scatter writes nothing, so that what
// programs ask for in error is found only where somebody looks.
//
//   set_index_checks(true);                     // or TENON_CHECK_INDICES=1 in the environment
//   auto plan = compile(graph, core_ops());     // checks what gathers and scatters are given
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
  std::string_view op;    // that the indices are given to
  std::string_view type;  // of what is indexed
  int64_t axis = 0;       // of it
  int64_t low = 0;        // the first index that is good
  int64_t size = 0;       // the first beyond them
};

/// Error out_of_range that names the first index outside of the range; `dtype` is an integer's.
void check_indices(const IndexRange& range, DType dtype, const std::byte* indices,
                   std::span<const int64_t> shape);

}  // namespace tenon
