#include "tenon/compile/fuse_space.h"

#include <algorithm>
#include <set>

namespace tenon {

namespace {

/// Below this many rows a row kernel leaves threads idle: the rows themselves are cut.
constexpr int64_t kFewRows = 4;
/// Rows longer than this do not stay in the first-level cache between the stages of a row kernel.
constexpr int64_t kLongRow = 1 << 16;

Dim product(const Shape& shape, size_t begin, size_t end) {
  Dim count(1);
  for (size_t i = begin; i < end; ++i) count = count * shape[i];
  return count;
}

bool covers(const Integers& axes, size_t begin, size_t end) {
  if (axes.size() != end - begin) return false;
  return std::all_of(axes.begin(), axes.end(), [&](int64_t axis) {
    return axis >= static_cast<int64_t>(begin) && axis < static_cast<int64_t>(end);
  });
}

/// The axes of a plain reduction, or null.
const Integers* reduced_axes(const Node& node) {
  return node.op->reduction ? &node.attributes.integers("axes") : nullptr;
}

}  // namespace

bool is_prefix_or_suffix_reduction(const Graph& graph, const Node& node) {
  const Integers* axes = reduced_axes(node);
  if (!axes) return false;
  size_t rank = graph.type(node.inputs[0]).rank();
  return covers(*axes, 0, axes->size()) || covers(*axes, rank - axes->size(), rank);
}

Space space_of(const Graph& graph, const Node& node, bool reduces) {
  const Type& result = graph.type(node.outputs[0]);
  if (!reduces) return {FusionKind::loop, result.shape.element_count(), 1};
  const Integers* axes = reduced_axes(node);
  if (!axes) return {FusionKind::general, result.shape.element_count(), 1};
  const Shape& shape = graph.type(node.inputs[0]).shape;
  size_t rank = shape.rank();
  size_t count = axes->size();
  if (covers(*axes, rank - count, rank)) {
    Space space{FusionKind::row, product(shape, 0, rank - count),
                product(shape, rank - count, rank)};
    bool few = space.rows.is_constant() && space.rows.constant() < kFewRows;
    bool is_long = space.inner.is_constant() && space.inner.constant() > kLongRow;
    bool tiny = space.inner.is_constant() && space.inner.constant() <= kLongRow / 16;
    if ((few && !tiny) || is_long) space.kind = FusionKind::long_row;
    return space;
  }
  if (covers(*axes, 0, count))
    return {FusionKind::column, product(shape, 0, count), product(shape, count, rank)};
  return {FusionKind::general, result.shape.element_count(), 1};
}

namespace {

/// Whether the results of the space are read by nobody in the group.
bool only_reduces(const Space& space) {
  return space.kind == FusionKind::column || space.kind == FusionKind::long_row;
}

}  // namespace

std::optional<Space> common_space(const Space& a, const Space& b) {
  if (a.kind == FusionKind::general || b.kind == FusionKind::general) return std::nullopt;
  if (only_reduces(a) || only_reduces(b)) {
    bool same = a.kind == b.kind && a.rows == b.rows && a.inner == b.inner;
    return same ? std::optional(a) : std::nullopt;
  }
  if (a.kind == FusionKind::row && b.kind == FusionKind::row) {
    return a.rows == b.rows && a.inner == b.inner ? std::optional(a) : std::nullopt;
  }
  if (a.kind == FusionKind::loop && b.kind == FusionKind::loop) {
    return a.rows == b.rows ? std::optional(a) : std::nullopt;
  }
  const Space& row = a.kind == FusionKind::row ? a : b;
  const Space& loop = a.kind == FusionKind::row ? b : a;
  bool fits = loop.rows == row.rows * row.inner || loop.rows == row.rows;
  return fits ? std::optional(row) : std::nullopt;
}

Place SpaceWalk::place_of_result(const Type& type) const {
  if (fills(type)) return Place::full;
  return one_a_row(type) ? Place::row : Place::elsewhere;
}

Place SpaceWalk::place_of_operand(const Node& node, size_t operand, Place result) const {
  const Type& type = graph_.type(node.inputs[operand]);
  if (result == Place::elsewhere) return Place::elsewhere;
  if (node.op->is_elementwise || is_reshape(node)) return result;
  if (reduced_axes(node) && result == Place::row && space_.kind == FusionKind::row && fills(type)) {
    size_t rank = type.rank();
    const Integers& axes = *reduced_axes(node);
    bool suffix = covers(axes, rank - axes.size(), rank);
    return suffix && product(type.shape, 0, rank - axes.size()) == space_.rows ? Place::full
                                                                               : Place::elsewhere;
  }
  if (node.op->is_broadcast && result == Place::full && space_.kind == FusionKind::row &&
      one_a_row(type)) {
    // The operand's axes are the leading axes of the result, which together make the rows.
    const Integers& dims = broadcast_dims(node);
    const Shape& shape = graph_.type(node.outputs[0]).shape;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (dims[i] != static_cast<int64_t>(i)) return Place::elsewhere;
    }
    return product(shape, 0, dims.size()) == space_.rows ? Place::row : Place::elsewhere;
  }
  return Place::elsewhere;
}

bool SpaceWalk::visit(const Node& root, const std::function<Visit(ValueId, Place)>& decide) {
  // Reductions that nobody in the group reads: their operand fills the space.
  std::vector<std::pair<const Node*, Place>> todo;
  Place start =
      only_reduces(space_) ? Place::elsewhere : place_of_result(graph_.type(root.outputs[0]));
  todo.emplace_back(&root, start);
  std::set<std::pair<uint32_t, Place>> seen;
  while (!todo.empty()) {
    auto [node, place] = todo.back();
    todo.pop_back();
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      ValueId operand = node->inputs[i];
      Place at = place_of_operand(*node, i, place);
      if (!seen.emplace(operand.index, at).second) continue;
      switch (decide(operand, at)) {
        case Visit::fail:
          return false;
        case Visit::stop:
          break;
        case Visit::enter:
          todo.emplace_back(graph_.producer(operand), at);
          break;
      }
    }
  }
  return true;
}

}  // namespace tenon
