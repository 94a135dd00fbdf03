#include "tenon/compile/lower/kinds.h"
#include "tenon/compile/lower/region.h"

namespace tenon {

namespace {

/// The element of what `node` reduces at a row and a place in it.
Expr element_at(RegionKernel& region, const Node& node, bool flat, const Dim& inner, Expr row,
                Expr place) {
  const ValueId operand = node.inputs[0];
  if (flat) return region.flat_element(operand, row * region.dim(inner) + place);
  const Shape& shape = region.body().type(operand).shape;
  const size_t split = shape.rank() - node.attributes.integers("axes").size();
  return region.element(operand, region.delinearize(row, place, shape, split));
}

}  // namespace

/// First kernel: chunk c of row r gives temporary[r, c]. Second kernel: each row's chunks are
/// joined.
Lowered lower_long_row(const Graph& body, const std::string& name, const Dim& rows,
                       const Dim& inner, const Schedule& schedule) {
  Lowered lowered;
  const int64_t length = schedule.chunk_elements;
  const Dim chunks = Dim::floor_div(inner + (length - 1), length);
  const Shape parts{rows, chunks};
  for (ValueId output : body.outputs())
    lowered.temporaries.push_back({compute_type(body.type(output).dtype), parts});
  const bool flat = can_fold(body);

  RegionKernel partial(body, name + "_partial", lowered.temporaries);
  Expr p = partial.pool().loop_index("p", partial.dim(parts.element_count()));
  std::vector<Expr> at = partial.delinearize(p, parts);
  Expr first = at[1] * static_cast<double>(length);
  Expr count = min(partial.pool().index(length), partial.dim(inner) - first);
  Expr k = partial.pool().loop_index("k", count);
  Block chunk, along;
  std::vector<Expr> sums;
  for (ValueId output : body.outputs()) {
    const Node& node = *body.producer(output);
    partial.set_block(&along);
    Expr value = element_at(partial, node, flat, inner, at[0], first + k);
    partial.set_block(&chunk);
    ReduceKind kind = *node.op->reduction;
    uint32_t local = partial.kernel().add_local({.name = node.op->name, .dtype = value.dtype()});
    partial.emit(declare(local, identity_of(partial.pool(), kind, value.dtype())));
    along.push_back(update(local, value, combine_of(kind)));
    sums.push_back(partial.kernel().read(local));
  }
  partial.emit(loop(k, LoopKind::vector, std::move(along)));
  for (size_t i = 0; i < sums.size(); ++i) partial.store_temporary(i, p, sums[i]);
  partial.kernel().body.push_back(parallel_loop(p, LoopKind::serial, std::move(chunk)));
  lowered.launches.push_back(partial.finish());

  lowered.launches.push_back(join_parts(body, name, lowered.temporaries, rows, chunks, false));
  return lowered;
}

}  // namespace tenon
