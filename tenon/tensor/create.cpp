#include "tenon/ops/registry.h"
#include "tenon/tensor/node.h"

namespace tenon {

Tensor full(const Shape& shape, double value, DType dtype) {
  static const OpDef& op = core_ops().get("broadcast");
  // Scalars are broadcast too: the number alone would give way to other dtypes.
  Tensor number(detail::number_node(value, dtype));
  return apply(op, {number}, {{"shape", shape}, {"dims", Integers{}}});
}

Tensor zeros(const Shape& shape, DType dtype) { return full(shape, 0, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }
Tensor zeros_like(const Tensor& x) { return full(x.shape(), 0, x.dtype()); }
Tensor ones_like(const Tensor& x) { return full(x.shape(), 1, x.dtype()); }

Tensor arange(const Dim& count, DType dtype) {
  static const OpDef& op = core_ops().get("iota");
  return apply(op, std::span<const Tensor>(),
               {{"dtype", dtype}, {"shape", Shape{count}}, {"axis", 0}});
}

Tensor eye(const Dim& n, DType dtype) {
  Tensor index = arange(n);
  return (index.reshape({n, 1}) == index).cast(dtype);
}

}  // namespace tenon
