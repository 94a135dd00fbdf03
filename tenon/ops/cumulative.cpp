#include <algorithm>
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/ops/functions.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"

namespace tenon {

namespace {

template <class Real, class Whole>
ReferenceRule accumulate(Real on_reals, Whole on_integers, bool starts_at_one) {
  return [=](ReferenceCall& call) {
    const RefArray& x = call.input(0);
    RefArray& out = call.output(0);
    bool reverse = call.attributes().boolean("reverse");
    bool exclusive = call.attributes().find("exclusive") && call.attributes().boolean("exclusive");
    size_t axis = to_index(call.attributes().integer("axis"));
    for_each_line(x, axis, [&](int64_t first, int64_t stride, int64_t count) {
      auto at = [&](int64_t step) { return first + (reverse ? count - 1 - step : step) * stride; };
      for (int64_t step = 0; step < count; ++step) {
        int64_t here = at(step);
        if (step == 0) {
          if (exclusive) {
            out.set_int(here, starts_at_one);
          } else {
            out.copy_element(here, x, here);
          }
          continue;
        }
        int64_t before = at(step - 1), term = exclusive ? before : here;
        if (x.is_real()) {
          out.set(here, on_reals(out.get(before), x.get(term)));
        } else {
          out.set_int(here, on_integers(out.get_int(before), x.get_int(term)));
        }
      }
    });
  };
}

OpStatement accumulation(std::string name, std::string doc) {
  OpStatement statement = primitive(std::move(name));
  statement.doc(std::move(doc))
      .input("x", kNumeric)
      .attribute("axis", AttributeKind::integer, "along which is accumulated")
      .attribute("reverse", AttributeKind::boolean, false, "from the last element to the first")
      .infer([](InferContext& c) {
        normalise_axis(c, "axis", c.input(0).rank());
        return std::vector<Type>{c.input(0)};
      })
      .batch(batch_along_axis)
      .samples({{"f32[5]", {{"axis", 0}}, {}},
                {"f64[n,3]", {{"axis", 0}}, {}},
                {"f64[2,n]", {{"axis", -1}, {"reverse", true}}, {}},
                {"bf16[2,6]", {{"axis", 1}}, {}},
                {"i32[2,3,2]", {{"axis", 1}}, {{-9, 9}}},
                {"f32[0]", {{"axis", 0}}, {}}});
  return statement;
}

OpStatement& may_be_exclusive(OpStatement& statement) {
  return statement
      .attribute("exclusive", AttributeKind::boolean, false,
                 "leave each element out of its own result")
      .samples({{"f64[2,4]", {{"axis", 1}, {"exclusive", true}}, {}},
                {"f64[n]", {{"axis", 0}, {"exclusive", true}, {"reverse", true}}, {}},
                {"u8[6]", {{"axis", 0}, {"exclusive", true}}, {{0, 255}}}});
}

void add_sum(OpFamily& ops) {
  OpStatement sum = accumulation("cumulative_sum", "Sums of all elements up to each one.");
  may_be_exclusive(sum)
      .reference(accumulate([](double a, double b) { return a + b; },
                            [](int64_t a, int64_t b) {
                              return static_cast<int64_t>(static_cast<uint64_t>(a) +
                                                          static_cast<uint64_t>(b));
                            },
                            false))
      .linear({0},
              [](TransposeContext& c) {
                return cumulative_sum(c.cotangent, c.attributes.integer("axis"),
                                      !c.attributes.boolean("reverse"),
                                      c.attributes.boolean("exclusive"));
              })
      .onnx("CumSum");
  ops.add(sum);
}

/// The Jacobian of a cumulative product along its axis, [rest…, result, element]: the product of
/// all elements that a result contains but one. Quadratic in the axis, but right where elements are
/// zero, and made of ops that differentiate again.
struct ProductJacobian {
  Value matrix;
  int64_t axis;

  explicit ProductJacobian(const RuleContext& c) : axis(c.attributes.integer("axis")) {
    int64_t last = to_axis(c.inputs[0].rank()) - 1;
    bool reverse = c.attributes.boolean("reverse"), exclusive = c.attributes.boolean("exclusive");
    Value x = move_axis(c.inputs[0], axis, last);
    // others[…, i, k] = x[…, i], but 1 where i == k, accumulated over i.
    Shape shape = x.shape();
    shape.push_back(x.dim(to_index(last)));
    Value i = iota(c.build, DType::i64, shape, last),
          k = iota(c.build, DType::i64, shape, last + 1);
    Value others = select(equal(i, k), 1.0, broadcast(x, shape, all_axes(x.rank())));
    Value products = c.build.call("cumulative_product", {others},
                                  {{"axis", last}, {"reverse", reverse}, {"exclusive", exclusive}});
    Value contains = reverse ? (exclusive ? greater(k, i) : greater_equal(k, i))
                             : (exclusive ? less(k, i) : less_equal(k, i));
    matrix = select(contains, products, 0.0);
  }

  /// Sums vector times matrix over results (`over` is 0) or over elements (1).
  Value times(Value vector, int64_t over) const {
    int64_t last = to_axis(vector.rank()) - 1;
    Integers dims = all_axes(vector.rank());
    dims.back() = last + over;
    Value spread = broadcast(move_axis(vector, axis, last), matrix.shape(), dims);
    return move_axis(reduce_sum(spread * matrix, {last + over}), last, axis);
  }
};

void add_product(OpFamily& ops) {
  OpStatement product =
      accumulation("cumulative_product", "Products of all elements up to each one.");
  may_be_exclusive(product)
      .reference(accumulate([](double a, double b) { return a * b; },
                            [](int64_t a, int64_t b) {
                              return static_cast<int64_t>(static_cast<uint64_t>(a) *
                                                          static_cast<uint64_t>(b));
                            },
                            true))
      .jvp([](JvpContext& c) {
        return std::vector<Value>{ProductJacobian(c).times(c.tangents[0], 1)};
      })
      .vjp([](VjpContext& c) {
        return std::vector<Value>{ProductJacobian(c).times(c.cotangents[0], 0)};
      });
  ops.add(product);
}

/// The index that each cumulative extremum comes from: where a new one appears, carried on.
Value source_of_extremum(const RuleContext& c) {
  int64_t axis = c.attributes.integer("axis");
  bool reverse = c.attributes.boolean("reverse");
  Value x = c.inputs[0], y = c.outputs[0];
  Value index = iota(c.build, DType::i64, x.shape(), axis);
  const Dim& count = x.dim(to_index(axis));
  if (count.is(0)) return index;
  // A new extremum is an element that differs from the result before it. The first always is one.
  Value before = reverse ? slice_axis(y, axis, 1, count) : slice_axis(y, axis, 0, count - 1);
  Value after = reverse ? slice_axis(y, axis, 0, count - 1) : slice_axis(y, axis, 1, count);
  Value moved = not_equal(before, after);
  Shape low(std::vector<Dim>(x.rank(), Dim(0))), high = low;
  (reverse ? high : low)[to_index(axis)] = 1;
  Value is_new = pad(moved, c.build.full({DType::boolean, {}}, 1), low, high);
  Value none = reverse ? broadcast(dim_value(c.build, count - 1, DType::i64), x.shape(), {})
                       : c.build.full_like(index, 0.0);
  return c.build.call(reverse ? "cumulative_min" : "cumulative_max", {select(is_new, index, none)},
                      {{"axis", axis}, {"reverse", reverse}});
}

OpStatement& extremum_derivative(OpStatement& statement) {
  return statement
      .jvp([](JvpContext& c) {
        return std::vector<Value>{
            take_along_axis(c.tangents[0], source_of_extremum(c), c.attributes.integer("axis"))};
      })
      .vjp([](VjpContext& c) {
        return std::vector<Value>{add_along_axis(c.inputs[0], source_of_extremum(c),
                                                 c.cotangents[0], c.attributes.integer("axis"))};
      });
}

void add_extrema(OpFamily& ops) {
  OpStatement largest = accumulation(
      "cumulative_max", "The largest of all elements up to each one; NaN after the first NaN.");
  largest.reference(accumulate([](double a, double b) { return a > b || std::isnan(a) ? a : b; },
                               [](int64_t a, int64_t b) { return std::max(a, b); }, false));
  ops.add(extremum_derivative(largest));
  OpStatement smallest = accumulation(
      "cumulative_min", "The smallest of all elements up to each one; NaN after the first NaN.");
  smallest.reference(accumulate([](double a, double b) { return a < b || std::isnan(a) ? a : b; },
                                [](int64_t a, int64_t b) { return std::min(a, b); }, false));
  ops.add(extremum_derivative(smallest));
}

}  // namespace

void register_cumulative(OpRegistry& registry) {
  OpFamily ops(registry, "cumulative");
  add_sum(ops);
  add_product(ops);
  add_extrema(ops);
}

}  // namespace tenon
