#include <numeric>

#include "tenon/compile/lower/kinds.h"
#include "tenon/compile/lower/region.h"

namespace tenon {

namespace {

/// Axes of size 1 carry no loop. The last other axis is the vector axis.
struct Nest {
  std::vector<Expr> index;  // one per axis
  std::vector<Expr> loops;  // variables, outermost first
};

Nest make_nest(RegionKernel& region, const Shape& shape, size_t joined) {
  Nest nest;
  nest.index.resize(shape.rank(), region.pool().index(0));
  std::vector<size_t> axes;
  for (size_t axis = 0; axis < shape.rank(); ++axis) {
    if (!shape[axis].is(1)) axes.push_back(axis);
  }
  if (axes.empty()) {
    nest.loops.push_back(region.pool().loop_index("i", region.pool().index(1)));
    return nest;
  }
  Shape joined_shape;
  for (size_t i = 0; i < joined; ++i) joined_shape.push_back(shape[axes[i]]);
  Expr outer = region.pool().loop_index("i0", region.dim(joined_shape.element_count()));
  nest.loops.push_back(outer);
  std::vector<Expr> parts = region.delinearize(outer, joined_shape);
  for (size_t i = 0; i < joined; ++i) nest.index[axes[i]] = parts[i];
  for (size_t i = joined; i < axes.size(); ++i) {
    Expr variable =
        region.pool().loop_index("i" + std::to_string(axes[i]), region.dim(shape[axes[i]]));
    nest.loops.push_back(variable);
    nest.index[axes[i]] = variable;
  }
  return nest;
}

/// Whether the vector loop fills less than one vector: its stores are then masked, and a load of
/// the next row from the same memory would have to wait for each of them.
bool has_narrow_rows(const Shape& shape, size_t loops) {
  if (loops < 2) return false;
  for (size_t axis = shape.rank(); axis-- > 0;) {
    if (!shape[axis].is(1))
      return shape[axis].is_constant() && shape[axis].constant() < kWidestLanes;
  }
  return false;
}

void close_loops(RegionKernel& region, const std::vector<Expr>& loops, Block inner) {
  for (size_t i = loops.size(); i-- > 0;) {
    LoopKind kind = i + 1 == loops.size() ? LoopKind::vector : LoopKind::serial;
    Block wrapped;
    wrapped.push_back(i == 0 ? parallel_loop(loops[i], kind, std::move(inner))
                             : loop(loops[i], kind, std::move(inner)));
    inner = std::move(wrapped);
  }
  region.kernel().body = std::move(inner);
}

}  // namespace

Lowered lower_loop(const Graph& body, const std::string& name, const Schedule& schedule) {
  Lowered lowered;
  RegionKernel region(body, name, lowered.temporaries);
  const Shape& shape = body.type(body.outputs()[0]).shape;
  Dim count = shape.element_count();
  Block inner;
  region.set_block(&inner);
  std::vector<Expr> values;
  std::vector<Expr> loops;
  Expr offset;
  if (schedule.flat) {
    Expr i = region.pool().loop_index("i", region.dim(count));
    loops = {i};
    offset = i;
    for (ValueId output : body.outputs()) {
      values.push_back(region.flat_element(output, i));
    }
  } else {
    Nest nest = make_nest(region, shape, static_cast<size_t>(schedule.joined_axes));
    loops = nest.loops;
    offset = region.linearize(nest.index, shape);
    for (ValueId output : body.outputs()) {
      bool same = body.type(output).shape == shape;
      values.push_back(region.element(
          output, same ? nest.index : region.delinearize(offset, body.type(output).shape)));
    }
  }
  for (size_t i = 0; i < values.size(); ++i) region.store_output(i, offset, values[i]);
  close_loops(region, loops, std::move(inner));
  if (!has_narrow_rows(shape, loops.size())) region.find_shared_buffers();
  lowered.launches.push_back(region.finish());
  return lowered;
}

}  // namespace tenon
