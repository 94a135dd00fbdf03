#include <cmath>
#include <limits>

#include "tenon/base/error.h"
#include "tenon/ops/precision.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/statement.h"

namespace tenon {

namespace {

using Values = std::vector<Value>;

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

}  // namespace

void register_attention(OpRegistry& registry) {
  OpFamily ops(registry, "attention");
  add_attention(ops);
}

}  // namespace tenon
