// How the loops of a fused group are cut, as data: a heuristic gives one, a search may give
// another.
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
  /// loop: results are numbered through, without index maps. Only where can_be_flat.
  bool flat = false;
  /// loop: so many leading axes (of those longer than 1) together make the parallel loop; at least
  /// 1, at most all of them. The last loop is the one in vectors.
  int64_t joined_axes = 1;
  /// column: so many rows are taken as one row of that many times the columns, so that few columns
  /// fill vectors, too. Divides the rows; more than 1 only where can_fold.
  int64_t fold = 1;
  /// column: rows (folded ones) that one task reduces; 0: all of them, in one kernel.
  int64_t chunk_rows = 0;
  /// long_row: elements of a row that one task reduces.
  int64_t chunk_elements = 4096;

  friend bool operator==(const Schedule&, const Schedule&) = default;
};

/// Elements in f32 of the widest vectors that there are.
inline constexpr int64_t kWidestLanes = 16;

/// Whether all loads and stores of a `loop` go straight through memory when its results are
/// numbered row by row.
bool can_be_flat(const Graph& body);
/// Whether what a `column` or `long_row` reduces lies in memory as its elements are numbered, row
/// by row.
bool can_fold(const Graph& body);

/// What shapes alone suggest: good without any measurement.
Schedule default_schedule(const Node& fusion);
/// Error invalid_argument where a schedule is not one of this fusion.
void check_schedule(const Node& fusion, const Schedule& schedule);

/// Gives the schedule of a fusion node.
using ScheduleChooser = std::function<Schedule(const Node& fusion)>;

}  // namespace tenon
