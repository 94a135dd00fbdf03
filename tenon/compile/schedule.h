// How the loops of a fused group are split, as data: from a heuristic, or from a search
// (autotuning).
//
//   Schedule schedule = default_schedule(fusion);
//   schedule.chunk_rows = 64;                              // smaller tasks
//   Lowered lowered = lower_fusion(fusion, schedule);      // the same values, other loops
#pragma once

#include <functional>

#include "tenon/compile/fusion.h"

namespace tenon {

/// Each kind of fusion reads its own part.
struct Schedule {
  /// loop: the results' axes are flattened, without index maps. Only if can_be_flat.
  bool flat = false;
  /// loop: how many leading axes (of those longer than 1) are merged into the parallel loop; from 1
  /// to all of them. The last loop is vectorised.
  int64_t joined_axes = 1;
  /// column: this many rows are treated as one longer row, so that few columns still fill vectors.
  /// Must divide the rows; more than 1 only if can_fold.
  int64_t fold = 1;
  /// column: rows (folded ones) that one task reduces; 0: all of them, in one kernel.
  int64_t chunk_rows = 0;
  /// long_row: elements of a row that one task reduces.
  int64_t chunk_elements = 4096;

  friend bool operator==(const Schedule&, const Schedule&) = default;
};

/// The number of f32 elements in the widest vector.
inline constexpr int64_t kWidestLanes = 16;

/// Whether all loads and stores of a `loop` are sequential when its results are traversed row by
/// row.
bool can_be_flat(const Graph& body);
/// Whether the operands of a `column` or `long_row` are contiguous in memory, in row-major
/// order.
bool can_fold(const Graph& body);

/// A heuristic from shapes alone, without measurement.
Schedule default_schedule(const Node& fusion);
/// Error invalid_argument if a schedule is not valid for this fusion.
void check_schedule(const Node& fusion, const Schedule& schedule);

/// Gives the schedule of a fusion node.
using ScheduleChooser = std::function<Schedule(const Node& fusion)>;

}  // namespace tenon
