#include "tenon/base/error.h"
#include "tenon/ops/element.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

/// Steps between elements: generated code computes with them as doubles, too.
constexpr int64_t kMostStep = int64_t{1} << 53;

void check_step(int64_t step, const char* what, size_t axis) {
  if (step < kMostStep) return;
  fail(ErrorCode::out_of_range, "{} {} of axis {} is not below 2^53", what, step, axis);
}

/// Certain from the numbers alone; what symbols stand for is not known here.
bool certainly_negative(const Dim& dim) { return dim.is_constant() && dim.constant() < 0; }

void check_rank(size_t got, const Type& x, const char* what) {
  if (got == x.rank()) return;
  fail(ErrorCode::invalid_argument, "{} has {} entries, but {} has {} axes", what, got,
       x.to_string(), x.rank());
}

std::vector<Type> infer_slice(InferContext& c) {
  const Type& x = c.input(0);
  const Shape& start = c.attributes.shape("start");
  const Shape& limit = c.attributes.shape("limit");
  const Integers& stride = c.attributes.integers("stride");
  check_rank(start.rank(), x, "start");
  check_rank(limit.rank(), x, "limit");
  check_rank(stride.size(), x, "stride");
  Type result{x.dtype, {}};
  for (size_t i = 0; i < x.rank(); ++i) {
    if (stride[i] < 1)
      fail(ErrorCode::invalid_argument, "stride {} of axis {} is not positive", stride[i], i);
    check_step(stride[i], "stride", i);
    Dim length = limit[i] - start[i];
    if (certainly_negative(start[i]) || certainly_negative(length) ||
        certainly_negative(x.dim(i) - limit[i])) {
      fail(ErrorCode::out_of_range, "[{}, {}) is not a valid range of axis {} of {}",
           start[i].to_string(), limit[i].to_string(), i, x.to_string());
    }
    result.shape.push_back(Dim::floor_div(length + (stride[i] - 1), stride[i]));
  }
  return {result};
}

/// The index into x of `at`, where x's axes are entered at `start` in steps of `step`.
int64_t strided_index(const RefArray& x, std::span<const int64_t> at,
                      std::span<const int64_t> start, std::span<const int64_t> step) {
  int64_t index = 0;
  for (size_t i = 0; i < at.size(); ++i) index = index * x.dim(i) + start[i] + at[i] * step[i];
  return index;
}

/// Elements of a sliced axis from its start to past its last one.
Dim span_of(const Dim& count, const Dim& stride) {
  return count.is(0) ? Dim(0) : (count - 1) * stride + 1;
}

Value transpose_slice(TransposeContext& c) {
  const Shape& start = c.attributes.shape("start");
  const Integers& stride = c.attributes.integers("stride");
  Shape high;
  Integers interior;
  for (size_t i = 0; i < stride.size(); ++i) {
    Dim end = start[i] + span_of(c.cotangent.dim(i), stride[i]);
    high.push_back(c.inputs[0].dim(i) - end);
    interior.push_back(stride[i] - 1);
  }
  Value zero = c.build.full({c.cotangent.dtype(), {}}, 0.0);
  return pad(c.cotangent, zero, start, high, interior);
}

void add_slice(OpFamily& ops) {
  Dim n = Dim::symbol("n");
  ops.add(
      primitive("slice")
          .doc("Elements start, start + stride … below limit along each axis.")
          .input("x")
          .attribute("start", AttributeKind::shape, "the first index along each axis")
          .attribute("limit", AttributeKind::shape, "past the last index along each axis")
          .attribute("stride", AttributeKind::integers, "steps between indices, at least 1")
          .infer(infer_slice)
          .reference([](ReferenceCall& call) {
            std::vector<int64_t> start = call.attributes().shape("start").constants();
            const Integers& stride = call.attributes().integers("stride");
            for (BoxIndex at(call.output(0).shape()); !at.done(); at.next()) {
              int64_t from = strided_index(call.input(0), at.position(), start, stride);
              call.output(0).copy_element(at.linear(), call.input(0), from);
            }
          })
          .linear({0}, transpose_slice)
          .batch([](BatchContext& c) {
            return std::vector<Value>{slice(c.inputs[0],
                                            with_batch(Dim(0), c.attributes.shape("start")),
                                            with_batch(c.size, c.attributes.shape("limit")),
                                            with_batch(1, c.attributes.integers("stride")))};
          })
          .element([](ElementContext& c) {
            std::vector<Expr> at;
            for (size_t i = 0; i < c.index().size(); ++i) {
              auto stride = static_cast<double>(c.attributes().integers("stride")[i]);
              at.push_back(c.index()[i] * stride + c.dim(c.attributes().shape("start")[i]));
            }
            return c.input(0, at);
          })
          .onnx("Slice")
          .samples(
              {{"f32[5,4]",
                {{"start", Shape{1, 0}}, {"limit", Shape{4, 4}}, {"stride", Integers{1, 2}}},
                {}},
               {"f64[n]", {{"start", Shape{1}}, {"limit", Shape{n}}, {"stride", Integers{1}}}, {}},
               {"f64[n,3]",
                {{"start", Shape{n - 2, 0}}, {"limit", Shape{n, 3}}, {"stride", Integers{1, 2}}},
                {}},
               {"f64[7]", {{"start", Shape{1}}, {"limit", Shape{7}}, {"stride", Integers{3}}}, {}},
               {"bf16[6]", {{"start", Shape{2}}, {"limit", Shape{5}}, {"stride", Integers{1}}}, {}},
               {"i64[2,2,2,2]",
                {{"start", Shape{0, 1, 0, 1}},
                 {"limit", Shape{2, 2, 1, 2}},
                 {"stride", Integers{1, 1, 1, 1}}},
                {}},
               {"f32[4]",
                {{"start", Shape{2}}, {"limit", Shape{2}}, {"stride", Integers{2}}},
                {}}}));
}

std::vector<Type> infer_pad(InferContext& c) {
  const Type& x = c.input(0);
  const Type& value = c.input(1);
  const Shape& low = c.attributes.shape("low");
  const Shape& high = c.attributes.shape("high");
  const Integers& interior = c.attributes.integers("interior");
  check_rank(low.rank(), x, "low");
  check_rank(high.rank(), x, "high");
  check_rank(interior.size(), x, "interior");
  if (value.rank() != 0)
    fail(ErrorCode::shape_mismatch, "the padding value {} is not a scalar", value.to_string());
  if (value.dtype != x.dtype) {
    fail(ErrorCode::type_mismatch, "dtypes differ: x {} and value {}", x.to_string(),
         value.to_string());
  }
  Type result{x.dtype, {}};
  for (size_t i = 0; i < x.rank(); ++i) {
    if (interior[i] < 0)
      fail(ErrorCode::invalid_argument, "interior {} of axis {} is negative", interior[i], i);
    check_step(interior[i], "interior", i);
    Dim size = low[i] + high[i] + span_of(x.dim(i), Dim(interior[i]) + 1);
    if (certainly_negative(size)) {
      fail(ErrorCode::shape_mismatch, "axis {} of {} is cropped by more than its size: {} and {}",
           i, x.to_string(), low[i].to_string(), high[i].to_string());
    }
    result.shape.push_back(size);
  }
  return {result};
}

void reference_pad(ReferenceCall& call) {
  const RefArray& x = call.input(0);
  RefArray& out = call.output(0);
  std::vector<int64_t> low = call.attributes().shape("low").constants();
  const Integers& interior = call.attributes().integers("interior");
  for (int64_t i = 0; i < out.size(); ++i) out.copy_element(i, call.input(1), 0);
  for (BoxIndex at(x.shape()); !at.done(); at.next()) {
    int64_t to = 0;
    bool inside = true;
    for (size_t i = 0; i < low.size(); ++i) {
      int64_t position = low[i] + at.position()[i] * (interior[i] + 1);
      inside = inside && position >= 0 && position < out.dim(i);
      to = to * out.dim(i) + position;
    }
    if (inside) out.copy_element(to, x, at.linear());
  }
}

/// The elements of `padded` that come from the padded tensor: pad's transpose.
Value unpad(const RuleContext& c, Value padded) {
  const Shape& low = c.attributes.shape("low");
  const Shape& high = c.attributes.shape("high");
  Shape minus_low, minus_high, start, limit;
  Integers stride;
  bool crops = false;
  for (size_t i = 0; i < low.rank(); ++i) {
    crops = crops || certainly_negative(low[i]) || certainly_negative(high[i]);
    minus_low.push_back(0 - low[i]);
    minus_high.push_back(0 - high[i]);
    start.push_back(low[i]);
    limit.push_back(padded.dim(i) - high[i]);
    stride.push_back(c.attributes.integers("interior")[i] + 1);
  }
  if (!crops) return slice(padded, start, limit, stride);
  // What was cropped gets zeros; padding by a negative amount crops what was padded.
  Value zero = c.build.full({padded.dtype(), {}}, 0.0);
  Value whole = pad(padded, zero, minus_low, minus_high);
  return slice(whole, Shape(std::vector<Dim>(stride.size(), Dim(0))), whole.shape(), stride);
}

Value pad_as(const RuleContext& c, Value x, Value value) {
  return pad(x, value, c.attributes.shape("low"), c.attributes.shape("high"),
             c.attributes.integers("interior"));
}

std::vector<Value> pad_vjp(VjpContext& c) {
  Value cotangent = c.cotangents[0];
  Value by_x = c.wanted[0] ? unpad(c, cotangent) : Value();
  Value by_value;
  if (c.wanted[1]) {
    Value padding =
        pad_as(c, c.build.full_like(c.inputs[0], 0.0), c.build.full_like(c.inputs[1], 1.0));
    by_value = reduce_sum(cotangent * padding, all_axes(cotangent.rank()));
  }
  return {by_x, by_value};
}

std::vector<Value> batch_pad(BatchContext& c) {
  Shape low = with_batch(Dim(0), c.attributes.shape("low"));
  Shape high = with_batch(Dim(0), c.attributes.shape("high"));
  Integers interior = with_batch(0, c.attributes.integers("interior"));
  Value x = batched_input(c, 0);
  if (!c.batched[1]) return {pad(x, c.inputs[1], low, high, interior)};
  // Each example has its own value: pad with anything, then put the values where padding is.
  auto scalar = [&](DType dtype, double value) { return c.build.full({dtype, {}}, value); };
  Value padded = pad(x, scalar(x.dtype(), 0), low, high, interior);
  Value within = pad(c.build.full({DType::boolean, x.shape()}, 1), scalar(DType::boolean, 0), low,
                     high, interior);
  return {select(within, padded, broadcast(c.inputs[1], padded.shape(), {0}))};
}

Expr pad_element(ElementContext& c) {
  std::vector<Expr> at;
  Expr inside = c.pool().integer(DType::boolean, 1);
  for (size_t i = 0; i < c.index().size(); ++i) {
    Expr position = c.index()[i] - c.dim(c.attributes().shape("low")[i]);
    Expr extent = c.dim(c.input_type(0).dim(i));
    if (int64_t interior = c.attributes().integers("interior")[i]; interior > 0) {
      Expr step = c.pool().index(interior + 1);
      inside = inside & equal(floor_mod(position, step), 0.0);
      position = floor_div(position, step);
    }
    inside = inside & (position >= 0.0) & (position < extent);
    at.push_back(position);
  }
  return guard(inside, c.input(0, at), c.input(1, {}));
}

void add_pad(OpFamily& ops) {
  Dim n = Dim::symbol("n");
  auto attributes = [](Shape low, Shape high, Integers interior) {
    return Attributes{{"low", low}, {"high", high}, {"interior", interior}};
  };
  ops.add(primitive("pad")
              .doc("Puts `value` around the elements and between them; negative amounts crop.")
              .input("x")
              .input("value")
              .attribute("low", AttributeKind::shape, "how many before, along each axis")
              .attribute("high", AttributeKind::shape, "how many after, along each axis")
              .attribute("interior", AttributeKind::integers, "how many between neighbours")
              .infer(infer_pad)
              .reference(reference_pad)
              .jvp([](JvpContext& c) {
                return std::vector<Value>{pad_as(c, or_zeros_like(c.tangents[0], c.inputs[0]),
                                                 or_zeros_like(c.tangents[1], c.inputs[1]))};
              })
              .vjp(pad_vjp)
              .batch(batch_pad)
              .element(pad_element)
              .onnx("Pad")
              .samples({{"f32[3,4], f32[]", attributes({1, 0}, {2, 1}, {0, 0}), {}},
                        {"f64[n], f64[]", attributes({2}, {n}, {0}), {}},
                        {"f64[n,3], f64[]", attributes({0, 1}, {1, 0}, {1, 2}), {}},
                        {"f64[6], f64[]", attributes({-2}, {3}, {0}), {}},
                        {"f64[5], f64[]", attributes({1}, {-3}, {1}), {}},
                        {"bf16[2,3], bf16[]", attributes({0, 0}, {1, 1}, {0, 0}), {}},
                        {"i32[2,2], i32[]", attributes({1, 1}, {1, 1}, {1, 1}), {}},
                        {"bool[3], bool[]", attributes({1}, {1}, {0}), {}},
                        {"f32[], f32[]", attributes({}, {}, {}), {}},
                        {"f32[0], f32[]", attributes({1}, {1}, {2}), {}}}));
}

/// The start along one axis, inside the range where the slice fits; i64, which holds that range.
Value clamped_start(Value given, const Dim& extent, const Dim& size) {
  Value start = cast(given, DType::i64);
  Value last = dim_value(start.build(), extent - size, DType::i64);
  return maximum(minimum(start, broadcast_to(last, start.shape())), 0.0);
}

Expr clamped_start(ElementContext& c, size_t operand, const Dim& extent, const Dim& size) {
  Expr start = cast(c.input(operand, {}), DType::i64);
  return max(min(start, c.dim(extent - size)), c.pool().index(0));
}

std::vector<int64_t> clamped_starts(const ReferenceCall& call, size_t first, const RefArray& x,
                                    const std::vector<int64_t>& sizes) {
  std::vector<int64_t> starts;
  for (size_t i = 0; i < sizes.size(); ++i) {
    int64_t start = call.input(first + i).get_int(0);
    starts.push_back(std::max<int64_t>(std::min(start, x.dim(i) - sizes[i]), 0));
  }
  return starts;
}

void check_starts(InferContext& c, size_t first, const Type& x, const Shape& sizes) {
  if (c.inputs.size() != first + x.rank()) {
    fail(ErrorCode::invalid_argument, "{} has {} axes, but {} start indices are given",
         x.to_string(), x.rank(), c.inputs.size() - first);
  }
  for (size_t i = first; i < c.inputs.size(); ++i) {
    if (c.input(i).rank() == 0) continue;
    fail(ErrorCode::shape_mismatch, "start index {} is {}, not a scalar", i - first,
         c.input(i).to_string());
  }
  for (size_t i = 0; i < x.rank(); ++i) {
    if (!certainly_negative(x.dim(i) - sizes[i])) continue;
    fail(ErrorCode::shape_mismatch, "a slice of {} does not fit into {}", sizes.to_string(),
         x.to_string());
  }
}

std::vector<Value> starts_of(std::span<const Value> inputs, size_t first) {
  return {inputs.begin() + static_cast<std::ptrdiff_t>(first), inputs.end()};
}

bool any_batched(std::span<const bool> batched, size_t first) {
  for (size_t i = first; i < batched.size(); ++i) {
    if (batched[i]) return true;
  }
  return false;
}

/// The start of the batch axis, which is sliced whole.
std::vector<Value> with_batch_start(BatchContext& c, size_t first) {
  std::vector<Value> starts = starts_of(c.inputs, first);
  DType dtype = starts.empty() ? DType::i32 : starts[0].dtype();
  starts.insert(starts.begin(), c.build.full({dtype, {}}, 0.0));
  return starts;
}

/// For each example, start + 0, 1 … `count` - 1 along one axis, start being clamped: i64[batch,
/// count].
Value positions(BatchContext& c, size_t input, const Dim& extent, const Dim& size) {
  Value start = clamped_start(batched_input(c, input), extent, size);
  Shape shape{c.size, size};
  return broadcast(start, shape, {0}) + iota(c.build, DType::i64, shape, 1);
}

std::vector<Value> batch_dynamic_slice(BatchContext& c) {
  const Shape& sizes = c.attributes.shape("sizes");
  if (!any_batched(c.batched, 1)) {
    return {dynamic_slice(c.inputs[0], with_batch_start(c, 1), with_batch(c.size, sizes))};
  }
  Value x = batched_input(c, 0);
  for (size_t i = 0; i < sizes.rank(); ++i) {
    if (sizes[i] == x.dim(i + 1)) continue;
    x = gather(x, positions(c, i + 1, x.dim(i + 1), sizes[i]), to_axis(i) + 1, 1);
  }
  return {x};
}

void add_dynamic_slice(OpFamily& ops) {
  auto sizes = [](Shape shape) { return Attributes{{"sizes", shape}}; };
  ops.add(
      primitive("dynamic_slice")
          .doc("A slice whose start is computed: one scalar index per axis, moved inside where "
               "the slice would not fit.")
          .input("x")
          .variadic_input("starts", kIndex)
          .attribute("sizes", AttributeKind::shape, "sizes of the result")
          .infer([](InferContext& c) {
            const Type& x = c.input(0);
            const Shape& shape = c.attributes.shape("sizes");
            check_rank(shape.rank(), x, "sizes");
            check_starts(c, 1, x, shape);
            return std::vector<Type>{{x.dtype, shape}};
          })
          .reference([](ReferenceCall& call) {
            RefArray& out = call.output(0);
            std::vector<int64_t> start = clamped_starts(call, 1, call.input(0), out.shape());
            std::vector<int64_t> ones(start.size(), 1);
            for (BoxIndex at(out.shape()); !at.done(); at.next()) {
              int64_t from = strided_index(call.input(0), at.position(), start, ones);
              out.copy_element(at.linear(), call.input(0), from);
            }
          })
          .linear({0},
                  [](TransposeContext& c) {
                    return dynamic_update_slice(c.build.full_like(c.inputs[0], 0.0), c.cotangent,
                                                starts_of(c.inputs, 1));
                  })
          .batch(batch_dynamic_slice)
          .element([](ElementContext& c) {
            std::vector<Expr> at;
            for (size_t i = 0; i < c.index().size(); ++i) {
              Expr start = clamped_start(c, i + 1, c.input_type(0).dim(i), c.output_type().dim(i));
              at.push_back(start + c.index()[i]);
            }
            return c.input(0, at);
          })
          .samples(
              {{"f32[5,4], i32[], i32[]", sizes({2, 3}), {{-2, 2}, {0, 3}, {0, 1}}},
               {"f64[n], i64[]", sizes({2}), {{-2, 2}, {-2, 9}}},
               {"f64[3,n], i32[], i32[]", sizes({1, Dim::symbol("n")}), {{-2, 2}, {0, 2}, {0, 0}}},
               {"bf16[6], i32[]", sizes({3}), {{-2, 2}, {0, 3}}},
               {"i32[6], i64[]", sizes({6}), {{-9, 9}, {-3, 3}}},
               {"f32[]", sizes({}), {}},
               {"f32[3], i32[]", sizes({0}), {{-2, 2}, {0, 3}}}}));
}

/// Positions relative to the updated part along each axis, whether they are in it, and the update.
std::vector<Value> batch_dynamic_update_slice(BatchContext& c) {
  Value x = batched_input(c, 0), update = batched_input(c, 1);
  if (!any_batched(c.batched, 2)) return {dynamic_update_slice(x, update, with_batch_start(c, 2))};
  Value inside;
  for (size_t i = 0; i + 1 < x.rank(); ++i) {
    const Dim& extent = x.dim(i + 1);
    Dim size = update.dim(i + 1);
    if (size == extent) continue;
    Shape shape{c.size, extent};
    Value start = cast(clamped_start(batched_input(c, i + 2), extent, size), DType::i64);
    Value relative = iota(c.build, DType::i64, shape, 1) - broadcast(start, shape, {0});
    Value end = broadcast(dim_value(c.build, size, DType::i64), shape, {});
    Value here = logical_and(greater_equal(relative, 0.0), less(relative, end));
    update = gather(update, select(here, relative, 0.0), to_axis(i) + 1, 1);
    here = broadcast(here, x.shape(), {0, to_axis(i) + 1});
    inside = inside ? logical_and(inside, here) : here;
  }
  return {inside ? select(inside, update, x) : update};
}

void add_dynamic_update_slice(OpFamily& ops) {
  ops.add(
      primitive("dynamic_update_slice")
          .doc("x with a part replaced by `update`, from computed start indices on: one scalar "
               "per axis, moved inside where the update would not fit.")
          .input("x")
          .input("update")
          .variadic_input("starts", kIndex)
          .infer([](InferContext& c) {
            const Type& x = c.input(0);
            const Type& update = c.input(1);
            if (update.rank() != x.rank() || update.dtype != x.dtype) {
              fail(ErrorCode::type_mismatch, "x {} and update {} differ in rank or dtype",
                   x.to_string(), update.to_string());
            }
            check_starts(c, 2, x, update.shape);
            return std::vector<Type>{x};
          })
          .reference([](ReferenceCall& call) {
            const RefArray& update = call.input(1);
            call.output(0) = call.input(0);
            std::vector<int64_t> start = clamped_starts(call, 2, call.input(0), update.shape());
            std::vector<int64_t> ones(start.size(), 1);
            for (BoxIndex at(update.shape()); !at.done(); at.next()) {
              int64_t to = strided_index(call.input(0), at.position(), start, ones);
              call.output(0).copy_element(to, update, at.linear());
            }
          })
          .jvp([](JvpContext& c) {
            return std::vector<Value>{dynamic_update_slice(
                or_zeros_like(c.tangents[0], c.inputs[0]),
                or_zeros_like(c.tangents[1], c.inputs[1]), starts_of(c.inputs, 2))};
          })
          .vjp([](VjpContext& c) {
            std::vector<Value> starts = starts_of(c.inputs, 2), result(c.inputs.size());
            Value ct = c.cotangents[0], update = c.inputs[1];
            if (c.wanted[0])
              result[0] = dynamic_update_slice(ct, c.build.full_like(update, 0.0), starts);
            if (c.wanted[1]) result[1] = dynamic_slice(ct, starts, update.shape());
            return result;
          })
          .batch(batch_dynamic_update_slice)
          .element([](ElementContext& c) {
            std::vector<Expr> at;
            Expr inside = c.pool().integer(DType::boolean, 1);
            for (size_t i = 0; i < c.index().size(); ++i) {
              const Dim& size = c.input_type(1).dim(i);
              Expr position = c.index()[i] - clamped_start(c, i + 2, c.output_type().dim(i), size);
              inside = inside & (position >= 0.0) & (position < c.dim(size));
              at.push_back(position);
            }
            return guard(inside, c.input(1, at), c.input(0, c.index()));
          })
          .samples({{"f32[5,4], f32[2,3], i32[], i32[]", {}, {{-2, 2}, {-2, 2}, {0, 4}, {0, 1}}},
                    {"f64[n], f64[2], i64[]", {}, {{-2, 2}, {-2, 2}, {-2, 9}}},
                    {"f64[3,n], f64[1,n], i32[], i32[]", {}, {{-2, 2}, {-2, 2}, {0, 2}, {0, 0}}},
                    {"bf16[6], bf16[3], i32[]", {}, {{-2, 2}, {-2, 2}, {0, 3}}},
                    {"i32[6], i32[6], i64[]", {}, {{-9, 9}, {-9, 9}, {-3, 3}}},
                    {"f32[], f32[]", {}, {}},
                    {"f32[3], f32[0], i32[]", {}, {{-2, 2}, {-2, 2}, {0, 3}}}}));
}

}  // namespace

void register_slice(OpRegistry& registry) {
  OpFamily ops(registry, "slice");
  add_slice(ops);
  add_pad(ops);
  add_dynamic_slice(ops);
  add_dynamic_update_slice(ops);
}

}  // namespace tenon
