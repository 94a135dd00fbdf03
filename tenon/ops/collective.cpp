#include "tenon/ops/collective.h"

#include <algorithm>
#include <optional>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/ops/precision.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"

namespace tenon {

bool is_alone(const Attributes& attributes) {
  const Shape& size = attributes.shape("size");
  return size.rank() == 1 && size[0].is(1);
}

namespace {

[[noreturn]] void fail_unbound(std::string_view op, const Attributes& attributes) {
  const std::string& axis = attributes.string("axis_name");
  throw make_error(ErrorCode::not_found, "{}: axis '{}' is not bound", op, axis)
      .note(
          "hint: a collective runs inside vmap(f, {{.axis_name = \"{}\"}}); with size = {{1}} it "
          "also runs by itself",
          axis);
}

// --- the number of participants ---

/// Checks the attribute, and gives the size where it is known.
std::optional<Dim> known_size(const Attributes& attributes) {
  const Shape& size = attributes.shape("size");
  if (size.rank() == 0) return std::nullopt;
  if (size.rank() > 1)
    fail(ErrorCode::invalid_argument, "size is {}; it needs one number", size.to_string());
  if (size[0].is_constant() && size[0].constant() < 1)
    fail(ErrorCode::invalid_argument, "size is {}; it must be at least 1", size.to_string());
  return size[0];
}

Dim required_size(const Attributes& attributes) {
  if (std::optional<Dim> size = known_size(attributes)) return *size;
  const std::string& axis = attributes.string("axis_name");
  throw make_error(ErrorCode::invalid_argument, "the size of axis '{}' is not known", axis)
      .note("hint: call it inside vmap(f, {{.axis_name = \"{}\"}}), or give the size", axis);
}

/// The type without 1/size of an axis.
Type shared_out(Type type, int64_t axis, const Attributes& attributes) {
  Dim size = required_size(attributes);
  std::optional<Dim> part = type.dim(to_index(axis)).divided_by(size);
  if (!part) {
    fail(ErrorCode::shape_mismatch, "axis {} of {} does not divide into {} parts", axis,
         type.to_string(), size.to_string());
  }
  type.shape[to_index(axis)] = *part;
  return type;
}

Type collected(Type type, int64_t axis, const Attributes& attributes) {
  Dim& dim = type.shape[to_index(axis)];
  dim = dim * required_size(attributes);
  return type;
}

// --- batching ---

/// Whether the batch is the axis that this call is about.
bool is_over_batch(const BatchContext& c) {
  if (c.axis_name.empty() || c.attributes.string("axis_name") != c.axis_name) return false;
  std::optional<Dim> size = known_size(c.attributes);
  if (size && *size != c.size) {
    throw make_error(ErrorCode::shape_mismatch, "{}: axis '{}' has {} participants, not {}",
                     c.op.name, c.axis_name, c.size.to_string(), size->to_string())
        .note("{}", c.label.empty() ? "in vmap" : "in vmap of " + std::string(c.label));
  }
  return true;
}

/// Under a vmap over something else: the same for each example, the attributes `axes` one further
/// back.
std::vector<Value> for_each_example(const BatchContext& c,
                                    std::initializer_list<std::string_view> axes = {}) {
  Attributes attributes = c.attributes;
  for (std::string_view axis : axes) attributes.set(axis, c.attributes.integer(axis) + 1);
  return c.build.call_multi(c.op, c.inputs, std::move(attributes));
}

/// The sum over participants, which all share.
Value sum_over_batch(const BatchContext& c) {
  Value x = c.inputs[0];
  if (c.batched[0]) return reduce_sum(x, {0});
  Value wide = widen(x);
  return cast(wide * dim_value(c.build, c.size, wide.dtype()), x.dtype());
}

/// [.., size * part, ..] as [.., size, part, ..].
Value split_axis(Value x, int64_t axis, const Dim& size) {
  Shape shape = x.shape();
  Dim& dim = shape[to_index(axis)];
  dim = *dim.divided_by(size);
  shape.insert(to_index(axis), size);
  return reshape(x, shape);
}

/// [.., a, b, ..] as [.., a * b, ..].
Value merge_axes(Value x, int64_t axis) {
  Shape shape = x.shape();
  shape[to_index(axis)] = shape[to_index(axis)] * shape[to_index(axis) + 1];
  shape.erase(to_index(axis) + 1);
  return reshape(x, shape);
}

// --- what all statements share ---

OpStatement collective(std::string name, std::string doc) {
  OpStatement statement = primitive(name);
  statement.doc(std::move(doc))
      .collective()
      .attribute("axis_name", AttributeKind::string, "the mapped axis whose participants take part")
      .reference([name = std::move(name)](ReferenceCall& call) {
        if (!is_alone(call.attributes())) fail_unbound(name, call.attributes());
        // Alone: the input, or index 0.
        for (int64_t i = 0; call.input_count() > 0 && i < call.input(0).size(); ++i)
          call.output(0).copy_element(i, call.input(0), i);
      });
  return statement;
}

/// The size comes after the attributes that users write.
void add(OpFamily& ops, OpStatement& statement) {
  ops.add(statement.attribute("size", AttributeKind::shape, Shape{},
                              "how many participate, as a shape of one dimension; a vmap of that "
                              "name fills it in"));
}

/// Attributes of a sample with one participant.
Attributes alone(Attributes attributes = {}) {
  attributes.set("axis_name", "data");
  attributes.set("size", Shape{1});
  return attributes;
}

// --- all_reduce ---

Value all_reduce(const RuleContext& c, Value x, const char* kind) {
  Attributes attributes = c.attributes;
  attributes.set("kind", kind);
  return c.build.call("all_reduce", {x}, std::move(attributes));
}

bool is_extremum(const Attributes& attributes) {
  const std::string& kind = attributes.string("kind");
  return kind == "max" || kind == "min";
}

/// Of each participant.
Value share_of_extremum(const RuleContext& c) {
  return share_of_extremum(c.inputs[0], c.outputs[0],
                           [&](Value hit) { return all_reduce(c, hit, "sum"); });
}

std::vector<Type> infer_all_reduce(InferContext& c) {
  known_size(c.attributes);
  const std::string& kind = c.attributes.string("kind");
  const std::string kinds[] = {"sum", "mean", "max", "min"};
  if (std::find(std::begin(kinds), std::end(kinds), kind) == std::end(kinds)) {
    throw make_error(ErrorCode::invalid_argument, "there is no kind '{}'", kind)
        .note("{}", hint(kind, kinds));
  }
  if (kind == "mean" && !is_floating(c.input(0).dtype))
    fail(ErrorCode::type_mismatch, "the mean of {} is not an integer", c.input(0).to_string());
  return {c.input(0)};
}

std::vector<Value> batch_all_reduce(BatchContext& c) {
  if (!is_over_batch(c)) return for_each_example(c);
  const std::string& kind = c.attributes.string("kind");
  if (kind == "sum") return {sum_over_batch(c)};
  Value x = c.inputs[0];
  if (!c.batched[0]) return {x};
  if (kind == "mean") return {reduce_mean(x, {0})};
  return {kind == "max" ? reduce_max(x, {0}) : reduce_min(x, {0})};
}

void add_all_reduce(OpFamily& ops) {
  add(ops,
      collective("all_reduce",
                 "Combines x over all participants; each gets the result. Participants that share "
                 "the maximum or minimum share its derivative evenly.")
          .input("x", kNumeric)
          .attribute("kind", AttributeKind::string, "sum", "sum, mean, max or min")
          .infer(infer_all_reduce)
          .batch(batch_all_reduce)
          .jvp([](JvpContext& c) -> std::vector<Value> {
            if (!is_extremum(c.attributes))
              return {c.build.call("all_reduce", {c.tangents[0]}, c.attributes)};
            Value shared = widen(c.tangents[0]) * share_of_extremum(c);
            return {cast(all_reduce(c, shared, "sum"), c.inputs[0].dtype())};
          })
          .vjp([](VjpContext& c) -> std::vector<Value> {
            if (!is_extremum(c.attributes))
              return {c.build.call("all_reduce", {c.cotangents[0]}, c.attributes)};
            Value sum = all_reduce(c, widen(c.cotangents[0]), "sum");
            return {cast(sum * share_of_extremum(c), c.inputs[0].dtype())};
          })
          .samples({{"f32[2,3]", alone(), {}},
                    {"f64[n]", alone({{"kind", "mean"}}), {}},
                    {"f64[2,3]", alone({{"kind", "sum"}}), {}},
                    {"f64[2,n]", alone({{"kind", "max"}}), {}},
                    {"f64[3]", alone({{"kind", "min"}}), {}},
                    {"bf16[4]", alone({{"kind", "mean"}}), {}},
                    {"i32[3]", alone({{"kind", "sum"}}), {{-9, 9}}},
                    {"i64[2,2]", alone({{"kind", "max"}}), {{-9, 9}}},
                    {"f32[]", alone(), {}},
                    {"f32[0]", alone({{"kind", "max"}}), {}}}));
}

// --- parts ---

void add_all_gather(OpFamily& ops) {
  add(ops,
      collective("all_gather",
                 "Joins x of all participants along one axis, in their order; each gets the "
                 "whole.")
          .input("x")
          .attribute("axis", AttributeKind::integer, 0, "of x along which the parts are joined")
          .infer([](InferContext& c) {
            size_t axis = normalise_axis(c, "axis", c.input(0).rank());
            return std::vector<Type>{collected(c.input(0), to_axis(axis), c.attributes)};
          })
          .linear({0},
                  [](TransposeContext& c) {
                    return c.build.call("reduce_scatter", {c.cotangent}, c.attributes);
                  })
          .batch([](BatchContext& c) -> std::vector<Value> {
            if (!is_over_batch(c)) return for_each_example(c, {"axis"});
            int64_t axis = c.attributes.integer("axis");
            return {merge_axes(move_axis(batched_input(c, 0), 0, axis), axis)};
          })
          .samples({{"f32[2,3]", alone(), {}},
                    {"f64[2,n]", alone({{"axis", 1}}), {}},
                    {"f64[2,1,3]", alone({{"axis", -2}}), {}},
                    {"bf16[4]", alone(), {}},
                    {"i64[3]", alone(), {}},
                    {"bool[2,2]", alone({{"axis", 1}}), {}},
                    {"f32[0,2]", alone(), {}}}));
}

void add_reduce_scatter(OpFamily& ops) {
  add(ops, collective("reduce_scatter",
                      "Sums x over all participants; each gets its part of the sum along one axis.")
               .input("x", kNumeric)
               .attribute("axis", AttributeKind::integer, 0, "the axis of x to distribute")
               .infer([](InferContext& c) {
                 size_t axis = normalise_axis(c, "axis", c.input(0).rank());
                 return std::vector<Type>{shared_out(c.input(0), to_axis(axis), c.attributes)};
               })
               .linear({0},
                       [](TransposeContext& c) {
                         return c.build.call("all_gather", {c.cotangent}, c.attributes);
                       })
               .batch([](BatchContext& c) -> std::vector<Value> {
                 if (!is_over_batch(c)) return for_each_example(c, {"axis"});
                 int64_t axis = c.attributes.integer("axis");
                 return {move_axis(split_axis(sum_over_batch(c), axis, c.size), axis, 0)};
               })
               .samples({{"f32[6,2]", alone(), {}},
                         {"f64[n,6]", alone({{"axis", 1}}), {}},
                         {"f64[2,3,2]", alone({{"axis", -2}}), {}},
                         {"bf16[6]", alone(), {}},
                         {"i32[3,2]", alone(), {{-9, 9}}},
                         {"f32[0,2]", alone(), {}}}));
}

std::vector<Type> infer_all_to_all(InferContext& c) {
  const Type& x = c.input(0);
  size_t split = normalise_axis(c, "split_axis", x.rank());
  size_t concat = normalise_axis(c, "concat_axis", x.rank());
  Type parts = shared_out(x, to_axis(split), c.attributes);
  return {collected(std::move(parts), to_axis(concat), c.attributes)};
}

std::vector<Value> batch_all_to_all(BatchContext& c) {
  if (!is_over_batch(c)) return for_each_example(c, {"split_axis", "concat_axis"});
  int64_t split = c.attributes.integer("split_axis"), concat = c.attributes.integer("concat_axis");
  // [source, …, target, part, …]: the target comes first, the source before the axis it fills.
  Value parts = split_axis(batched_input(c, 0), split + 1, c.size);
  Value by_target = move_axis(parts, split + 1, 0);
  return {merge_axes(move_axis(by_target, 1, concat + 1), concat + 1)};
}

void add_all_to_all(OpFamily& ops) {
  add(ops, collective("all_to_all",
                      "Cuts x along split_axis into a part for each participant, and joins the "
                      "parts received along concat_axis, in the order of their senders.")
               .input("x")
               .attribute("split_axis", AttributeKind::integer, "the axis of x to split")
               .attribute("concat_axis", AttributeKind::integer, "the axis to join the parts along")
               .infer(infer_all_to_all)
               .linear({0},
                       [](TransposeContext& c) {
                         Attributes back = c.attributes;
                         back.set("split_axis", c.attributes.integer("concat_axis"));
                         back.set("concat_axis", c.attributes.integer("split_axis"));
                         return c.build.call("all_to_all", {c.cotangent}, std::move(back));
                       })
               .batch(batch_all_to_all)
               .samples({{"f32[6,2]", alone({{"split_axis", 0}, {"concat_axis", 1}}), {}},
                         {"f64[n,3]", alone({{"split_axis", 1}, {"concat_axis", 0}}), {}},
                         {"f64[2,3,4]", alone({{"split_axis", -2}, {"concat_axis", -1}}), {}},
                         {"f64[6,2]", alone({{"split_axis", 0}, {"concat_axis", 0}}), {}},
                         {"bf16[6,1]", alone({{"split_axis", 0}, {"concat_axis", 1}}), {}},
                         {"i64[3,2]", alone({{"split_axis", 0}, {"concat_axis", 1}}), {}},
                         {"bool[3,2]", alone({{"split_axis", 0}, {"concat_axis", 1}}), {}},
                         {"f32[3,0]", alone({{"split_axis", 0}, {"concat_axis", 1}}), {}}}));
}

// --- collective_permute ---

/// Every participant sends at most once and receives at most once.
void check_pairs(const Integers& pairs, const std::optional<Dim>& size) {
  if (pairs.size() % 2 != 0) {
    fail(ErrorCode::invalid_argument, "pairs are source, target, source, target …: {} numbers",
         pairs.size());
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    const char* role = i % 2 == 0 ? "source" : "target";
    if (pairs[i] < 0 || (size && size->is_constant() && pairs[i] >= size->constant())) {
      fail(ErrorCode::out_of_range, "{} {} is not one of the {}participants", role, pairs[i],
           size ? size->to_string() + " " : "");
    }
    for (size_t before = i % 2; before < i; before += 2) {
      if (pairs[before] == pairs[i])
        fail(ErrorCode::invalid_argument, "{} is a {} twice", pairs[i], role);
    }
  }
}

std::vector<Type> infer_permute(InferContext& c) {
  const Integers& pairs = c.attributes.integers("pairs");
  check_pairs(pairs, known_size(c.attributes));
  constexpr int64_t kMaxShift = int64_t{1} << 31;
  int64_t shift = c.attributes.integer("shift");
  if (shift > kMaxShift || shift < -kMaxShift)
    fail(ErrorCode::out_of_range, "shift {} is larger than any axis", shift);
  if (!pairs.empty() && shift != 0)
    fail(ErrorCode::invalid_argument, "takes pairs or a shift, not both");
  return {c.input(0)};
}

/// From whom each participant receives, as i64[size]; -1: from nobody.
Value sources_of_batch(const BatchContext& c) {
  const Integers& pairs = c.attributes.integers("pairs");
  if (pairs.empty()) {
    Value size = dim_value(c.build, c.size, DType::i64);
    Value source =
        iota(c.build, DType::i64, {c.size}, 0) - static_cast<double>(c.attributes.integer("shift"));
    return remainder(source, size);
  }
  check_pairs(pairs, c.size);
  auto count = static_cast<int64_t>(pairs.size() / 2);
  Literal sources(DType::i64, {count}), targets(DType::i64, {count});
  for (int64_t i = 0; i < count; ++i) {
    sources.set_int(i, pairs[to_index(2 * i)]);
    targets.set_int(i, pairs[to_index(2 * i + 1)]);
  }
  Value nobody = c.build.full({DType::i64, {c.size}}, -1);
  return scatter(nobody, c.build.constant(std::move(targets)), c.build.constant(std::move(sources)),
                 0, 0, "set");
}

Integers swapped(Integers pairs) {
  for (size_t i = 0; i + 1 < pairs.size(); i += 2) std::swap(pairs[i], pairs[i + 1]);
  return pairs;
}

void add_permute(OpFamily& ops) {
  add(ops,
      collective("collective_permute",
                 "Sends x from participant to participant: by `shift` places round the ring, or as "
                 "`pairs` say. Who receives nothing gets zeros.")
          .input("x")
          .attribute("shift", AttributeKind::integer, 0,
                     "participant i sends to i + shift, modulo the size")
          .attribute("pairs", AttributeKind::integers, Integers{},
                     "source, target, source, target …, in place of the shift")
          .infer(infer_permute)
          .linear({0},
                  [](TransposeContext& c) {
                    Attributes back = c.attributes;
                    back.set("shift", -c.attributes.integer("shift"));
                    back.set("pairs", swapped(c.attributes.integers("pairs")));
                    return c.build.call("collective_permute", {c.cotangent}, std::move(back));
                  })
          .batch([](BatchContext& c) -> std::vector<Value> {
            if (!is_over_batch(c)) return for_each_example(c);
            Value x = batched_input(c, 0), sources = sources_of_batch(c);
            Value received = gather(x, maximum(sources, 0.0), 0);
            Value somebody = greater_equal(sources, 0.0);
            return {select(broadcast(somebody, received.shape(), {0}), received, 0.0)};
          })
          .samples({{"f32[2,3]", alone(), {}},
                    {"f64[n]", alone({{"shift", 1}}), {}},
                    {"f64[2,n]", alone({{"shift", -2}}), {}},
                    {"f64[2]", alone({{"pairs", Integers{0, 0}}}), {}},
                    {"bf16[3]", alone({{"shift", 4}}), {}},
                    {"i64[3]", alone({{"shift", 1}}), {}},
                    {"bool[2]", alone({{"shift", 1}}), {}},
                    {"f32[0,2]", alone({{"shift", 1}}), {}}}));
}

void add_axis_index(OpFamily& ops) {
  add(ops, collective("axis_index", "The participant's number along the axis: 0, 1, 2 …")
               .infer([](InferContext& c) {
                 known_size(c.attributes);
                 return std::vector<Type>{{DType::i32, {}}};
               })
               .non_differentiable("it has no inputs")
               .batch([](BatchContext& c) -> std::vector<Value> {
                 if (!is_over_batch(c)) return for_each_example(c);
                 return {iota(c.build, DType::i32, {c.size}, 0)};
               })
               .samples({{"", alone(), {}}}));
}

}  // namespace

void check_is_bound(const OpDef& op, const Attributes& attributes) {
  if (!is_alone(attributes)) fail_unbound(op.name, attributes);
}

void register_collective(OpRegistry& registry) {
  OpFamily ops(registry, "collective");
  add_all_reduce(ops);
  add_all_gather(ops);
  add_reduce_scatter(ops);
  add_all_to_all(ops);
  add_permute(ops);
  add_axis_index(ops);
}

}  // namespace tenon
