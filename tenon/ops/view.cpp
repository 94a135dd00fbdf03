#include "tenon/ops/view.h"

#include <vector>

namespace tenon {

namespace {

/// Axes [from, from_end) of the input and [to, to_end) of the output that hold the same elements.
struct ReshapeGroup {
  size_t from, from_end, to, to_end;
};

/// The finest such groups, so that axes which a reshape does not touch keep their index.
std::vector<ReshapeGroup> reshape_groups(const Shape& from, const Shape& to) {
  auto products = [](const Shape& shape) {
    std::vector<Dim> result{Dim(1)};
    for (const Dim& dim : shape) result.push_back(result.back() * dim);
    return result;
  };
  std::vector<Dim> from_products = products(from), to_products = products(to);
  std::vector<ReshapeGroup> groups;
  size_t i = 0, j = 0;
  while (i < from.rank() && j < to.rank()) {
    ReshapeGroup group{i, from.rank(), j, to.rank()};
    bool found = false;
    for (size_t a = i + 1; a <= from.rank() && !found; ++a) {
      for (size_t b = j + 1; b <= to.rank() && !found; ++b) {
        found = from_products[a] == to_products[b];
        if (found) group.from_end = a, group.to_end = b;
      }
    }
    groups.push_back(group);
    i = group.from_end;
    j = group.to_end;
  }
  return groups;
}

}  // namespace

Expr element_of_view(ElementContext& c) {
  const Shape& from = c.input_type(0).shape;
  const Shape& to = c.output_type().shape;
  std::vector<Expr> at(from.rank(), c.pool().index(0));  // axes in no group have one element
  for (const ReshapeGroup& group : reshape_groups(from, to)) {
    Expr linear = c.pool().index(0);
    for (size_t i = group.to; i < group.to_end; ++i) {
      if (!to[i].is(1)) linear = linear * c.dim(to[i]) + c.index()[i];
    }
    size_t outermost = group.from;
    while (outermost + 1 < group.from_end && from[outermost].is(1)) ++outermost;
    for (size_t i = group.from_end; i-- > outermost + 1;) {
      if (from[i].is(1)) continue;
      Expr extent = c.dim(from[i]);
      at[i] = floor_mod(linear, extent);
      linear = floor_div(linear, extent);
    }
    at[outermost] = linear;
  }
  return c.input(0, at);
}

}  // namespace tenon
