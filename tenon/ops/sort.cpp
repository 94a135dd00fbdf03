#include <algorithm>
#include <cmath>
#include <numeric>

#include "tenon/base/error.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

std::vector<Type> infer_sort(InferContext& c) {
  const Type& keys = c.input(0);
  normalise_axis(c, "axis", keys.rank());
  for (const Type& values : c.inputs) {
    if (values.shape == keys.shape) continue;
    fail(ErrorCode::shape_mismatch, "keys {} and values {} have different shapes", keys.to_string(),
         values.to_string());
  }
  return {c.inputs.begin(), c.inputs.end()};
}

void reference_sort(ReferenceCall& call) {
  const RefArray& keys = call.input(0);
  bool descending = call.attributes().boolean("descending");
  auto before = [&](int64_t a, int64_t b) {
    if (!keys.is_real()) {
      int64_t x = keys.get_int(a), y = keys.get_int(b);
      return descending ? x > y : x < y;
    }
    double x = keys.get(a), y = keys.get(b);
    if (std::isnan(x) || std::isnan(y)) return !std::isnan(x);
    return descending ? x > y : x < y;
  };
  size_t axis = to_index(call.attributes().integer("axis"));
  for_each_line(keys, axis, [&](int64_t first, int64_t stride, int64_t count) {
    std::vector<int64_t> order(to_index(count));
    std::iota(order.begin(), order.end(), int64_t{0});
    auto at = [&](int64_t i) { return first + i * stride; };
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return before(at(a), at(b)); });
    for (size_t i = 0; i < call.input_count(); ++i) {
      for (int64_t to = 0; to < count; ++to)
        call.output(i).copy_element(at(to), call.input(i), at(order[to_index(to)]));
    }
  });
}

/// Where each sorted element was.
Value sorting_order(const RuleContext& c) {
  int64_t axis = c.attributes.integer("axis");
  Value index = iota(c.build, DType::i64, c.inputs[0].shape(), axis);
  Value both[] = {c.inputs[0], index};
  return c.build.call_multi(c.build.ops().get("sort"), both, c.attributes)[1];
}

void add_sort(OpFamily& ops) {
  ops.add(primitive("sort")
              .doc("Sorts keys along an axis, and values with them. Equal keys keep their order, "
                   "NaN comes last.")
              .input("keys")
              .variadic_input("values")
              .attribute("axis", AttributeKind::integer, -1, "the axis to sort")
              .attribute("descending", AttributeKind::boolean, false, "from the largest on")
              .infer(infer_sort)
              .reference(reference_sort)
              .jvp([](JvpContext& c) {
                Value order = sorting_order(c);
                std::vector<Value> result;
                for (const Value& tangent : c.tangents) {
                  result.push_back(
                      tangent ? take_along_axis(tangent, order, c.attributes.integer("axis"))
                              : Value());
                }
                return result;
              })
              .vjp([](VjpContext& c) {
                Value order = sorting_order(c);
                std::vector<Value> result;
                for (size_t i = 0; i < c.inputs.size(); ++i) {
                  bool flows = c.cotangents[i] && c.wanted[i];
                  result.push_back(flows ? add_along_axis(c.inputs[i], order, c.cotangents[i],
                                                          c.attributes.integer("axis"))
                                         : Value());
                }
                return result;
              })
              .batch(batch_along_axis)
              .samples({{"f32[6]", {}, {}},
                        {"f64[n,3]", {{"axis", 0}}, {}},
                        {"f64[2,n], f64[2,n]", {{"descending", true}}, {}},
                        {"i32[8], f64[8], i64[8]", {{"axis", 0}}, {{-2, 2}, {-2, 2}, {0, 9}}},
                        {"i32[2,8], i64[2,8]", {{"descending", true}}, {{-2, 2}, {0, 9}}},
                        {"bf16[4], bool[4]", {}, {}},
                        {"bool[2,5], i32[2,5]", {{"axis", 0}, {"descending", true}}, {}},
                        {"f32[0]", {}, {}}}));
}

void add_top_k(OpFamily& ops) {
  ops.add(
      composite("top_k")
          .doc("The k largest elements of the last axis, the largest first, and their "
               "positions (i64). Of equal elements the earlier comes first; NaN is the largest.")
          .input("x")
          .attribute("k", AttributeKind::integer, "how many elements")
          .infer([](InferContext& c) -> std::vector<Type> {
            Type values = c.input(0);
            int64_t k = c.attributes.integer("k");
            if (values.rank() == 0) fail(ErrorCode::shape_mismatch, "x is a scalar");
            Dim& last = values.shape[values.rank() - 1];
            if (k < 0 || (last.is_constant() && k > last.constant())) {
              fail(ErrorCode::out_of_range, "k is {}, but the last axis of {} has {}", k,
                   c.input(0).to_string(), last.to_string());
            }
            last = Dim(k);
            return {values, {DType::i64, values.shape}};
          })
          .decompose([](RuleContext& c) -> std::vector<Value> {
            // From the end of what is sorted upwards, where NaN is. Reversed before, too, so
            // that equal elements end in their order.
            Value x = c.inputs[0];
            Integers last{static_cast<int64_t>(x.rank()) - 1};
            Value both[] = {reverse(x, last),
                            reverse(iota(c.build, DType::i64, x.shape(), -1), last)};
            std::vector<Value> sorted =
                c.build.call_multi(c.build.ops().get("sort"), both, {{"axis", -1}});
            const Dim& size = x.dim(x.rank() - 1);
            Dim first = size - Dim(c.attributes.integer("k"));
            return {reverse(slice_axis(sorted[0], -1, first, size), last),
                    reverse(slice_axis(sorted[1], -1, first, size), last)};
          })
          .onnx("TopK")
          .samples({{"f32[3,5]", {{"k", 2}}, {}},
                    {"f32[n,7]", {{"k", 7}}, {}},
                    {"i32[9]", {{"k", 1}}, {}},
                    {"bool[2,4]", {{"k", 3}}, {}}}));
}

/// Checks that both lead with the same axes, and that positions fit the dtype.
std::vector<Type> infer_search(InferContext& c) {
  const Type &sorted = c.input(0), &values = c.input(1);
  int64_t batch = c.attributes.integer("batch_dims");
  if (batch < 0 || batch != to_axis(sorted.rank()) - 1 || to_axis(values.rank()) < batch) {
    fail(ErrorCode::shape_mismatch,
         "sorted {} and values {}: with batch_dims {} sorted needs one axis more, values no less",
         sorted.to_string(), values.to_string(), batch);
  }
  for (size_t i = 0; i < to_index(batch); ++i) {
    if (sorted.dim(i) == values.dim(i)) continue;
    fail(ErrorCode::shape_mismatch, "batch axis {} of sorted {} is {}, but of values {} it is {}",
         i, sorted.to_string(), sorted.dim(i).to_string(), values.to_string(),
         values.dim(i).to_string());
  }
  if (sorted.dtype != values.dtype) {
    fail(ErrorCode::type_mismatch, "dtypes differ: sorted {} and values {}", sorted.to_string(),
         values.to_string());
  }
  const Dim& count = sorted.dim(to_index(batch));
  DType dtype = checked_position_dtype(c, count + 1);
  return {{dtype, values.shape}};
}

void reference_search(ReferenceCall& call) {
  const RefArray &sorted = call.input(0), &values = call.input(1);
  bool right = call.attributes().boolean("right");
  size_t batch = to_index(call.attributes().integer("batch_dims"));
  int64_t count = sorted.dim(batch), lines = 1;
  check_positions_fit("search_sorted", count + 1, call.output(0).dtype());
  for (size_t i = 0; i < batch; ++i) lines *= sorted.dim(i);
  auto before = [&](const RefArray& x, int64_t i, const RefArray& y, int64_t k) {
    if (!x.is_real()) return x.get_int(i) < y.get_int(k);
    return x.get(i) < y.get(k) || (std::isnan(y.get(k)) && !std::isnan(x.get(i)));
  };
  for (int64_t i = 0; i < values.size(); ++i) {
    int64_t first = i / (values.size() / lines) * count, at = 0;
    while (at < count &&
           (right ? !before(values, i, sorted, first + at) : before(sorted, first + at, values, i)))
      ++at;
    call.output(0).set_int(i, at);
  }
}

void add_search(OpFamily& ops) {
  ops.add(
      primitive("search_sorted")
          .doc(
              "How many elements of an ascending vector come before each value, which is where the "
              "value would be put in; with `right`, those that equal it, too. NaN is behind every "
              "number.")
          .input("sorted")
          .input("values")
          .attribute("right", AttributeKind::boolean, false, "behind equal elements")
          .attribute("batch_dims", AttributeKind::integer, 0, "leading axes that both share")
          .attribute("dtype", AttributeKind::dtype, DType::i32,
                     "of the position: i32 or i64; i64 where i32 cannot hold every position")
          .infer(infer_search)
          .reference(reference_search)
          .non_differentiable("an index")
          .batch([](BatchContext& c) -> std::vector<Value> {
            int64_t batch = c.attributes.integer("batch_dims");
            if (batch == 0 && !c.batched[0])
              return c.build.call_multi(c.op, c.inputs, c.attributes);
            Attributes attributes = c.attributes;
            attributes.set("batch_dims", batch + 1);
            Value both[] = {batched_input(c, 0), batched_input(c, 1)};
            return c.build.call_multi(c.op, both, std::move(attributes));
          })
          .samples({{"f32[0], f32[3]", {}, {}},
                    {"f32[1], f32[2,3]", {{"right", true}}, {}},
                    {"f64[1], f64[n]", {{"dtype", DType::i64}}, {}},
                    {"i32[n,1], i32[n,4]", {{"batch_dims", 1}}, {{-2, 2}, {-3, 3}}},
                    {"u8[1], u8[]", {{"right", true}}, {{0, 9}, {0, 9}}},
                    {"bf16[1], bf16[5]", {}, {}}}));
}

}  // namespace

void register_sort(OpRegistry& registry) {
  OpFamily ops(registry, "sort");
  add_sort(ops);
  add_top_k(ops);
  add_search(ops);
}

}  // namespace tenon
