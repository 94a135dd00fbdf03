#include <numeric>

#include "tenon/compile/lower/region.h"
#include "tenon/compile/lower/schedules.h"

namespace tenon {

namespace {

/// Enough parallel iterations to share out evenly.
constexpr int64_t kParallelIterations = 32;

/// Whether all loads and stores go straight through memory when the results are numbered row by
/// row.
bool is_flat(const Graph& body) {
  Dim count = body.type(body.outputs()[0]).shape.element_count();
  for (const Node& node : body.nodes()) {
    bool scalar = body.type(node.outputs[0]).rank() == 0;
    bool from_scalar =
        node.op->name == "broadcast" && body.type(node.inputs[0]).shape.element_count().is(1);
    bool same = node.op->is_elementwise || node.op->name == "reshape" ||
                node.op->name == "constant" || from_scalar;
    if (!same) return false;
    if (!scalar && body.type(node.outputs[0]).shape.element_count() != count &&
        !body.type(node.outputs[0]).shape.element_count().is(1)) {
      return false;
    }
  }
  return true;
}

/// Axes of size 1 carry no loop. The last other axis is the vector axis.
struct Nest {
  std::vector<Expr> index;  // one an axis
  std::vector<Expr> loops;  // variables, outermost first
  Dim parallel;             // extent of the first loop
};

Nest make_nest(RegionKernel& region, const Shape& shape) {
  Nest nest;
  nest.index.resize(shape.rank(), region.pool().index(0));
  std::vector<size_t> axes;
  for (size_t axis = 0; axis < shape.rank(); ++axis) {
    if (!shape[axis].is(1)) axes.push_back(axis);
  }
  if (axes.empty()) {
    nest.parallel = 1;
    nest.loops.push_back(region.pool().loop_index("i", region.pool().index(1)));
    return nest;
  }
  // Leading axes join the parallel loop until it has enough iterations.
  size_t joined = 1;
  Dim extent = shape[axes[0]];
  while (joined + 1 < axes.size() && extent.is_constant() &&
         extent.constant() < kParallelIterations) {
    extent = extent * shape[axes[joined++]];
  }
  nest.parallel = extent;
  Expr outer = region.pool().loop_index("i0", region.dim(extent));
  nest.loops.push_back(outer);
  Shape joined_shape;
  for (size_t i = 0; i < joined; ++i) joined_shape.push_back(shape[axes[i]]);
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
  constexpr int64_t kLanes = 16;
  if (loops < 2) return false;
  for (size_t axis = shape.rank(); axis-- > 0;) {
    if (!shape[axis].is(1)) return shape[axis].is_constant() && shape[axis].constant() < kLanes;
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

Lowered lower_loop(const Graph& body, const std::string& name) {
  Lowered lowered;
  RegionKernel region(body, name, lowered.temporaries);
  const Shape& shape = body.type(body.outputs()[0]).shape;
  Dim count = shape.element_count();
  Block inner;
  region.set_block(&inner);
  std::vector<Expr> values;
  std::vector<Expr> loops;
  Expr offset;
  Dim parallel;
  if (is_flat(body)) {
    Expr i = region.pool().loop_index("i", region.dim(count));
    loops = {i};
    parallel = count;
    offset = i;
    for (ValueId output : body.outputs()) {
      values.push_back(region.flat_element(output, i));
    }
  } else {
    Nest nest = make_nest(region, shape);
    loops = nest.loops;
    parallel = nest.parallel;
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
  lowered.launches.push_back(region.finish(parallel));
  return lowered;
}

}  // namespace tenon
