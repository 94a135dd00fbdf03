#include "tenon/ops/value_functions.h"

#include <numeric>

#include "tenon/base/error.h"

namespace tenon {

namespace {

Value number(Value like, double value) { return like.build().full_like(like, value); }

Value unary(std::string_view op, Value x) { return x.build().call(op, {x}); }
Value binary(std::string_view op, Value a, Value b) { return a.build().call(op, {a, b}); }

Value reduction(std::string_view op, Value x, const Integers& axes, bool keep) {
  if (axes.empty()) return x;
  return x.build().call(op, {x}, {{"axes", axes}, {"keep", keep}});
}

}  // namespace

Value operator+(Value a, Value b) { return binary("add", a, b); }
Value operator-(Value a, Value b) { return binary("subtract", a, b); }
Value operator*(Value a, Value b) { return binary("multiply", a, b); }
Value operator/(Value a, Value b) { return binary("divide", a, b); }
Value operator-(Value x) { return unary("negate", x); }
Value operator+(Value a, double b) { return a + number(a, b); }
Value operator-(Value a, double b) { return a - number(a, b); }
Value operator*(Value a, double b) { return a * number(a, b); }
Value operator/(Value a, double b) { return a / number(a, b); }
Value operator+(double a, Value b) { return number(b, a) + b; }
Value operator-(double a, Value b) { return number(b, a) - b; }
Value operator*(double a, Value b) { return number(b, a) * b; }
Value operator/(double a, Value b) { return number(b, a) / b; }

Value abs(Value x) { return unary("abs", x); }
Value sign(Value x) { return unary("sign", x); }
Value floor(Value x) { return unary("floor", x); }
Value exp(Value x) { return unary("exp", x); }
Value expm1(Value x) { return unary("expm1", x); }
Value log(Value x) { return unary("log", x); }
Value log1p(Value x) { return unary("log1p", x); }
Value sqrt(Value x) { return unary("sqrt", x); }
Value rsqrt(Value x) { return unary("rsqrt", x); }
Value sin(Value x) { return unary("sin", x); }
Value cos(Value x) { return unary("cos", x); }
Value tanh(Value x) { return unary("tanh", x); }
Value logistic(Value x) { return unary("logistic", x); }
Value erf(Value x) { return unary("erf", x); }
Value logical_not(Value x) { return unary("logical_not", x); }
Value power(Value a, Value b) { return binary("power", a, b); }
Value remainder(Value a, Value b) { return binary("remainder", a, b); }
Value maximum(Value a, Value b) { return binary("maximum", a, b); }
Value minimum(Value a, Value b) { return binary("minimum", a, b); }
Value maximum(Value a, double b) { return maximum(a, number(a, b)); }
Value minimum(Value a, double b) { return minimum(a, number(a, b)); }
Value logical_and(Value a, Value b) { return binary("logical_and", a, b); }
Value logical_or(Value a, Value b) { return binary("logical_or", a, b); }
Value logical_xor(Value a, Value b) { return binary("logical_xor", a, b); }
Value shift_left(Value a, Value b) { return binary("shift_left", a, b); }
Value shift_right_logical(Value a, Value b) { return binary("shift_right_logical", a, b); }
Value equal(Value a, Value b) { return binary("equal", a, b); }
Value not_equal(Value a, Value b) { return binary("not_equal", a, b); }
Value less(Value a, Value b) { return binary("less", a, b); }
Value less_equal(Value a, Value b) { return binary("less_equal", a, b); }
Value greater(Value a, Value b) { return binary("greater", a, b); }
Value greater_equal(Value a, Value b) { return binary("greater_equal", a, b); }
Value equal(Value a, double b) { return equal(a, number(a, b)); }
Value less(Value a, double b) { return less(a, number(a, b)); }
Value greater(Value a, double b) { return greater(a, number(a, b)); }
Value greater_equal(Value a, double b) { return greater_equal(a, number(a, b)); }

Value select(Value predicate, Value on_true, Value on_false) {
  return predicate.build().call("select", {predicate, on_true, on_false});
}
Value select(Value predicate, Value on_true, double on_false) {
  return select(predicate, on_true, number(on_true, on_false));
}
Value select(Value predicate, double on_true, Value on_false) {
  return select(predicate, number(on_false, on_true), on_false);
}

Value cast(Value x, DType dtype) {
  return x.dtype() == dtype ? x : x.build().call("cast", {x}, {{"dtype", dtype}});
}

Value stop_gradient(Value x) { return unary("stop_gradient", x); }

std::vector<Value> barrier(std::span<const Value> values) {
  if (values.empty()) return {};
  Build& build = values[0].build();
  return build.call_multi(build.ops().get("barrier"), values);
}

Value iota(Build& build, DType dtype, const Shape& shape, int64_t axis) {
  return build.call("iota", std::span<const Value>(),
                    {{"dtype", dtype}, {"shape", shape}, {"axis", axis}});
}

Value broadcast(Value x, const Shape& shape, const Integers& dims) {
  if (x.shape().always_equals(shape)) return x;
  return x.build().call("broadcast", {x}, {{"shape", shape}, {"dims", dims}});
}

Value reshape(Value x, const Shape& shape) {
  return x.shape().always_equals(shape) ? x : x.build().call("reshape", {x}, {{"shape", shape}});
}

Value transpose(Value x, const Integers& order) {
  Integers identity(order.size());
  std::iota(identity.begin(), identity.end(), int64_t{0});
  return order == identity ? x : x.build().call("transpose", {x}, {{"order", order}});
}

Value move_axis(Value x, int64_t from, int64_t to) {
  auto source = static_cast<std::ptrdiff_t>(normalise_axis(from, x.rank(), "axis"));
  auto target = static_cast<std::ptrdiff_t>(normalise_axis(to, x.rank(), "axis"));
  Integers order(x.rank());
  std::iota(order.begin(), order.end(), int64_t{0});
  order.erase(order.begin() + source);
  order.insert(order.begin() + target, source);
  return transpose(x, order);
}

Value expand_dims(Value x, int64_t axis) {
  Shape shape = x.shape();
  shape.insert(normalise_axis(axis, x.rank() + 1, "axis"), Dim(1));
  return reshape(x, shape);
}

Value squeeze(Value x, int64_t axis) {
  Shape shape = x.shape();
  size_t at = normalise_axis(axis, x.rank(), "axis");
  if (!shape[at].is(1)) {
    fail(ErrorCode::shape_mismatch, "squeeze: axis {} of {} is not 1", axis, x.type().to_string());
  }
  shape.erase(at);
  return reshape(x, shape);
}

Value slice(Value x, const Shape& start, const Shape& limit, const Integers& stride) {
  Integers steps = stride.empty() ? Integers(x.rank(), 1) : stride;
  bool whole = limit == x.shape() && steps == Integers(x.rank(), 1);
  for (const Dim& dim : start) whole = whole && dim.is(0);
  if (whole) return x;
  return x.build().call("slice", {x}, {{"start", start}, {"limit", limit}, {"stride", steps}});
}

Value slice_axis(Value x, int64_t axis, const Dim& start, const Dim& limit) {
  size_t at = normalise_axis(axis, x.rank(), "axis");
  Shape starts = Shape(std::vector<Dim>(x.rank(), Dim(0)));
  Shape limits = x.shape();
  starts[at] = start;
  limits[at] = limit;
  return slice(x, starts, limits);
}

Value pad(Value x, Value value, const Shape& low, const Shape& high, const Integers& interior) {
  Integers between = interior.empty() ? Integers(x.rank(), 0) : interior;
  return x.build().call("pad", {x, value}, {{"low", low}, {"high", high}, {"interior", between}});
}

Value concatenate(std::span<const Value> values, int64_t axis) {
  check(!values.empty(), "concatenate has inputs");
  if (values.size() == 1) return values[0];
  return values[0].build().call("concatenate", values, {{"axis", axis}});
}

Value reverse(Value x, const Integers& axes) {
  return axes.empty() ? x : x.build().call("reverse", {x}, {{"axes", axes}});
}

Value dynamic_slice(Value x, std::span<const Value> start, const Shape& sizes) {
  std::vector<Value> inputs{x};
  inputs.insert(inputs.end(), start.begin(), start.end());
  return x.build().call("dynamic_slice", inputs, {{"sizes", sizes}});
}

Value dynamic_update_slice(Value x, Value update, std::span<const Value> start) {
  std::vector<Value> inputs{x, update};
  inputs.insert(inputs.end(), start.begin(), start.end());
  return x.build().call("dynamic_update_slice", inputs);
}

Value gather(Value x, Value indices, int64_t axis, int64_t batch_dims) {
  return x.build().call("gather", {x, indices}, {{"axis", axis}, {"batch_dims", batch_dims}});
}

Value scatter(Value x, Value indices, Value updates, int64_t axis, int64_t batch_dims,
              const char* mode) {
  return x.build().call("scatter", {x, indices, updates},
                        {{"axis", axis}, {"batch_dims", batch_dims}, {"mode", mode}});
}

Value reduce_sum(Value x, const Integers& axes, bool keep) {
  return reduction("reduce_sum", x, axes, keep);
}
Value reduce_product(Value x, const Integers& axes, bool keep) {
  return reduction("reduce_product", x, axes, keep);
}
Value reduce_max(Value x, const Integers& axes, bool keep) {
  return reduction("reduce_max", x, axes, keep);
}
Value reduce_min(Value x, const Integers& axes, bool keep) {
  return reduction("reduce_min", x, axes, keep);
}

Value dim_value(Build& build, const Dim& dim, DType dtype) {
  if (dim.is_constant()) return build.full({dtype, {}}, static_cast<double>(dim.constant()));
  // The last index of an iota that is one longer.
  Value last = slice_axis(iota(build, DType::i64, Shape{dim + 1}, 0), 0, dim, dim + 1);
  return cast(reshape(last, {}), dtype);
}

Value reduce_mean(Value x, const Integers& axes, bool keep) {
  Dim count(1);
  for (int64_t axis : axes) count = count * x.dim(normalise_axis(axis, x.rank(), "axis"));
  // Of f16 and bf16 in f32: neither the sum nor the number of elements need fit them.
  bool half = x.dtype() == DType::f16 || x.dtype() == DType::bf16;
  Value sum = reduce_sum(half ? cast(x, DType::f32) : x, axes, keep);
  Value mean = count.is_constant()
                   ? sum / static_cast<double>(count.constant())
                   : sum / broadcast_to(dim_value(x.build(), count, sum.dtype()), sum.shape());
  return cast(mean, x.dtype());
}

Value argmax(Value x, int64_t axis, DType dtype) {
  return x.build().call("argmax", {x}, {{"axis", axis}, {"dtype", dtype}});
}

Value cumulative_sum(Value x, int64_t axis, bool reverse, bool exclusive) {
  return x.build().call("cumulative_sum", {x},
                        {{"axis", axis}, {"reverse", reverse}, {"exclusive", exclusive}});
}

Value dot(Value lhs, Value rhs, const DotDims& dims) {
  return lhs.build().call("dot", {lhs, rhs},
                          {{"lhs_contract", dims.lhs_contract},
                           {"rhs_contract", dims.rhs_contract},
                           {"lhs_batch", dims.lhs_batch},
                           {"rhs_batch", dims.rhs_batch}});
}

Value matmul(Value a, Value b) {
  if (a.rank() == 0 || b.rank() == 0) {
    fail(ErrorCode::shape_mismatch, "matmul: {} and {}: scalars cannot be matrices; use *",
         a.type().to_string(), b.type().to_string());
  }
  auto last = [](const Value& v) { return static_cast<int64_t>(v.rank()) - 1; };
  if (b.rank() == 1) return dot(a, b, {.lhs_contract = {last(a)}, .rhs_contract = {0}});
  if (b.rank() == 2) return dot(a, b, {.lhs_contract = {last(a)}, .rhs_contract = {0}});
  if (a.rank() == 1) return squeeze(matmul(expand_dims(a, 0), b), -2);
  Shape a_batch(std::vector<Dim>(a.shape().begin(), a.shape().end() - 2));
  Shape b_batch(std::vector<Dim>(b.shape().begin(), b.shape().end() - 2));
  Shape batch = broadcast_shapes(a_batch, b_batch);
  auto full = [&](const Value& v) {
    Shape shape = batch;
    shape.push_back(v.dim(v.rank() - 2));
    shape.push_back(v.dim(v.rank() - 1));
    return broadcast_to(v, shape);
  };
  Integers axes(batch.rank());
  std::iota(axes.begin(), axes.end(), int64_t{0});
  auto rank = static_cast<int64_t>(batch.rank());
  return dot(
      full(a), full(b),
      {.lhs_contract = {rank + 1}, .rhs_contract = {rank}, .lhs_batch = axes, .rhs_batch = axes});
}

}  // namespace tenon
