#include "tenon/ops/known_op.h"
#include "tenon/tensor/apply.h"
#include "tenon/tensor/node.h"

namespace tenon {

namespace {

/// Scalars are broadcast too: the number alone would give way to other dtypes.
Tensor broadcast_number(detail::NodeRef number, const Shape& shape) {
  static constinit KnownOp op("broadcast");
  return apply(op.get(), {Tensor(std::move(number))}, {{"shape", shape}, {"dims", Integers{}}});
}

}  // namespace

Tensor full(const Shape& shape, Number value, DType dtype) {
  value.check_fits(dtype, "full");
  return broadcast_number(detail::number_node(value, dtype), shape);
}

Tensor detail::converted_number(double value, DType dtype) {
  Literal converted(dtype, {});
  converted.set_double(0, value);
  NodeRef node = evaluated_node(Buffer::copy_of(converted));
  node->is_number = true;
  return broadcast_number(std::move(node), {});
}

Tensor zeros(const Shape& shape, DType dtype) { return full(shape, 0, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }
Tensor zeros_like(const Tensor& x) { return full(x.shape(), 0, x.dtype()); }
Tensor ones_like(const Tensor& x) { return full(x.shape(), 1, x.dtype()); }

Tensor arange(const Dim& count, std::optional<DType> dtype) {
  static constinit KnownOp op("iota");
  const int64_t last = count.is_constant() ? count.constant() - 1 : 0;
  if (dtype && last > 0) Number(last).check_fits(*dtype, "arange");
  const DType holds = Number(last).fits(DType::i32) ? DType::i32 : DType::i64;
  return apply(op.get(), std::span<const Tensor>(),
               {{"dtype", dtype.value_or(holds)}, {"shape", Shape{count}}, {"axis", 0}});
}

Tensor eye(const Dim& n, DType dtype) {
  Tensor index = arange(n);
  return (index.reshape({n, 1}) == index).cast(dtype);
}

}  // namespace tenon
