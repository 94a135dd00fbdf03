#include "tenon/base/error.h"
#include "tenon/ops/precision.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"

namespace tenon {

namespace {

using Values = std::vector<Value>;

Integers last_axis(Value x) { return {static_cast<int64_t>(x.rank()) - 1}; }
Value spread(Value per_row, const Shape& shape) {
  Integers leading;
  for (size_t i = 0; i + 1 < shape.rank(); ++i) leading.push_back(static_cast<int64_t>(i));
  return broadcast(per_row, shape, leading);
}

void check_logits(const Type& logits) {
  if (logits.rank() > 0) return;
  fail(ErrorCode::shape_mismatch, "logits are {}; they need a last axis of classes",
       logits.to_string());
}
Type per_row(const Type& logits) {
  return {logits.dtype,
          reduced_shape(logits.shape, {static_cast<int64_t>(logits.rank()) - 1}, false)};
}

// --- cross entropy with integer labels ---

/// What the loss compares softmax with: (1 - smoothing) at the label plus smoothing / classes
/// everywhere; rows whose label is negative count nothing.
struct LabelTarget {
  Value largest;   // by row, a constant to derivatives
  Value logits;    // wide, less the largest of their row
  Value log_sum;   // of the exponentials of `logits`, by row
  Value labels;    // by row
  Value at_label;  // predicate, shaped like logits
  Value counted;   // predicate by row
  double smoothing;

  explicit LabelTarget(RuleContext& c) : smoothing(c.attributes.real("label_smoothing")) {
    Value wide = widen(c.inputs[0]);
    labels = c.inputs[1];
    const Shape& shape = wide.shape();
    int64_t classes = last_axis(wide)[0];
    largest = stop_gradient(reduce_max(wide, last_axis(wide)));
    logits = wide - spread(largest, shape);
    log_sum = log(reduce_sum(exp(logits), last_axis(wide)));
    at_label = equal(iota(c.build, labels.dtype(), shape, classes), spread(labels, shape));
    counted = greater_equal(labels, 0.0);
  }

  /// By row: log(sum(exp(logits))) less the sum over classes of target times logits. The largest
  /// logit is in both, and left out of both: beside it there may be no digits for the rest.
  Value loss() const {
    Value expected = reduce_sum(select(at_label, logits, 0.0), last_axis(logits));
    // A label beyond the classes has a logit of 0.
    Value classes = dim_value(labels.build(), logits.shape().dims().back(), labels.dtype());
    expected = select(less(labels, classes), expected, -largest);
    if (smoothing != 0) {
      Value mean = reduce_mean(logits, last_axis(logits));
      expected = (1.0 - smoothing) * expected + smoothing * mean;
    }
    return select(counted, log_sum - expected, 0.0);
  }

  /// softmax - target, the derivative of the loss by the logits, times `factor` of each row.
  Value slope(Value factor) const {
    const Shape& shape = logits.shape();
    Value p = exp(logits - spread(log_sum, shape));
    if (smoothing != 0) {
      Value classes = dim_value(p.build(), shape.dims().back(), p.dtype());
      p = p - broadcast_to(smoothing / classes, shape);
    }
    Value difference = select(at_label, p - (1.0 - smoothing), p);
    return difference * spread(select(counted, factor, 0.0), shape);
  }
};

void add_label_cross_entropy(OpFamily& ops) {
  ops.add(composite("softmax_cross_entropy")
              .doc("Cross entropy of integer labels under softmax(logits), one loss per row: "
                   "log(sum(exp(logits))) - logits[label]. Rows with a negative label have loss 0 "
                   "and no gradient.")
              .input("logits", kFloating)
              .input("labels", kIndex)
              .indexes({.axis = -1, .skips_negative = true})
              .attribute("label_smoothing", AttributeKind::real, 0.0,
                         "share of the target spread evenly over all classes")
              .infer([](InferContext& c) -> std::vector<Type> {
                check_logits(c.input(0));
                Type loss = per_row(c.input(0));
                if (c.input(1).shape != loss.shape) {
                  fail(ErrorCode::shape_mismatch,
                       "labels are {}, but logits {} need labels of shape {}",
                       c.input(1).to_string(), c.input(0).to_string(), loss.shape.to_string());
                }
                return {loss};
              })
              .decompose([](RuleContext& c) -> Values {
                return {cast(LabelTarget(c).loss(), c.inputs[0].dtype())};
              })
              .jvp([](JvpContext& c) -> Values {
                if (!c.tangents[0]) return {Value()};
                LabelTarget target(c);
                Value one = target.logits.build().full(per_row(target.logits.type()), 1.0);
                Value change = target.slope(one) * widen(c.tangents[0]);
                return {cast(reduce_sum(change, last_axis(change)), c.inputs[0].dtype())};
              })
              .vjp([](VjpContext& c) -> Values {
                if (!c.wanted[0]) return {Value(), Value()};
                LabelTarget target(c);
                return {cast(target.slope(widen(c.cotangents[0])), c.inputs[0].dtype()), Value()};
              })
              .onnx("SoftmaxCrossEntropyLoss")
              .samples({{"f32[4,5], i32[4]", {}, {{-2, 2}, {0, 5}}},
                        {"f32[n,10], i64[n]", {}, {{-2, 2}, {0, 10}}},
                        {"f32[2,3,6], i32[2,3]", {{"label_smoothing", 0.1}}, {{-2, 2}, {-1, 6}}},
                        {"bf16[3,4], i32[3]", {}, {{-2, 2}, {0, 4}}},
                        {"f32[5], i32[]", {}, {{-2, 2}, {0, 5}}}}));
}

/// The cotangent (or tangent) of one row spread over its classes, times the derivative by the
/// logits: probabilities that sum to less than 1 pull less.
struct ProbabilityTarget {
  Value targets, log_p;

  explicit ProbabilityTarget(RuleContext& c)
      : targets(widen(c.inputs[1])), log_p(c.build.call("log_softmax", {widen(c.inputs[0])})) {}

  /// What cannot be, and is not wanted, costs nothing.
  Value loss() const {
    return -reduce_sum(select(equal(targets, 0.0), 0.0, targets * log_p), last_axis(targets));
  }
  Value slope() const {
    return exp(log_p) * reduce_sum(targets, last_axis(targets), true) - targets;
  }
};

void add_probability_losses(OpFamily& ops) {
  ops.add(composite("softmax_cross_entropy_with_probabilities")
              .doc("Cross entropy of target probabilities under softmax(logits), one loss per row: "
                   "-sum(targets * log_softmax(logits)), where a target of 0 times a logarithm of "
                   "-inf is 0.")
              .input("logits", kFloating)
              .input("targets", kFloating)
              .infer([](InferContext& c) -> std::vector<Type> {
                check_logits(c.input(0));
                if (c.input(0) != c.input(1)) {
                  fail(ErrorCode::shape_mismatch, "logits {} and targets {} differ",
                       c.input(0).to_string(), c.input(1).to_string());
                }
                return {per_row(c.input(0))};
              })
              .decompose([](RuleContext& c) -> Values {
                return {cast(ProbabilityTarget(c).loss(), c.inputs[0].dtype())};
              })
              .jvp([](JvpContext& c) -> Values {
                ProbabilityTarget target(c);
                Value change;
                if (c.tangents[0]) change = target.slope() * widen(c.tangents[0]);
                if (c.tangents[1]) {
                  Value by_targets = target.log_p * widen(c.tangents[1]);
                  change = change ? change - by_targets : -by_targets;
                }
                return {cast(reduce_sum(change, last_axis(change)), c.inputs[0].dtype())};
              })
              .vjp([](VjpContext& c) -> Values {
                ProbabilityTarget target(c);
                Value ct = spread(widen(c.cotangents[0]), target.log_p.shape());
                Values result(2);
                if (c.wanted[0]) result[0] = cast(target.slope() * ct, c.inputs[0].dtype());
                if (c.wanted[1]) result[1] = cast(-target.log_p * ct, c.inputs[1].dtype());
                return result;
              })
              .samples({{"f32[4,5], f32[4,5]", {}, {{-2, 2}, {0, 1}}},
                        {"f32[n,3], f32[n,3]", {}, {{-2, 2}, {0, 1}}},
                        {"bf16[2,4], bf16[2,4]", {}, {{-2, 2}, {0, 1}}}}));
}

// --- elementwise losses ---

using Loss = Value (*)(const Attributes&, Value a, Value b);

OpStatement pairwise(std::string name, std::string doc, std::string first, std::string second,
                     Loss loss) {
  OpStatement op = elementwise(std::move(name), 2);
  op.definition().kind = OpKind::composite;
  op.definition().inputs[0].name = std::move(first);
  op.definition().inputs[1].name = std::move(second);
  op.doc(std::move(doc)).dtypes(kFloating).decompose([loss](RuleContext& c) -> Values {
    Value y = loss(c.attributes, widen(c.inputs[0]), widen(c.inputs[1]));
    return {cast(y, c.inputs[0].dtype())};
  });
  op.samples({"f32[3,5], f32[3,5]", "f32[n], f32[n]", "bf16[6], bf16[6]"});
  return op;
}

/// The partial derivatives by both inputs from wide inputs.
using Partials = std::pair<Value, Value> (*)(const Attributes&, Value a, Value b);
PartialsRule narrowed(Partials partials) {
  return [partials](RuleContext& c) -> Values {
    auto [first, second] = partials(c.attributes, widen(c.inputs[0]), widen(c.inputs[1]));
    return {cast(first, c.inputs[0].dtype()), cast(second, c.inputs[1].dtype())};
  };
}

void add_elementwise_losses(OpFamily& ops) {
  ops.add(
      pairwise("binary_cross_entropy_with_logits",
               "-(target * log(p) + (1 - target) * log(1 - p)) with p = logistic(logit), without "
               "overflow; one loss per element.",
               "logits", "targets",
               [](const Attributes&, Value x, Value target) {
                 // A logit that is infinite costs nothing where the target is certain of it.
                 Value off = 1.0 - target;
                 Value by_one = select(equal(target, 0.0), 0.0, target * maximum(-x, 0.0));
                 Value by_zero = select(equal(off, 0.0), 0.0, off * maximum(x, 0.0));
                 return by_one + by_zero + log1p(exp(-abs(x)));
               })
          .derivative(narrowed([](const Attributes&, Value x, Value target) {
            return std::pair{logistic(x) - target, -x};
          })));
  ops.add(pairwise("squared_error", "(prediction - target)^2, one loss per element.", "prediction",
                   "target", [](const Attributes&, Value a, Value b) { return (a - b) * (a - b); })
              .derivative(narrowed([](const Attributes&, Value a, Value b) {
                Value slope = 2.0 * (a - b);
                return std::pair{slope, -slope};
              })));
  ops.add(pairwise("absolute_error", "|prediction - target|, one loss per element.", "prediction",
                   "target", [](const Attributes&, Value a, Value b) { return abs(a - b); })
              .derivative(narrowed([](const Attributes&, Value a, Value b) {
                Value slope = sign(a - b);
                return std::pair{slope, -slope};
              })));
  ops.add(pairwise("huber_loss",
                   "Half the squared error up to delta, linear beyond (Huber 1964); one loss per "
                   "element.",
                   "prediction", "target",
                   [](const Attributes& attributes, Value a, Value b) {
                     double delta = attributes.real("delta");
                     Value error = abs(a - b);
                     Value inside = minimum(error, delta);
                     return inside * (error - 0.5 * inside);
                   })
              .attribute("delta", AttributeKind::real, 1.0, "where the loss becomes linear")
              .derivative(narrowed([](const Attributes& attributes, Value a, Value b) {
                double delta = attributes.real("delta");
                Value slope = minimum(maximum(a - b, -delta), delta);
                return std::pair{slope, -slope};
              })));
  ops.add(pairwise("hinge_loss",
                   "max(0, 1 - target * prediction) with targets -1 and 1; one loss per element.",
                   "prediction", "target",
                   [](const Attributes&, Value a, Value b) { return maximum(1.0 - a * b, 0.0); })
              .derivative(narrowed([](const Attributes&, Value a, Value b) {
                Value active = less(a * b, 1.0);
                return std::pair{select(active, -b, 0.0), select(active, -a, 0.0)};
              })));
  ops.add(
      pairwise("kl_divergence",
               "target * (log(target) - log_probability), one term per element; 0 where the target "
               "is 0. Its sum over classes is the Kullback-Leibler divergence.",
               "log_probability", "target",
               [](const Attributes&, Value log_p, Value target) {
                 Value is_none = logical_or(less(target, 0.0), equal(target, 0.0));
                 Value safe = select(is_none, 1.0, target);
                 return select(is_none, 0.0, target * (log(safe) - log_p));
               })
          .derivative(narrowed([](const Attributes&, Value log_p, Value target) {
            Value is_none = logical_or(less(target, 0.0), equal(target, 0.0));
            Value safe = select(is_none, 1.0, target);
            return std::pair{-target, select(is_none, 0.0, log(safe) - log_p + 1.0)};
          }))
          .domain(0.1, 1.0));
}

void add_mean_losses(OpFamily& ops) {
  auto add_mean = [&ops](const char* name, const char* doc, const char* each) {
    ops.add(composite(name)
                .doc(doc)
                .input("prediction", kFloating)
                .input("target", kFloating)
                .infer([](InferContext& c) -> std::vector<Type> {
                  if (c.input(0) != c.input(1)) {
                    fail(ErrorCode::shape_mismatch, "prediction {} and target {} differ",
                         c.input(0).to_string(), c.input(1).to_string());
                  }
                  return {Type{c.input(0).dtype, {}}};
                })
                .decompose([each](RuleContext& c) -> Values {
                  Value error = c.build.call(each, {widen(c.inputs[0]), widen(c.inputs[1])});
                  Value mean = reduce_mean(error, all_axes(error.rank()));
                  return {cast(mean, c.inputs[0].dtype())};
                })
                .samples({"f32[3,5], f32[3,5]", "f32[n,2], f32[n,2]", "bf16[6], bf16[6]"}));
  };
  add_mean("mean_squared_error", "The mean of (prediction - target)^2 over all elements.",
           "squared_error");
  add_mean("mean_absolute_error", "The mean of |prediction - target| over all elements.",
           "absolute_error");
}

}  // namespace

void register_losses(OpRegistry& registry) {
  OpFamily ops(registry, "losses");
  add_label_cross_entropy(ops);
  add_probability_losses(ops);
  add_elementwise_losses(ops);
  add_mean_losses(ops);
}

}  // namespace tenon
