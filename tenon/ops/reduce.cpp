#include <algorithm>
#include <cmath>
#include <limits>

#include "tenon/base/error.h"
#include "tenon/ops/element.h"
#include "tenon/ops/precision.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"

namespace tenon {

namespace {

std::vector<Type> infer_reduce(InferContext& c) {
  const Type& x = c.input(0);
  const Integers& axes = normalise_axes(c, "axes", x.rank());
  Type result{x.dtype, {}};
  for (size_t i = 0; i < x.rank(); ++i) {
    if (!contains(axes, to_axis(i))) {
      result.shape.push_back(x.dim(i));
    } else if (c.attributes.boolean("keep")) {
      result.shape.push_back(1);
    }
  }
  return {result};
}

/// Where each element of the input goes in the result.
class ReducedIndex {
 public:
  ReducedIndex(const std::vector<int64_t>& shape, const Integers& axes) : strides_(shape.size()) {
    int64_t stride = 1;
    for (size_t i = shape.size(); i-- > 0;) {
      if (contains(axes, to_axis(i))) continue;
      strides_[i] = stride;
      stride *= shape[i];
    }
  }
  int64_t operator()(const std::vector<int64_t>& position) const {
    int64_t index = 0;
    for (size_t i = 0; i < position.size(); ++i) index += position[i] * strides_[i];
    return index;
  }

 private:
  std::vector<int64_t> strides_;
};

/// Folds with `on_reals` or `on_integers`, starting from `start(dtype)`.
template <class Start, class Real, class Whole>
ReferenceRule fold_axes(Start start, Real on_reals, Whole on_integers) {
  return [=](ReferenceCall& call) {
    const RefArray& x = call.input(0);
    RefArray& out = call.output(0);
    ReducedIndex index(x.shape(), call.attributes().integers("axes"));
    for (int64_t i = 0; i < out.size(); ++i) start(out, i);
    for (BoxIndex at(x.shape()); !at.done(); at.next()) {
      int64_t to = index(at.position());
      if (x.is_real()) {
        out.set(to, on_reals(out.get(to), x.get(at.linear())));
      } else {
        out.set_int(to, on_integers(out.get_int(to), x.get_int(at.linear())));
      }
    }
  };
}

auto start_at(int64_t value) {
  return [value](RefArray& out, int64_t i) { out.set_int(i, value); };
}

/// The number that every other one of the dtype wins against: `sign` is -1 for maxima.
auto start_at_loser(double sign) {
  return [sign](RefArray& out, int64_t i) {
    constexpr auto kLowest = std::numeric_limits<int64_t>::min();
    bool low = sign < 0;
    switch (out.dtype()) {
      case DType::boolean:
        return out.set_int(i, low ? 0 : 1);
      case DType::u8:
        return out.set_int(i, low ? 0 : 255);
      case DType::i8:
        return out.set_int(i, low ? -128 : 127);
      case DType::i32:
        return out.set_int(
            i, low ? std::numeric_limits<int32_t>::min() : std::numeric_limits<int32_t>::max());
      case DType::i64:
        return out.set_int(i, low ? kLowest : std::numeric_limits<int64_t>::max());
      default:
        return out.set(i, sign * std::numeric_limits<double>::infinity());
    }
  };
}

/// Indices of the input: the output's on the kept axes, `reduced` on the others.
std::vector<Expr> input_position(ElementContext& c, const Integers& axes, bool keep,
                                 std::span<const Expr> reduced) {
  std::vector<Expr> at;
  size_t kept = 0, next = 0;
  for (size_t i = 0; i < c.input_type(0).rank(); ++i) {
    bool gone = contains(axes, to_axis(i));
    at.push_back(gone ? reduced[next++] : c.index()[kept]);
    if (!gone || keep) ++kept;
  }
  return at;
}

ElementRule reduce_element(ReduceKind kind) {
  return [kind](ElementContext& c) {
    const Integers& axes = c.attributes().integers("axes");
    bool keep = c.attributes().boolean("keep");
    std::vector<Dim> extents;
    for (int64_t axis : axes) extents.push_back(c.input_type(0).dim(to_index(axis)));
    return c.reduce(kind, extents, [&](std::span<const Expr> reduced) {
      Expr x = c.input(0, input_position(c, axes, keep, reduced));
      return cast(x, compute_type(x.dtype()));
    });
  };
}

/// A reduced value repeated along the axes that it lost.
Value spread(const RuleContext& c, Value reduced) {
  const Integers& axes = c.attributes.integers("axes");
  const Shape& shape = c.inputs[0].shape();
  Integers kept = other_axes(shape.rank(), axes);
  if (c.attributes.boolean("keep")) {
    Shape squeezed;
    for (int64_t axis : kept) squeezed.push_back(shape[to_index(axis)]);
    reduced = reshape(reduced, squeezed);
  }
  return broadcast(reduced, shape, kept);
}

std::vector<Value> batch_reduce(BatchContext& c) {
  Attributes attributes = c.attributes;
  attributes.set("axes", after_batch(c.attributes.integers("axes")));
  return c.build.call_multi(c.op, c.inputs, std::move(attributes));
}

OpStatement reduction(std::string name, ReduceKind kind, std::string doc) {
  OpStatement statement = primitive(std::move(name));
  statement.doc(std::move(doc))
      .input("x")
      .attribute("axes", AttributeKind::integers, "the axes to reduce")
      .attribute("keep", AttributeKind::boolean, false, "keep the axes, with size 1")
      .infer(infer_reduce)
      .batch(batch_reduce)
      .reduces(kind)
      .element(reduce_element(kind));
  return statement;
}

std::vector<Sample> number_samples() {
  return {{"f32[3,5]", {{"axes", Integers{1}}}, {}},
          {"f32[3,5]", {{"axes", Integers{0}}, {"keep", true}}, {}},
          {"f64[2,n,3]", {{"axes", Integers{0, 2}}}, {}},
          {"f64[2,n]", {{"axes", Integers{-1}}, {"keep", true}}, {}},
          {"f64[2,1,3,2]", {{"axes", Integers{1, 3}}, {"keep", true}}, {}},
          {"bf16[2,6]", {{"axes", Integers{1}}}, {}},
          {"f16[6]", {{"axes", Integers{0}}}, {}},
          {"i32[3,4]", {{"axes", Integers{0}}}, {{-9, 9}}},
          {"u8[3,4]", {{"axes", Integers{1}}}, {{0, 255}}},
          {"i64[n]", {{"axes", Integers{0}}}, {}},
          {"f32[3]", {{"axes", Integers{}}}, {}},
          {"f32[]", {{"axes", Integers{}}}, {}},
          {"f32[2,0]", {{"axes", Integers{1}}}, {}},
          {"f32[0,2]", {{"axes", Integers{1}}}, {}}};
}

/// Of what has an order, but is no number: bools.
std::vector<Sample> boolean_samples() {
  return {{"bool[3,4]", {{"axes", Integers{1}}}, {}},
          {"bool[2,n]", {{"axes", Integers{0}}, {"keep", true}}, {}},
          {"bool[4]", {{"axes", Integers{0}}}, {}},
          {"bool[2,0]", {{"axes", Integers{1}}}, {}}};
}

std::vector<Sample> ordered_samples() {
  std::vector<Sample> samples = number_samples(), bools = boolean_samples();
  samples.insert(samples.end(), bools.begin(), bools.end());
  return samples;
}

OpStatement& with_samples(OpStatement& statement, const std::vector<Sample>& samples) {
  for (const Sample& sample : samples) statement.samples({sample});
  return statement;
}

void add_sum(OpFamily& ops) {
  OpStatement sum = reduction("reduce_sum", ReduceKind::sum, "The sum over some axes.");
  sum.dtypes(kNumeric)
      .reference(fold_axes(
          start_at(0), [](double a, double b) { return a + b; },
          [](int64_t a, int64_t b) {
            return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
          }))
      .linear({0}, [](TransposeContext& c) { return spread(c, c.cotangent); })
      .onnx("ReduceSum");
  ops.add(with_samples(sum, number_samples()));
}

/// What each element is multiplied by in the product: all the others, without dividing by it,
/// which may be zero. Taken along one axis that holds all reduced ones, the last; of f16 and bf16
/// in f32, since partial products may leave their range.
Value others_product(const RuleContext& c) {
  const Integers& axes = c.attributes.integers("axes");
  Value x = widen(c.inputs[0]);
  Integers order = other_axes(x.rank(), axes), back(x.rank());
  order.insert(order.end(), axes.begin(), axes.end());
  for (size_t i = 0; i < order.size(); ++i) back[to_index(order[i])] = to_axis(i);
  Value moved = transpose(x, order);
  Shape flat;
  for (size_t i = 0; i < x.rank() - axes.size(); ++i) flat.push_back(moved.dim(i));
  Dim count(1);
  for (int64_t axis : axes) count = count * x.dim(to_index(axis));
  flat.push_back(count);
  Value line = reshape(moved, flat);
  auto products = [&](bool from_end) {
    return c.build.call("cumulative_product", {line},
                        {{"axis", -1}, {"reverse", from_end}, {"exclusive", true}});
  };
  return transpose(reshape(products(false) * products(true), moved.shape()), back);
}

void add_product(OpFamily& ops) {
  OpStatement product =
      reduction("reduce_product", ReduceKind::product, "The product over some axes.");
  product.dtypes(kNumeric)
      .reference(fold_axes(
          start_at(1), [](double a, double b) { return a * b; },
          [](int64_t a, int64_t b) {
            return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
          }))
      .jvp([](JvpContext& c) {
        Value sum = reduce_sum(widen(c.tangents[0]) * others_product(c),
                               c.attributes.integers("axes"), c.attributes.boolean("keep"));
        return std::vector<Value>{cast(sum, c.inputs[0].dtype())};
      })
      .vjp([](VjpContext& c) {
        Value scaled = widen(spread(c, c.cotangents[0])) * others_product(c);
        return std::vector<Value>{cast(scaled, c.inputs[0].dtype())};
      })
      .onnx("ReduceProd");
  ops.add(with_samples(product, number_samples()));
}

/// `derivative` times the share that each element has in the extremum.
Value shared_by_extrema(const RuleContext& c, Value derivative) {
  auto total = [&](Value hit) {
    return spread(c, reduce_sum(hit, c.attributes.integers("axes"), c.attributes.boolean("keep")));
  };
  return widen(derivative) * share_of_extremum(c.inputs[0], spread(c, c.outputs[0]), total);
}

OpStatement& extremum_derivative(OpStatement& statement) {
  return statement
      .jvp([](JvpContext& c) {
        Value sum = reduce_sum(shared_by_extrema(c, c.tangents[0]), c.attributes.integers("axes"),
                               c.attributes.boolean("keep"));
        return std::vector<Value>{cast(sum, c.inputs[0].dtype())};
      })
      .vjp([](VjpContext& c) {
        Value shared = shared_by_extrema(c, spread(c, c.cotangents[0]));
        return std::vector<Value>{cast(shared, c.inputs[0].dtype())};
      });
}

void add_extrema(OpFamily& ops) {
  OpStatement largest =
      reduction("reduce_max", ReduceKind::maximum,
                "The largest element over some axes; NaN if there is one. An empty axis gives the "
                "lowest number. Equal maxima share the derivative.");
  largest.dtypes(kAnyDType)
      .reference(fold_axes(
          start_at_loser(-1), [](double a, double b) { return a > b || std::isnan(a) ? a : b; },
          [](int64_t a, int64_t b) { return std::max(a, b); }))
      .onnx("ReduceMax");
  ops.add(with_samples(extremum_derivative(largest), ordered_samples()));

  OpStatement smallest =
      reduction("reduce_min", ReduceKind::minimum,
                "The smallest element over some axes; NaN if there is one. An empty axis gives the "
                "highest number. Equal minima share the derivative.");
  smallest.dtypes(kAnyDType)
      .reference(fold_axes(
          start_at_loser(1), [](double a, double b) { return a < b || std::isnan(a) ? a : b; },
          [](int64_t a, int64_t b) { return std::min(a, b); }))
      .onnx("ReduceMin");
  ops.add(with_samples(extremum_derivative(smallest), ordered_samples()));
}

void add_logic(OpFamily& ops) {
  auto add = [&](const char* name, ReduceKind kind, const char* doc, int64_t start, auto combine) {
    OpStatement statement = reduction(name, kind, doc);
    statement.dtypes(kBoolean)
        .reference(fold_axes(
            start_at(start), [](double a, double) { return a; }, combine))
        .non_differentiable("a function of bools");
    ops.add(with_samples(statement, boolean_samples()));
  };
  add("reduce_and", ReduceKind::logical_and, "Whether all are true.", 1,
      [](int64_t a, int64_t b) { return a & b; });
  add("reduce_or", ReduceKind::logical_or, "Whether any is true.", 0,
      [](int64_t a, int64_t b) { return a | b; });
}

std::vector<Type> infer_arg(InferContext& c) {
  const Type& x = c.input(0);
  size_t axis = normalise_axis(c, "axis", x.rank());
  if (x.dim(axis).is(0))
    fail(ErrorCode::shape_mismatch, "axis {} of {} is empty", axis, x.to_string());
  Type result{checked_position_dtype(c, x.dim(axis)), x.shape};
  result.shape.erase(axis);
  return {result};
}

ReferenceRule reference_arg(const char* name, double sign) {
  return [name, sign](ReferenceCall& call) {
    const RefArray& x = call.input(0);
    size_t axis = to_index(call.attributes().integer("axis"));
    check_positions_fit(name, x.dim(axis), call.output(0).dtype());
    ReducedIndex index(x.shape(), {to_axis(axis)});
    int64_t stride = row_major_strides(x.shape())[axis];
    auto wins = [&](int64_t a, int64_t b) {  // element a over the earlier element b
      if (!x.is_real()) return sign > 0 ? x.get_int(a) > x.get_int(b) : x.get_int(a) < x.get_int(b);
      if (std::isnan(x.get(a)) || std::isnan(x.get(b))) return !std::isnan(x.get(b));
      return sign * x.get(a) > sign * x.get(b);
    };
    for (BoxIndex at(x.shape()); !at.done(); at.next()) {
      int64_t to = index(at.position()), here = at.position()[axis];
      int64_t best = call.output(0).get_int(to);
      if (here > 0 && wins(at.linear(), at.linear() + (best - here) * stride))
        call.output(0).set_int(to, here);
    }
  };
}

void add_arguments(OpFamily& ops) {
  auto add = [&](const char* name, const char* doc, double sign, const char* onnx) {
    ops.add(primitive(name)
                .doc(doc)
                .input("x")
                .attribute("axis", AttributeKind::integer, "the axis to search")
                .attribute("dtype", AttributeKind::dtype, DType::i32,
                           "of the index: i32 or i64; i64 where i32 cannot hold every position")
                .infer(infer_arg)
                .reference(reference_arg(name, sign))
                .non_differentiable("an index")
                .batch([](BatchContext& c) {
                  Attributes attributes = c.attributes;
                  attributes.set("axis", c.attributes.integer("axis") + 1);
                  return c.build.call_multi(c.op, c.inputs, std::move(attributes));
                })
                .onnx(onnx)
                .samples({{"f32[3,5]", {{"axis", 1}}, {}},
                          {"f64[n,3]", {{"axis", 0}, {"dtype", DType::i64}}, {}},
                          {"bf16[8]", {{"axis", -1}}, {}},
                          {"i32[2,8]", {{"axis", 1}}, {{-2, 2}}},
                          {"u8[6,2]", {{"axis", 0}}, {{0, 9}}},
                          {"bool[6,2]", {{"axis", 0}}, {}},
                          {"f32[0,2]", {{"axis", 1}}, {}}}));
  };
  add("argmax", "The first index of the largest element along an axis; of the first NaN.", 1,
      "ArgMax");
  add("argmin", "The first index of the smallest element along an axis; of the first NaN.", -1,
      "ArgMin");
}

}  // namespace

void register_reduce(OpRegistry& registry) {
  OpFamily ops(registry, "reduce");
  add_sum(ops);
  add_product(ops);
  add_extrema(ops);
  add_logic(ops);
  add_arguments(ops);
}

}  // namespace tenon
