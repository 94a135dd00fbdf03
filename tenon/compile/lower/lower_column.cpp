#include <algorithm>

#include "tenon/compile/lower/kinds.h"
#include "tenon/compile/lower/region.h"

namespace tenon {

namespace {

/// Reduces rows [first, first + count) of every result at one column; gives the registers that hold
/// them. `columns` is valid where rows are folded: then elements are numbered through.
std::vector<Expr> reduce_rows(RegionKernel& region, const Graph& body, Expr first, Expr count,
                              Expr column, Expr columns = {}) {
  Block inside;
  Expr r = region.pool().loop_index("r", count);
  Block* outside = &region.block();
  std::vector<Expr> values;
  region.set_block(&inside);
  for (ValueId output : body.outputs()) {
    const Node& node = *body.producer(output);
    if (columns.valid()) {
      values.push_back(region.flat_element(node.inputs[0], (first + r) * columns + column));
      continue;
    }
    const Shape& shape = body.type(node.inputs[0]).shape;
    size_t reduced = node.attributes.integers("axes").size();
    values.push_back(
        region.element(node.inputs[0], region.delinearize(first + r, column, shape, reduced)));
  }
  region.set_block(outside);
  std::vector<Expr> results;
  for (size_t i = 0; i < values.size(); ++i) {
    ReduceKind kind = *body.producer(body.outputs()[i])->op->reduction;
    uint32_t local =
        region.kernel().add_local({.name = "acc" + std::to_string(i), .dtype = values[i].dtype()});
    region.emit(declare(local, identity_of(region.pool(), kind, values[i].dtype())));
    inside.push_back(update(local, values[i], combine_of(kind)));
    results.push_back(region.kernel().read(local));
  }
  region.emit(loop(r, LoopKind::serial, std::move(inside)));
  return results;
}

Lowered lower_at_once(const Graph& body, const std::string& name, const Dim& rows,
                      const Dim& inner) {
  Lowered lowered;
  RegionKernel region(body, name, lowered.temporaries);
  Expr column = region.pool().loop_index("column", region.dim(inner));
  Block block;
  region.set_block(&block);
  std::vector<Expr> results =
      reduce_rows(region, body, region.pool().index(0), region.dim(rows), column);
  for (size_t i = 0; i < results.size(); ++i) region.store_output(i, column, results[i]);
  region.kernel().body.push_back(parallel_loop(column, LoopKind::vector, std::move(block)));
  lowered.launches.push_back(region.finish());
  return lowered;
}

/// First kernel: chunk p of the (folded) rows gives temporary[p, column]. Second kernel: the chunks
/// and folds are combined in order.
Lowered lower_in_chunks(const Graph& body, const std::string& name, const Dim& rows,
                        const Dim& inner, const Schedule& schedule) {
  Lowered lowered;
  int64_t fold = schedule.fold;
  int64_t chunk = schedule.chunk_rows;
  Dim wide = inner * fold;
  Dim deep = *rows.divided_by(fold);
  Dim chunks = Dim::floor_div(deep + (chunk - 1), chunk);
  for (ValueId output : body.outputs()) {
    DType dtype = compute_type(body.type(output).dtype);
    lowered.temporaries.push_back({dtype, Shape{chunks, wide}});
  }
  RegionKernel partial(body, name + "_partial", lowered.temporaries);
  {
    Expr p = partial.pool().loop_index("p", partial.dim(chunks));
    Expr column = partial.pool().loop_index("column", partial.dim(wide));
    Expr first = p * static_cast<double>(chunk);
    Expr count = min(partial.pool().index(chunk), partial.dim(deep) - first);
    Block block;
    partial.set_block(&block);
    std::vector<Expr> results =
        reduce_rows(partial, body, first, count, column, fold == 1 ? Expr() : partial.dim(wide));
    Expr offset = p * partial.dim(wide) + column;
    for (size_t i = 0; i < results.size(); ++i) partial.store_temporary(i, offset, results[i]);
    Block columns_loop;
    columns_loop.push_back(loop(column, LoopKind::vector, std::move(block)));
    partial.kernel().body.push_back(parallel_loop(p, LoopKind::serial, std::move(columns_loop)));
    lowered.launches.push_back(partial.finish());
  }
  // Row f of chunk p is columns [f * inner, (f + 1) * inner) of it.
  lowered.launches.push_back(
      join_parts(body, name, lowered.temporaries, inner, chunks * fold, true));
  return lowered;
}

}  // namespace

Lowered lower_column(const Graph& body, const std::string& name, const Dim& rows, const Dim& inner,
                     const Schedule& schedule) {
  return schedule.chunk_rows == 0 ? lower_at_once(body, name, rows, inner)
                                  : lower_in_chunks(body, name, rows, inner, schedule);
}

}  // namespace tenon
