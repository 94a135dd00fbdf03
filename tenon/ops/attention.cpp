#include <cmath>
#include <limits>

#include "tenon/base/error.h"
#include "tenon/ops/precision.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/statement.h"

namespace tenon {

namespace {

using Values = std::vector<Value>;

// --- attention ---

/// What a forbidden score becomes: its exponential is 0 beside any allowed one, and softmax stays
/// finite where there is none.
constexpr double kForbidden = -1e30;

std::vector<Type> infer_attention(InferContext& c) {
  const Type& q = c.input(0);
  const Type& k = c.input(1);
  const Type& v = c.input(2);
  auto wrong = [&](std::string_view what) {
    fail(ErrorCode::shape_mismatch, "{}: q {}, k {}, v {}; they are [batch, heads, time, depth]",
         what, q.to_string(), k.to_string(), v.to_string());
  };
  for (const Type* type : {&q, &k, &v}) {
    if (type->rank() != 4) wrong("axes are missing");
    if (type->dtype != q.dtype) wrong("dtypes differ");
    if (type->dim(0) != q.dim(0) || type->dim(1) != q.dim(1)) wrong("batch or heads differ");
  }
  if (q.dim(3) != k.dim(3)) wrong("the depths of q and k differ");
  if (k.dim(2) != v.dim(2)) wrong("the times of k and v differ");
  if (c.inputs.size() > 3) {
    Shape scores{q.dim(0), q.dim(1), q.dim(2), k.dim(2)};
    const Type& mask = c.input(3);
    if (mask.rank() > 4 || broadcast_shapes(mask.shape, scores) != scores) {
      fail(ErrorCode::shape_mismatch, "mask {} does not broadcast to the scores {}",
           mask.to_string(), scores.to_string());
    }
    if (is_integer(mask.dtype)) {
      fail(ErrorCode::type_mismatch,
           "mask is {}; true means allowed, a float is added to the score", mask.to_string());
    }
  }
  return {{q.dtype, {q.dim(0), q.dim(1), q.dim(2), v.dim(3)}}};
}

/// Whether the key is not after the query; the last query sees the last key.
Value causal_mask(Build& build, const Shape& scores) {
  Value query = iota(build, DType::i32, scores, 2);
  Value key = iota(build, DType::i32, scores, 3);
  if (scores[2] != scores[3]) {
    query =
        query + (dim_value(build, scores[3], DType::i32) - dim_value(build, scores[2], DType::i32));
  }
  return less_equal(key, query);
}

Value masked(Value scores, Value mask) {
  if (mask.dtype() == DType::boolean) return select(mask, scores, kForbidden);
  Value never = equal(mask, -std::numeric_limits<double>::infinity());
  return select(never, kForbidden, scores + cast(mask, scores.dtype()));
}

/// Whether a can be more than b; true where sizes do not tell.
bool may_exceed(const Dim& a, const Dim& b) {
  Dim rest = b - a;
  return !rest.is_constant() || rest.constant() < 0;
}

Values attention_value(RuleContext& c) {
  Value q = c.inputs[0], k = c.inputs[1], v = c.inputs[2];
  double scale = c.attributes.real("scale");
  Value scores = widen(dot(q, k, {{3}, {3}, {0, 1}, {0, 1}}));
  if (scale != 0) {
    scores = scores * scale;
  } else if (q.dim(3).is_constant()) {
    scores = scores * (1.0 / std::sqrt(static_cast<double>(q.dim(3).constant())));
  } else {
    scores = scores * rsqrt(dim_value(c.build, q.dim(3), scores.dtype()));
  }
  bool causal = c.attributes.boolean("causal"), has_mask = c.inputs.size() > 3;
  if (causal) scores = select(causal_mask(c.build, scores.shape()), scores, kForbidden);
  if (has_mask) scores = masked(scores, c.inputs[3]);
  Value weights = c.build.call("softmax", {scores}, {{"axis", 3}});
  Value mixed = dot(cast(weights, v.dtype()), v, {{3}, {2}, {0, 1}, {0, 1}});
  if (!has_mask && !(causal && may_exceed(q.dim(2), k.dim(2)))) return {mixed};
  // Softmax has the same maximum. Weights are left alone, and so is what derivatives keep of them.
  Value best = stop_gradient(reduce_max(scores, {3}, true));
  return {select(equal(best, kForbidden), 0.0, mixed)};
}

void add_attention(OpFamily& ops) {
  ops.add(
      composite("attention")
          .doc("softmax(q · k * scale + mask) · v over [batch, heads, time, depth] (Vaswani et al. "
               "2017). A bool mask says what may be looked at; a floating one is added. With "
               "causal, the last query sees the last key and each one before it one key less. A "
               "query that may look at nothing gives 0.")
          .input("q", kFloating)
          .input("k", kFloating)
          .input("v", kFloating)
          .optional_input("mask")
          .attribute("causal", AttributeKind::boolean, false, "hide later keys")
          .attribute("scale", AttributeKind::real, 0.0, "of the scores; 0: 1 / sqrt(depth)")
          .infer(infer_attention)
          .decompose(attention_value)
          .onnx("Attention")
          .samples({{"f32[2,2,3,4], f32[2,2,5,4], f32[2,2,5,3]", {}, {}},
                    {"f32[b,2,4,3], f32[b,2,4,3], f32[b,2,4,3]", {{"causal", true}}, {}},
                    {"f32[1,2,t,4], f32[1,2,t,4], f32[1,2,t,4]", {{"causal", true}}, {}},
                    {"f32[1,1,2,4], f32[1,1,5,4], f32[1,1,5,2]",
                     {{"causal", true}, {"scale", 0.25}},
                     {}},
                    {"f32[2,1,3,4], f32[2,1,3,4], f32[2,1,3,4], bool[2,1,3,3]", {}, {}},
                    {"f32[2,2,3,4], f32[2,2,3,4], f32[2,2,3,4], f32[3,3]", {}, {}},
                    {"bf16[1,2,3,4], bf16[1,2,3,4], bf16[1,2,3,4]", {}, {}}}));
}

// --- tokens and positions ---

void add_tokens(OpFamily& ops) {
  ops.add(
      composite("embedding")
          .doc("Rows of a table [tokens, depth] by their numbers: ids' shape, then depth. A number "
               "out of range gives zeros.")
          .input("table")
          .input("ids", kIndex)
          .infer([](InferContext& c) -> std::vector<Type> {
            const Type& table = c.input(0);
            if (table.rank() != 2) {
              fail(ErrorCode::shape_mismatch, "table is {}; it needs the axes [tokens, depth]",
                   table.to_string());
            }
            Type rows{table.dtype, c.input(1).shape};
            rows.shape.push_back(table.dim(1));
            return {rows};
          })
          .decompose([](RuleContext& c) -> Values { return {gather(c.inputs[0], c.inputs[1], 0)}; })
          .onnx("Gather")
          .samples({{"f32[6,3], i32[2,4]", {}, {{-2, 2}, {0, 6}}},
                    {"f32[5,n], i64[3]", {}, {{-2, 2}, {0, 5}}},
                    {"f32[v,2], i32[b,3]", {}, {{-2, 2}, {0, 3}}},
                    {"bf16[4,2], i32[]", {}, {{-2, 2}, {0, 4}}}}));
  ops.add(composite("one_hot")
              .doc("1 at the position that the number says along a new last axis, 0 elsewhere; all "
                   "0 for a "
                   "number out of range.")
              .input("ids", kIndex)
              .attribute("depth", AttributeKind::shape,
                         "size of the new axis, as a shape of one dimension")
              .attribute("dtype", AttributeKind::dtype, DType::f32, "of the result")
              .infer([](InferContext& c) -> std::vector<Type> {
                const Shape& depth = c.attributes.shape("depth");
                if (depth.rank() != 1) {
                  fail(ErrorCode::invalid_argument, "depth is {}; it needs one number",
                       depth.to_string());
                }
                Type result{c.attributes.dtype("dtype"), c.input(0).shape};
                result.shape.push_back(depth[0]);
                return {result};
              })
              .decompose([](RuleContext& c) -> Values {
                Value ids = c.inputs[0];
                Shape shape = ids.shape();
                Integers leading;
                for (size_t i = 0; i < shape.rank(); ++i)
                  leading.push_back(static_cast<int64_t>(i));
                shape.push_back(c.attributes.shape("depth")[0]);
                Value position = iota(c.build, ids.dtype(), shape, -1);
                Value hit = equal(position, broadcast(ids, shape, leading));
                return {cast(hit, c.attributes.dtype("dtype"))};
              })
              .onnx("OneHot")
              .samples({{"i32[4]", {{"depth", Shape{5}}}, {{0, 5}}},
                        {"i64[n,2]", {{"depth", Shape{3}}, {"dtype", DType::i32}}, {{-1, 4}}},
                        {"i32[]", {{"depth", Shape{4}}, {"dtype", DType::boolean}}, {{0, 4}}}}));
  ops.add(
      composite("rotary_embedding")
          .doc("Turns the pairs (x[i], x[i + depth / 2]) of [..., time, depth] by angles "
               "position * base^(-2 i / depth) (Su et al. 2021).")
          .input("x", kFloating)
          .input("positions", kIndex)
          .attribute("base", AttributeKind::real, 10000.0, "wavelengths grow up to this times 2 pi")
          .infer([](InferContext& c) -> std::vector<Type> {
            const Type& x = c.input(0);
            if (x.rank() < 2 || !x.dim(x.rank() - 1).is_constant() ||
                x.dim(x.rank() - 1).constant() % 2 != 0) {
              fail(ErrorCode::shape_mismatch,
                   "x is {}; it needs the axes [..., time, depth] with an even depth",
                   x.to_string());
            }
            if (c.input(1).shape != Shape{x.dim(x.rank() - 2)}) {
              fail(ErrorCode::shape_mismatch, "positions are {}; x {} needs {}",
                   c.input(1).to_string(), x.to_string(), Shape{x.dim(x.rank() - 2)}.to_string());
            }
            return {x};
          })
          .decompose([](RuleContext& c) -> Values {
            Value x = widen(c.inputs[0]);
            auto time = static_cast<int64_t>(x.rank()) - 2;
            int64_t half = x.dim(x.rank() - 1).constant() / 2;
            Shape shape = x.shape();
            shape[shape.rank() - 1] = Dim(half);
            Value number = cast(iota(c.build, DType::i32, shape, -1), x.dtype());
            double step = -std::log(c.attributes.real("base")) / static_cast<double>(half);
            Value position = broadcast(cast(c.inputs[1], x.dtype()), shape, {time});
            Value angle = position * exp(number * step);
            Value a = slice_axis(x, -1, 0, half), b = slice_axis(x, -1, half, 2 * half);
            Value turned[] = {a * cos(angle) - b * sin(angle), b * cos(angle) + a * sin(angle)};
            return {cast(concatenate(turned, -1), c.inputs[0].dtype())};
          })
          .onnx("RotaryEmbedding")
          .samples({{"f32[2,3,4], i32[3]", {}, {{-2, 2}, {0, 9}}},
                    {"f32[b,2,t,6], i32[t]", {{"base", 100.0}}, {{-2, 2}, {0, 9}}}}));
}

// --- noise and choice ---

constexpr int64_t kUnit = int64_t{1} << 24;  // 24 random bits: 0 up to this

void add_noise(OpFamily& ops) {
  ops.add(composite("dropout")
              .doc("Sets elements to 0 with probability rate and divides the others by 1 - rate, "
                   "so that the "
                   "mean stays (Srivastava et al. 2014). Equal keys drop the same elements.")
              .input("x", kFloating)
              .input("key", DType::i64)
              .attribute("rate", AttributeKind::real, "probability of 0, in [0, 1]")
              .infer([](InferContext& c) -> std::vector<Type> {
                double rate = c.attributes.real("rate");
                if (!(rate >= 0 && rate <= 1)) {
                  fail(ErrorCode::invalid_argument, "rate is {}; it lies between 0 and 1", rate);
                }
                if (c.input(1).shape != Shape{2}) {
                  fail(ErrorCode::shape_mismatch, "key is {}; it has to be i64[2]",
                       c.input(1).to_string());
                }
                return {c.input(0)};
              })
              .decompose([](RuleContext& c) -> Values {
                Value x = c.inputs[0];
                double rate = c.attributes.real("rate");
                if (rate == 0) return {x};
                if (rate == 1) return {x * 0.0};
                Value bits = c.build.call("random_bits", {c.inputs[1]}, {{"shape", x.shape()}});
                Value unit = shift_right_logical(bits, c.build.full_like(bits, 8));
                Value keep = greater_equal(unit, std::round(rate * static_cast<double>(kUnit)));
                return {select(keep, x * (1.0 / (1.0 - rate)), 0.0)};
              })
              .onnx("Dropout")
              .samples({{"f32[3,5], i64[2]", {{"rate", 0.3}}, {{-2, 2}, {0, 1000}}},
                        {"f32[n,4], i64[2]", {{"rate", 0.5}}, {{-2, 2}, {0, 1000}}},
                        {"bf16[9], i64[2]", {{"rate", 0.0}}, {{-2, 2}, {0, 1000}}}}));
  ops.add(
      composite("top_k")
          .doc("The k largest elements of the last axis, the largest first, and their "
               "positions (i64). Of equal elements the earlier comes first; NaN is the largest.")
          .input("x", kNumeric)
          .attribute("k", AttributeKind::integer, "how many")
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
          .decompose([](RuleContext& c) -> Values {
            // From the end of what is sorted upwards, where NaN is. Reversed before, too, so
            // that equal elements end in their order.
            Value x = c.inputs[0];
            Integers last{static_cast<int64_t>(x.rank()) - 1};
            Value both[] = {reverse(x, last),
                            reverse(iota(c.build, DType::i64, x.shape(), -1), last)};
            Values sorted = c.build.call_multi(c.build.ops().get("sort"), both, {{"axis", -1}});
            const Dim& size = x.dim(x.rank() - 1);
            Dim first = size - Dim(c.attributes.integer("k"));
            return {reverse(slice_axis(sorted[0], -1, first, size), last),
                    reverse(slice_axis(sorted[1], -1, first, size), last)};
          })
          .onnx("TopK")
          .samples({{"f32[3,5]", {{"k", 2}}, {}},
                    {"f32[n,7]", {{"k", 7}}, {}},
                    {"i32[9]", {{"k", 1}}, {}}}));
}

}  // namespace

void register_attention(OpRegistry& registry) {
  OpFamily ops(registry, "attention");
  add_attention(ops);
  add_tokens(ops);
  add_noise(ops);
}

}  // namespace tenon
