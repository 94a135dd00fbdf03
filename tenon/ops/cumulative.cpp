#include <algorithm>
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/ops/precision.h"
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

OpStatement accumulation(std::string name, std::string doc, DTypeSet dtypes) {
  OpStatement statement = primitive(std::move(name));
  statement.doc(std::move(doc))
      .input("x", dtypes)
      .attribute("axis", AttributeKind::integer, "the axis to accumulate along")
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
  OpStatement sum =
      accumulation("cumulative_sum", "Sums of all elements up to each one.", kNumeric);
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

/// Each element of x one place on along the axis, or one place back; `first` where none comes from.
Value shifted(Value x, int64_t axis, bool back, double first) {
  Shape low(std::vector<Dim>(x.rank(), Dim(0))), high = low;
  low[to_index(axis)] = Dim(back ? -1 : 1);
  high[to_index(axis)] = Dim(back ? 1 : -1);
  return pad(x, x.build().full({x.dtype(), {}}, first), low, high);
}

Value linear_recurrence(Value a, Value b, int64_t axis, bool reverse) {
  return a.build().call("linear_recurrence", {a, b}, {{"axis", axis}, {"reverse", reverse}});
}

/// Of the results before each one, `s` of a recurrence or what is accumulated alike.
struct Direction {
  int64_t axis;
  bool reverse;

  explicit Direction(const Attributes& attributes)
      : axis(attributes.integer("axis")), reverse(attributes.boolean("reverse")) {}
  Value before(Value x, double first) const { return shifted(x, axis, reverse, first); }
  Value after(Value x, double last) const { return shifted(x, axis, !reverse, last); }
  Value solve(Value a, Value b) const { return linear_recurrence(a, b, axis, reverse); }
  Value solve_back(Value a, Value b) const { return linear_recurrence(a, b, axis, !reverse); }
};

// s[i] = a[i] s[i - 1] + b[i] is linear in b and in a by itself: tangents obey the same recurrence,
// cotangents one that runs the other way, with the coefficient of the element after each.

void add_recurrence(OpFamily& ops) {
  ops.add(
      primitive("linear_recurrence")
          .doc("s[i] = a[i] s[i - 1] + b[i] along an axis, with nothing before the first: "
               "discounted sums, exponential averages, state-space models.")
          .input("a", kFloating)
          .input("b", kFloating)
          .attribute("axis", AttributeKind::integer, "along which it runs")
          .attribute("reverse", AttributeKind::boolean, false, "from the last element to the first")
          .infer([](InferContext& c) {
            normalise_axis(c, "axis", c.input(0).rank());
            if (c.input(0) != c.input(1)) {
              fail(ErrorCode::shape_mismatch, "a is {}, but b is {}", c.input(0).to_string(),
                   c.input(1).to_string());
            }
            return std::vector<Type>{c.input(0)};
          })
          .reference([](ReferenceCall& call) {
            const RefArray &a = call.input(0), &b = call.input(1);
            bool reverse = call.attributes().boolean("reverse");
            size_t axis = to_index(call.attributes().integer("axis"));
            for_each_line(a, axis, [&](int64_t first, int64_t stride, int64_t count) {
              for (int64_t step = 0; step < count; ++step) {
                int64_t at = first + (reverse ? count - 1 - step : step) * stride;
                int64_t before = reverse ? at + stride : at - stride;
                double carried = step == 0 ? 0 : a.get(at) * call.output(0).get(before);
                call.output(0).set(at, carried + b.get(at));
              }
            });
          })
          .jvp([](JvpContext& c) {
            Direction along(c.attributes);
            DType dtype = c.inputs[0].dtype();
            Value driven;
            if (c.tangents[0]) driven = widen(c.tangents[0]) * along.before(widen(c.outputs[0]), 0);
            if (c.tangents[1]) {
              Value of_b = widen(c.tangents[1]);
              driven = driven ? driven + of_b : of_b;
            }
            return std::vector<Value>{cast(along.solve(widen(c.inputs[0]), driven), dtype)};
          })
          .vjp([](VjpContext& c) {
            Direction along(c.attributes);
            DType dtype = c.inputs[0].dtype();
            Value of_b =
                along.solve_back(along.after(widen(c.inputs[0]), 0), widen(c.cotangents[0]));
            Value of_a = of_b * along.before(widen(c.outputs[0]), 0);
            return std::vector<Value>{cast(of_a, dtype), cast(of_b, dtype)};
          })
          .batch(batch_along_axis)
          .samples({{"f32[5], f32[5]", {{"axis", 0}}, {}},
                    {"f64[n,3], f64[n,3]", {{"axis", 0}}, {}},
                    {"f64[2,n], f64[2,n]", {{"axis", -1}, {"reverse", true}}, {}},
                    {"bf16[2,6], bf16[2,6]", {{"axis", 1}}, {}},
                    {"f16[4], f16[4]", {{"axis", 0}, {"reverse", true}}, {}},
                    {"f32[0], f32[0]", {{"axis", 0}}, {}}}));
}

/// Tangents of y[i] = x[i] y[i - 1], or of x[i - 1] y[i - 1] where that is exclusive, obey the
/// recurrence of y: linear in time and memory, and nothing is divided by elements that may be 0.
Value product_tangent(const JvpContext& c) {
  Direction along(c.attributes);
  bool exclusive = c.attributes.boolean("exclusive");
  Value x = widen(c.inputs[0]), dx = widen(c.tangents[0]);
  Value before = along.before(widen(c.outputs[0]), exclusive ? 0 : 1);
  if (!exclusive) return along.solve(x, dx * before);
  return along.solve(along.before(x, 0), along.before(dx, 0) * before);
}

/// The cotangent of x[k] is the product of what comes before it, times the sum of the cotangents
/// behind it, each times what is multiplied in between: the recurrence of y run backwards.
Value product_cotangent(const VjpContext& c) {
  Direction along(c.attributes);
  bool exclusive = c.attributes.boolean("exclusive");
  Value x = widen(c.inputs[0]), ct = widen(c.cotangents[0]);
  Value before = exclusive ? widen(c.outputs[0]) : along.before(widen(c.outputs[0]), 1);
  return before * along.solve_back(along.after(x, 0), exclusive ? along.after(ct, 0) : ct);
}

void add_product(OpFamily& ops) {
  OpStatement product =
      accumulation("cumulative_product", "Products of all elements up to each one.", kNumeric);
  may_be_exclusive(product)
      .reference(accumulate([](double a, double b) { return a * b; },
                            [](int64_t a, int64_t b) {
                              return static_cast<int64_t>(static_cast<uint64_t>(a) *
                                                          static_cast<uint64_t>(b));
                            },
                            true))
      .jvp([](JvpContext& c) {
        return std::vector<Value>{cast(product_tangent(c), c.inputs[0].dtype())};
      })
      .vjp([](VjpContext& c) {
        return std::vector<Value>{cast(product_cotangent(c), c.inputs[0].dtype())};
      });
  ops.add(product);
}

/// The index that each cumulative extremum comes from, carried on from where an element is one: the
/// latest of equal ones, and of NaNs, as in PyTorch.
Value source_of_extremum(const RuleContext& c) {
  int64_t axis = c.attributes.integer("axis");
  bool reverse = c.attributes.boolean("reverse");
  Value x = c.inputs[0];
  Value index = iota(c.build, DType::i64, x.shape(), axis);
  const Dim& count = x.dim(to_index(axis));
  if (count.is(0)) return index;
  Value is_extremum = equal(x, c.outputs[0]);
  if (is_floating(x.dtype())) is_extremum = logical_or(is_extremum, c.build.call("is_nan", {x}));
  // The first element always is one.
  Value none = reverse ? broadcast(dim_value(c.build, count - 1, DType::i64), x.shape(), {})
                       : c.build.full_like(index, 0.0);
  return c.build.call(reverse ? "cumulative_min" : "cumulative_max",
                      {select(is_extremum, index, none)}, {{"axis", axis}, {"reverse", reverse}});
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
      "cumulative_max",
      "The largest of all elements up to each one; NaN after the first NaN. Of equal ones "
      "the latest has the derivative.",
      kAnyDType);
  largest.reference(accumulate([](double a, double b) { return a > b || std::isnan(a) ? a : b; },
                               [](int64_t a, int64_t b) { return std::max(a, b); }, false));
  ops.add(extremum_derivative(largest));
  OpStatement smallest = accumulation(
      "cumulative_min",
      "The smallest of all elements up to each one; NaN after the first NaN. Of equal ones "
      "the latest has the derivative.",
      kAnyDType);
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
  add_recurrence(ops);
}

}  // namespace tenon
