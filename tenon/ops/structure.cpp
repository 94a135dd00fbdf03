#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/ops/element.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

/// out[position] = x[source(position)], where `source` writes x's position.
template <class Source>
void copy_from(ReferenceCall& call, Source source) {
  const RefArray& x = call.input(0);
  std::vector<int64_t> strides = row_major_strides(x.shape()), from(x.rank());
  for (BoxIndex at(call.output(0).shape()); !at.done(); at.next()) {
    source(at.position(), from);
    int64_t index = 0;
    for (size_t i = 0; i < from.size(); ++i) index += from[i] * strides[i];
    call.output(0).copy_element(at.linear(), x, index);
  }
}

/// A choice among the values themselves: for scalars and little more. Longer ones belong in memory.
Expr constant_element(ElementContext& c) {
  const Literal& literal = *c.attributes().literal("value");
  DType compute = compute_type(literal.dtype());
  auto value = [&](int64_t i) {
    return is_floating(compute) ? c.pool().constant(compute, literal.to_double(i))
                                : c.pool().integer(compute, literal.to_int(i));
  };
  if (literal.size() == 0) return c.pool().constant(compute, 0);
  Expr at = c.pool().index(0);
  for (size_t axis = 0; axis < literal.shape().size(); ++axis) {
    at = at * static_cast<double>(literal.shape()[axis]) + c.index()[axis];
  }
  Expr chosen = value(literal.size() - 1);
  for (int64_t i = literal.size() - 1; i-- > 0;) {
    chosen = select(equal(at, static_cast<double>(i)), value(i), chosen);
  }
  return cast(chosen, literal.dtype());
}

void add_sources(OpFamily& ops) {
  ops.add(primitive("constant")
              .doc("A value that is known when the graph is made.")
              .attribute("value", AttributeKind::literal, "the array")
              .infer([](InferContext& c) {
                return std::vector<Type>{c.attributes.literal("value")->type()};
              })
              .reference([](ReferenceCall& call) {
                call.output(0) = RefArray::from(*call.attributes().literal("value"));
              })
              .non_differentiable("it has no inputs")
              .element(constant_element)
              .onnx("Constant")
              .samples(
                  {{"",
                    {{"value", std::make_shared<const Literal>(
                                   Literal::of<float>({2, 2}, {1, -2, 0.5f, 4}))}},
                    {}},
                   {"",
                    {{"value", std::make_shared<const Literal>(
                                   Literal::of<int64_t>({3}, {1, -2, int64_t{1} << 60}))}},
                    {}},
                   {"",
                    {{"value", std::make_shared<const Literal>(Literal::scalar(DType::bf16, 1.5))}},
                    {}},
                   {"",
                    {{"value",
                      std::make_shared<const Literal>(DType::f64, std::vector<int64_t>{0, 3})}},
                    {}}}));

  ops.add(primitive("iota")
              .doc("The index along one axis: 0, 1, 2 … Numbers beyond u8 and i8 wrap; an "
                   "axis that i32 does not count is an error.")
              .attribute("dtype", AttributeKind::dtype, "dtype of the result")
              .attribute("shape", AttributeKind::shape, "shape of the result")
              .attribute("axis", AttributeKind::integer, 0, "the axis to count along")
              .infer([](InferContext& c) {
                Type type{c.attributes.dtype("dtype"), c.attributes.shape("shape")};
                if (type.dtype == DType::boolean)
                  fail(ErrorCode::type_mismatch, "cannot count in bool");
                const Dim& count = type.dim(normalise_axis(c, "axis", type.rank()));
                if (count.is_constant()) check_positions_fit("iota", count.constant(), type.dtype);
                return std::vector<Type>{type};
              })
              .reference([](ReferenceCall& call) {
                size_t axis = to_index(call.attributes().integer("axis"));
                for (BoxIndex at(call.output(0).shape()); !at.done(); at.next())
                  call.output(0).set_int(at.linear(), at.position()[axis]);
              })
              .non_differentiable("it has no inputs")
              .element([](ElementContext& c) {
                Expr index = c.index()[to_index(c.attributes().integer("axis"))];
                return cast(index, c.output_type().dtype);
              })
              .samples({{"", {{"dtype", DType::i64}, {"shape", Shape{3, 4}}, {"axis", 1}}, {}},
                        {"", {{"dtype", DType::f32}, {"shape", Shape{5}}}, {}},
                        {"", {{"dtype", DType::bf16}, {"shape", Shape{4, 2}}, {"axis", -2}}, {}},
                        {"", {{"dtype", DType::u8}, {"shape", Shape{300}}}, {}},
                        {"", {{"dtype", DType::f64}, {"shape", Shape{0, 2}}}, {}}}));
}

std::vector<Type> infer_broadcast(InferContext& c) {
  const Type& x = c.input(0);
  const Shape& shape = c.attributes.shape("shape");
  const Integers& dims = c.attributes.integers("dims");
  if (dims.size() != x.rank()) {
    fail(ErrorCode::invalid_argument, "dims names {} axes, but {} has {}", dims.size(),
         x.to_string(), x.rank());
  }
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] < 0 || dims[i] >= to_axis(shape.rank()) || (i > 0 && dims[i] <= dims[i - 1])) {
      fail(ErrorCode::invalid_argument, "dims must be ascending axes of {}; axis {} comes {}th",
           shape.to_string(), dims[i], i + 1);
    }
    if (shape[to_index(dims[i])] == x.dim(i)) continue;
    fail(ErrorCode::shape_mismatch, "axis {} of {} is {}, but axis {} of {} is {}", i,
         x.to_string(), x.dim(i).to_string(), dims[i], shape.to_string(),
         shape[to_index(dims[i])].to_string());
  }
  return {{x.dtype, shape}};
}

void add_broadcast(OpFamily& ops) {
  ops.add(
      primitive("broadcast")
          .doc("Repeats x along new axes: output axis dims[i] is input axis i.")
          .input("x")
          .attribute("shape", AttributeKind::shape, "shape of the result")
          .attribute("dims", AttributeKind::integers, "where the input's axes go, ascending")
          .infer(infer_broadcast)
          .broadcasts()
          .reference([](ReferenceCall& call) {
            const Integers& dims = call.attributes().integers("dims");
            copy_from(call, [&](const auto& at, auto& from) {
              for (size_t i = 0; i < dims.size(); ++i) from[i] = at[to_index(dims[i])];
            });
          })
          .linear({0},
                  [](TransposeContext& c) {
                    const Integers& dims = c.attributes.integers("dims");
                    return reduce_sum(c.cotangent, other_axes(c.cotangent.rank(), dims));
                  })
          .batch([](BatchContext& c) {
            Shape shape = with_batch(c.size, c.attributes.shape("shape"));
            Integers dims = with_batch(0, after_batch(c.attributes.integers("dims")));
            return std::vector<Value>{broadcast(c.inputs[0], shape, dims)};
          })
          .element([](ElementContext& c) {
            std::vector<Expr> at;
            for (int64_t axis : c.attributes().integers("dims"))
              at.push_back(c.index()[to_index(axis)]);
            return c.input(0, at);
          })
          .onnx("Expand")
          .samples({{"f32[3]", {{"shape", Shape{2, 3, 4}}, {"dims", Integers{1}}}, {}},
                    {"f64[n]", {{"shape", Shape{2, Dim::symbol("n")}}, {"dims", Integers{1}}}, {}},
                    {"f64[2,n]",
                     {{"shape", Shape{2, 3, Dim::symbol("n")}}, {"dims", Integers{0, 2}}},
                     {}},
                    {"bf16[]", {{"shape", Shape{2, 2}}, {"dims", Integers{}}}, {}},
                    {"i32[4]", {{"shape", Shape{4, 3}}, {"dims", Integers{0}}}, {}},
                    {"bool[2]", {{"shape", Shape{3, 2}}, {"dims", Integers{1}}}, {}},
                    {"f32[2]", {{"shape", Shape{0, 2}}, {"dims", Integers{1}}}, {}}}));
}

std::vector<Type> infer_reshape(InferContext& c) {
  const Type& x = c.input(0);
  Shape shape = c.attributes.shape("shape");
  size_t open = shape.rank();
  Dim known(1);
  for (size_t i = 0; i < shape.rank(); ++i) {
    if (!shape[i].is(-1)) {
      known = known * shape[i];
    } else if (open == shape.rank()) {
      open = i;
    } else {
      fail(ErrorCode::invalid_argument, "only one dimension of {} can be -1", shape.to_string());
    }
  }
  Dim count = x.shape.element_count();
  if (open < shape.rank()) {
    std::optional<Dim> rest;
    if (!known.is(0)) rest = count.divided_by(known);
    if (!rest) {
      fail(ErrorCode::shape_mismatch, "{} has {} elements, which is not a multiple of {}",
           x.to_string(), count.to_string(), known.to_string());
    }
    shape[open] = *rest;
    c.attributes.set("shape", shape);
  } else if (known != count) {
    fail(ErrorCode::shape_mismatch, "{} has {} elements, but {} has {}", x.to_string(),
         count.to_string(), shape.to_string(), known.to_string());
  }
  return {{x.dtype, shape}};
}

void add_reshape(OpFamily& ops) {
  ops.add(primitive("reshape")
              .doc("The same elements, in row-major order, in another shape.")
              .input("x")
              .attribute("shape", AttributeKind::shape,
                         "of the result; one dimension may be -1: what is left")
              .infer(infer_reshape)
              .view()
              .linear({0},
                      [](TransposeContext& c) { return reshape(c.cotangent, c.inputs[0].shape()); })
              .batch([](BatchContext& c) {
                Shape shape = with_batch(c.size, c.attributes.shape("shape"));
                return std::vector<Value>{reshape(c.inputs[0], shape)};
              })
              .onnx("Reshape")
              .onnx("Flatten")
              .onnx("Squeeze")
              .onnx("Unsqueeze")
              .samples({{"f32[3,4]", {{"shape", Shape{2, 6}}}, {}},
                        {"f64[n,4,3]", {{"shape", Shape{Dim::symbol("n"), 12}}}, {}},
                        {"f64[n,6]", {{"shape", Shape{Dim::symbol("n"), 2, 3}}}, {}},
                        {"f64[2,n]", {{"shape", Shape{-1}}}, {}},
                        {"bf16[6]", {{"shape", Shape{1, 6, 1}}}, {}},
                        {"i32[2,1,3]", {{"shape", Shape{3, 2}}}, {}},
                        {"f32[1,1]", {{"shape", Shape{}}}, {}},
                        {"f32[]", {{"shape", Shape{1, 1}}}, {}},
                        {"bool[2,2,3,2]", {{"shape", Shape{4, 6}}}, {}},
                        {"f32[0,3]", {{"shape", Shape{3, 0, 2}}}, {}}}));
}

Integers inverse(const Integers& order) {
  Integers positions(order.size());
  for (size_t i = 0; i < order.size(); ++i) positions[to_index(order[i])] = to_axis(i);
  return positions;
}

std::vector<Type> infer_transpose(InferContext& c) {
  const Type& x = c.input(0);
  Integers order = c.attributes.integers("order");
  for (int64_t& axis : order) axis = to_axis(normalise_axis(axis, x.rank(), "axis"));
  Integers sorted = order;
  std::sort(sorted.begin(), sorted.end());
  if (sorted != all_axes(x.rank())) {
    fail(ErrorCode::invalid_argument, "order {} does not name each axis of {} once",
         Attribute(c.attributes.integers("order")).to_string(), x.to_string());
  }
  Type result{x.dtype, {}};
  for (int64_t axis : order) result.shape.push_back(x.dim(to_index(axis)));
  c.attributes.set("order", std::move(order));
  return {result};
}

void add_transpose(OpFamily& ops) {
  ops.add(primitive("transpose")
              .doc("Permutes axes: output axis i is input axis order[i].")
              .input("x")
              .attribute("order", AttributeKind::integers, "the input's axes in their new order")
              .infer(infer_transpose)
              .reference([](ReferenceCall& call) {
                const Integers& order = call.attributes().integers("order");
                copy_from(call, [&](const auto& at, auto& from) {
                  for (size_t i = 0; i < at.size(); ++i) from[to_index(order[i])] = at[i];
                });
              })
              .linear({0},
                      [](TransposeContext& c) {
                        return transpose(c.cotangent, inverse(c.attributes.integers("order")));
                      })
              .batch([](BatchContext& c) {
                Integers order = with_batch(0, after_batch(c.attributes.integers("order")));
                return std::vector<Value>{transpose(c.inputs[0], order)};
              })
              .element([](ElementContext& c) {
                std::vector<Expr> at(c.index().size());
                const Integers& order = c.attributes().integers("order");
                for (size_t i = 0; i < at.size(); ++i) at[to_index(order[i])] = c.index()[i];
                return c.input(0, at);
              })
              .onnx("Transpose")
              .samples({{"f32[3,5]", {{"order", Integers{1, 0}}}, {}},
                        {"f64[2,n,3]", {{"order", Integers{2, 0, 1}}}, {}},
                        {"bf16[2,3,2]", {{"order", Integers{-1, 0, 1}}}, {}},
                        {"i64[2,1,3,2]", {{"order", Integers{3, 1, 0, 2}}}, {}},
                        {"bool[2,3]", {{"order", Integers{1, 0}}}, {}},
                        {"f32[0,3]", {{"order", Integers{1, 0}}}, {}}}));
}

Expr reverse_element(ElementContext& c) {
  std::vector<Expr> at(c.index().begin(), c.index().end());
  for (int64_t axis : c.attributes().integers("axes")) {
    size_t i = to_index(axis);
    at[i] = c.dim(c.output_type().dim(i)) - 1.0 - at[i];
  }
  return c.input(0, at);
}

void add_reverse(OpFamily& ops) {
  ops.add(primitive("reverse")
              .doc("Reverses the order of the elements along some axes.")
              .input("x")
              .attribute("axes", AttributeKind::integers, "the axes to reverse")
              .infer([](InferContext& c) {
                normalise_axes(c, "axes", c.input(0).rank());
                return std::vector<Type>{c.input(0)};
              })
              .reference([](ReferenceCall& call) {
                copy_from(call, [&](const auto& at, auto& from) {
                  from = at;
                  for (int64_t axis : call.attributes().integers("axes")) {
                    size_t i = to_index(axis);
                    from[i] = call.input(0).dim(i) - 1 - at[i];
                  }
                });
              })
              .linear({0},
                      [](TransposeContext& c) {
                        return reverse(c.cotangent, c.attributes.integers("axes"));
                      })
              .batch([](BatchContext& c) {
                Integers axes = after_batch(c.attributes.integers("axes"));
                return std::vector<Value>{reverse(c.inputs[0], axes)};
              })
              .element(reverse_element)
              .samples({{"f32[5]", {{"axes", Integers{0}}}, {}},
                        {"f64[n,3]", {{"axes", Integers{0, 1}}}, {}},
                        {"bf16[2,3,2]", {{"axes", Integers{-1}}}, {}},
                        {"i32[2,3]", {{"axes", Integers{1}}}, {}},
                        {"f32[0,2]", {{"axes", Integers{0}}}, {}}}));
}

std::vector<Type> infer_concatenate(InferContext& c) {
  if (c.inputs.empty()) fail(ErrorCode::invalid_argument, "takes at least one input");
  Type result = c.input(0);
  size_t axis = normalise_axis(c, "axis", result.rank());
  for (size_t i = 1; i < c.inputs.size(); ++i) {
    const Type& next = c.input(i);
    bool fits = next.rank() == result.rank();
    for (size_t d = 0; fits && d < result.rank(); ++d)
      fits = d == axis || next.dim(d) == result.dim(d);
    if (!fits) {
      fail(ErrorCode::shape_mismatch, "{} and {} differ in more than axis {}",
           c.input(0).to_string(), next.to_string(), axis);
    }
    if (next.dtype != result.dtype) {
      fail(ErrorCode::type_mismatch, "dtypes differ: {} and {}", c.input(0).to_string(),
           next.to_string());
    }
    result.shape[axis] = result.shape[axis] + next.dim(axis);
  }
  return {result};
}

void reference_concatenate(ReferenceCall& call) {
  size_t axis = to_index(call.attributes().integer("axis"));
  std::vector<int64_t> strides = row_major_strides(call.output(0).shape());
  int64_t offset = 0;
  for (size_t i = 0; i < call.input_count(); ++i) {
    const RefArray& part = call.input(i);
    for (BoxIndex at(part.shape()); !at.done(); at.next()) {
      int64_t to = offset * strides[axis];
      for (size_t d = 0; d < strides.size(); ++d) to += at.position()[d] * strides[d];
      call.output(0).copy_element(to, part, at.linear());
    }
    offset += part.dim(axis);
  }
}

std::vector<Value> concatenate_vjp(VjpContext& c) {
  int64_t axis = c.attributes.integer("axis");
  std::vector<Value> parts;
  Dim offset(0);
  for (const Value& input : c.inputs) {
    Dim end = offset + input.dim(to_index(axis));
    bool wanted = c.wanted[parts.size()];
    parts.push_back(wanted ? slice_axis(c.cotangents[0], axis, offset, end) : Value());
    offset = end;
  }
  return parts;
}

Expr concatenate_element(ElementContext& c) {
  size_t axis = to_index(c.attributes().integer("axis"));
  std::vector<Expr> at(c.index().begin(), c.index().end());
  Expr position = at[axis], begin = c.pool().index(0), result;
  for (size_t i = 0; i < c.input_count(); ++i) {
    Expr end = begin + c.dim(c.input_type(i).dim(axis));
    at[axis] = position - begin;
    Expr part = c.input(i, at);
    if (!result.valid()) result = c.pool().constant(part.dtype(), 0);
    result = guard((position >= begin) & (position < end), part, result);
    begin = end;
  }
  return result;
}

void add_concatenate(OpFamily& ops) {
  ops.add(primitive("concatenate")
              .doc("Joins tensors along one axis.")
              .variadic_input("parts")
              .attribute("axis", AttributeKind::integer, "the axis to join along")
              .infer(infer_concatenate)
              .reference(reference_concatenate)
              .jvp([](JvpContext& c) {
                std::vector<Value> tangents;
                for (size_t i = 0; i < c.inputs.size(); ++i)
                  tangents.push_back(or_zeros_like(c.tangents[i], c.inputs[i]));
                return std::vector<Value>{concatenate(tangents, c.attributes.integer("axis"))};
              })
              .vjp(concatenate_vjp)
              .batch([](BatchContext& c) {
                std::vector<Value> parts;
                for (size_t i = 0; i < c.inputs.size(); ++i) parts.push_back(batched_input(c, i));
                return std::vector<Value>{concatenate(parts, c.attributes.integer("axis") + 1)};
              })
              .element(concatenate_element)
              .onnx("Concat")
              .samples({{"f32[2,3], f32[4,3]", {{"axis", 0}}, {}},
                        {"f64[n,2], f64[n,3], f64[n,1]", {{"axis", 1}}, {}},
                        {"f64[n], f64[4]", {{"axis", -1}}, {}},
                        {"bf16[3], bf16[2]", {{"axis", 0}}, {}},
                        {"i32[2,2], i32[2,0], i32[2,1]", {{"axis", 1}}, {}},
                        {"bool[2], bool[3]", {{"axis", 0}}, {}},
                        {"f32[0,2], f32[0,2]", {{"axis", 0}}, {}}}));
}

}  // namespace

void register_structure(OpRegistry& registry) {
  OpFamily ops(registry, "structure");
  add_sources(ops);
  add_broadcast(ops);
  add_reshape(ops);
  add_transpose(ops);
  add_reverse(ops);
  add_concatenate(ops);
}

}  // namespace tenon
