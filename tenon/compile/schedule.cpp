#include "tenon/compile/schedule.h"

#include <algorithm>

#include "tenon/base/error.h"

namespace tenon {

namespace {

/// Enough iterations of a parallel loop to share out evenly.
constexpr int64_t kParallelIterations = 32;
/// Elements of a chunk of rows: large enough to be worth a thread's while, small enough for the
/// second-level cache.
constexpr int64_t kChunkElements = 32768;

/// The results of a `loop` are computed at the positions of the first of them.
const Shape& loop_shape(const Graph& body) { return body.type(body.outputs()[0]).shape; }

int64_t long_axes(const Shape& shape) {
  return std::ranges::count_if(shape, [](const Dim& dim) { return !dim.is(1); });
}

/// Whether the node only repeats one element.
bool repeats_one(const Graph& graph, const Node& node) {
  return node.op->is_broadcast && graph.type(node.inputs[0]).shape.element_count().is(1);
}

Schedule loop_schedule(const Graph& body) {
  Schedule schedule{.flat = can_be_flat(body)};
  Dim extent = 1;
  int64_t joined = 0;
  for (const Dim& dim : loop_shape(body)) {
    if (dim.is(1)) continue;
    bool enough = !extent.is_constant() || extent.constant() >= kParallelIterations;
    if (joined > 0 && enough) break;
    extent = extent * dim;
    ++joined;
  }
  schedule.joined_axes = std::max<int64_t>(1, joined);
  return schedule;
}

Schedule column_schedule(const Graph& body, const Dim& rows, const Dim& inner) {
  Schedule schedule;
  Dim count = rows * inner;
  if (count.is_constant() && count.constant() <= 2 * kChunkElements) return schedule;
  bool few = rows.is_constant() && inner.is_constant() && inner.constant() < kWidestLanes;
  if (few && can_fold(body)) {
    schedule.fold = kWidestLanes;
    while (rows.constant() % schedule.fold != 0) schedule.fold /= 2;
  }
  Dim wide = inner * schedule.fold;
  int64_t columns = wide.is_constant() ? std::max<int64_t>(1, wide.constant()) : 256;
  schedule.chunk_rows = std::max<int64_t>(1, kChunkElements / columns);
  return schedule;
}

}  // namespace

bool can_be_flat(const Graph& body) {
  Dim count = loop_shape(body).element_count();
  return std::ranges::all_of(body.nodes(), [&](const Node& node) {
    const Type& type = body.type(node.outputs[0]);
    bool same =
        node.op->is_elementwise || is_reshape(node) || is_constant(node) || repeats_one(body, node);
    Dim elements = type.shape.element_count();
    return same && (type.rank() == 0 || elements == count || elements.is(1));
  });
}

bool can_fold(const Graph& body) {
  Dim count = body.type(body.producer(body.outputs()[0])->inputs[0]).shape.element_count();
  return std::ranges::all_of(body.nodes(), [&](const Node& node) {
    const Type& type = body.type(node.outputs[0]);
    bool is_result = std::ranges::find(body.outputs(), node.outputs[0]) != body.outputs().end();
    if (is_result || type.rank() == 0) return true;
    bool same = node.op->is_elementwise || is_reshape(node) || repeats_one(body, node);
    return same && type.shape.element_count() == count;
  });
}

Schedule default_schedule(const Node& fusion) {
  const Graph& body = fusion_body(fusion);
  switch (fusion_kind(fusion)) {
    case FusionKind::column:
      return column_schedule(body, fusion.attributes.shape("rows")[0],
                             fusion.attributes.shape("inner")[0]);
    case FusionKind::loop:
    case FusionKind::general:
      return loop_schedule(body);
    case FusionKind::row:
    case FusionKind::long_row:
      break;
  }
  return {};
}

void check_schedule(const Node& fusion, const Schedule& schedule) {
  const Graph& body = fusion_body(fusion);
  auto require = [](bool holds, std::string_view what) {
    if (!holds) fail(ErrorCode::invalid_argument, "schedule: {}", what);
  };
  FusionKind kind = fusion_kind(fusion);
  if (kind == FusionKind::loop || kind == FusionKind::general) {
    require(!schedule.flat || can_be_flat(body), "this group cannot be flat");
    int64_t most = std::max<int64_t>(1, long_axes(loop_shape(body)));
    require(schedule.joined_axes >= 1 && schedule.joined_axes <= most,
            "joined_axes exceeds the axes");
  }
  if (kind == FusionKind::long_row)
    require(schedule.chunk_elements >= 1, "chunk_elements is not positive");
  if (kind == FusionKind::column) {
    const Dim& rows = fusion.attributes.shape("rows")[0];
    require(schedule.chunk_rows >= 0 && schedule.fold >= 1, "sizes are negative");
    require(schedule.fold == 1 || schedule.chunk_rows > 0, "only chunks are folded");
    require(schedule.fold == 1 || can_fold(body), "this group cannot be folded");
    require(rows.divided_by(schedule.fold).has_value(), "fold does not divide the rows");
  }
}

}  // namespace tenon
