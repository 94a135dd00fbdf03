#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/ops/element.h"
#include "tenon/ops/index_check.h"
#include "tenon/ops/precision.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

/// How the axes of x, indices and the gathered result belong together:
///   x        [b…, a…, n, c…]      n is axis `axis`, b are `batch` axes
///   indices  [b…, i…]
///   gathered [b…, a…, i…, c…]
struct GatherAxes {
  size_t batch, axis, indices_rank;

  GatherAxes(const Attributes& attributes, size_t rank_of_indices)
      : batch(to_index(attributes.integer("batch_dims"))),
        axis(to_index(attributes.integer("axis"))),
        indices_rank(rank_of_indices) {}

  size_t index_axes() const { return indices_rank - batch; }
  /// Where the index at a position of the gathered result is in `indices`.
  template <class T>
  std::vector<T> of_index(std::span<const T> gathered) const {
    std::vector<T> at(gathered.begin(), gathered.begin() + to_axis(batch));
    auto first = gathered.begin() + to_axis(axis);
    at.insert(at.end(), first, first + to_axis(index_axes()));
    return at;
  }
  /// Where the element at a position of the gathered result is in x.
  template <class T>
  std::vector<T> of_element(std::span<const T> gathered, T index) const {
    std::vector<T> at(gathered.begin(), gathered.begin() + to_axis(axis));
    at.push_back(index);
    at.insert(at.end(), gathered.begin() + to_axis(axis + index_axes()), gathered.end());
    return at;
  }
};

/// Checks x and indices, normalises the attributes and returns the shape of the gathered result.
Shape gathered_shape(InferContext& c) {
  const Type& x = c.input(0);
  const Type& indices = c.input(1);
  size_t axis = normalise_axis(c, "axis", x.rank());
  int64_t batch = c.attributes.integer("batch_dims");
  if (batch < 0 || batch > to_axis(axis) || batch > to_axis(indices.rank())) {
    fail(ErrorCode::invalid_argument,
         "batch_dims {} is beyond axis {} or the rank of the indices {}", batch, axis,
         indices.to_string());
  }
  for (size_t i = 0; i < to_index(batch); ++i) {
    if (x.dim(i) == indices.dim(i)) continue;
    fail(ErrorCode::shape_mismatch, "batch axis {} of x {} is {}, but of indices {} it is {}", i,
         x.to_string(), x.dim(i).to_string(), indices.to_string(), indices.dim(i).to_string());
  }
  GatherAxes axes(c.attributes, indices.rank());
  Shape shape;
  for (size_t i = 0; i < axis; ++i) shape.push_back(x.dim(i));
  for (size_t i = axes.batch; i < indices.rank(); ++i) shape.push_back(indices.dim(i));
  for (size_t i = axis + 1; i < x.rank(); ++i) shape.push_back(x.dim(i));
  return shape;
}

int64_t offset_of(const RefArray& array, const std::vector<int64_t>& at) {
  int64_t offset = 0;
  for (size_t i = 0; i < at.size(); ++i) offset = offset * array.dim(i) + at[i];
  return offset;
}

/// Calls visit(gathered offset, x offset) for every position whose index is in range, in row-major
/// order.
template <class Visit>
void for_each_gathered(const Attributes& attributes, const RefArray& x, const RefArray& indices,
                       const std::vector<int64_t>& gathered, Visit visit) {
  GatherAxes axes(attributes, indices.rank());
  for (BoxIndex at(gathered); !at.done(); at.next()) {
    std::span<const int64_t> position(at.position());
    int64_t index = indices.get_int(offset_of(indices, axes.of_index(position)));
    if (index < 0 || index >= x.dim(axes.axis)) continue;
    visit(at.linear(), offset_of(x, axes.of_element(position, index)));
  }
}

Expr gather_element(ElementContext& c) {
  GatherAxes axes(c.attributes(), c.input_type(1).rank());
  Expr index = cast(c.input(1, axes.of_index(c.index())), DType::i64);
  Expr inside = (index >= 0.0) & (index < c.dim(c.input_type(0).dim(axes.axis)));
  Expr x = c.input(0, axes.of_element(c.index(), index));
  return guard(inside, x, c.pool().constant(x.dtype(), 0));
}

std::vector<Value> batch_gather(BatchContext& c) {
  int64_t axis = c.attributes.integer("axis"), batch = c.attributes.integer("batch_dims");
  // One table for all or one list of indices for all need no batch dimension of the gather.
  if (batch == 0 && !c.batched[1]) return {gather(c.inputs[0], c.inputs[1], axis + 1, 0)};
  if (batch == 0 && !c.batched[0])
    return {move_axis(gather(c.inputs[0], c.inputs[1], axis, 0), axis, 0)};
  return {gather(batched_input(c, 0), batched_input(c, 1), axis + 1, batch + 1)};
}

Attributes at(int64_t axis, int64_t batch_dims = 0) {
  return {{"axis", axis}, {"batch_dims", batch_dims}};
}

void add_gather(OpFamily& ops) {
  ops.add(
      primitive("gather")
          .doc("Elements of x at computed indices along one axis: out[b…, a…, i…, c…] = x[b…, a…, "
               "indices[b…, i…], c…]. Indices out of range read zero (TENON_CHECK_INDICES=1 finds "
               "the first); where they are known when a call on tensors is recorded, they are an "
               "error.")
          .input("x")
          .input("indices", kIndex)
          .attribute("axis", AttributeKind::integer, 0, "the axis of x to index")
          .attribute("batch_dims", AttributeKind::integer, 0, "leading axes that both share")
          .indexes({.axis_attribute = "axis"})
          .infer([](InferContext& c) {
            return std::vector<Type>{{c.input(0).dtype, gathered_shape(c)}};
          })
          .reference([](ReferenceCall& call) {
            RefArray& out = call.output(0);
            for_each_gathered(
                call.attributes(), call.input(0), call.input(1), out.shape(),
                [&](int64_t to, int64_t from) { out.copy_element(to, call.input(0), from); });
          })
          .linear({0},
                  [](TransposeContext& c) {
                    return scatter(c.build.full_like(c.inputs[0], 0.0), c.inputs[1], c.cotangent,
                                   c.attributes.integer("axis"), c.attributes.integer("batch_dims"),
                                   "add");
                  })
          .batch(batch_gather)
          .element(gather_element)
          .onnx("Gather")
          .onnx("GatherElements")
          .samples({{"f32[5,3], i32[4]", at(0), {{-2, 2}, {0, 4}}},
                    {"f32[5,3], i64[2,2]", at(0), {{-2, 2}, {-2, 6}}},
                    {"f64[2,n], i32[4]", at(1), {{-2, 2}, {0, 2}}},
                    {"f64[2,3,n], i64[5]", at(1), {{-2, 2}, {-1, 3}}},
                    {"f64[n,4,2], i32[n,3]", at(1, 1), {{-2, 2}, {0, 3}}},
                    {"f64[2,3,4], i32[2,5]", at(2, 1), {{-2, 2}, {0, 3}}},
                    {"bf16[4], i32[]", at(0), {{-2, 2}, {0, 3}}},
                    {"i64[4,2], i32[3]", at(0), {{-9, 9}, {0, 3}}},
                    {"bool[4], i32[3]", at(0), {{0, 1}, {0, 3}}},
                    {"f32[4,2], i32[0]", at(0), {}},
                    {"f32[0,2], i32[2]", at(0), {{-2, 2}, {0, 3}}}}));
}

std::vector<Type> infer_scatter(InferContext& c) {
  const Type& x = c.input(0);
  const Type& updates = c.input(2);
  const std::string& mode = c.attributes.string("mode");
  if (mode != "add" && mode != "set" && mode != "max" && mode != "min")
    fail(ErrorCode::invalid_argument, "mode '{}' is not one of add, set, max, min", mode);
  if (mode != "set" && x.dtype == DType::boolean)
    fail(ErrorCode::type_mismatch, "mode '{}' does not work on bool", mode);
  Shape wanted = gathered_shape(c);
  if (updates.shape != wanted) {
    fail(ErrorCode::shape_mismatch, "updates are {}, but x {} at indices {} takes {}",
         updates.to_string(), x.to_string(), c.input(1).to_string(), wanted.to_string());
  }
  if (updates.dtype != x.dtype) {
    fail(ErrorCode::type_mismatch, "dtypes differ: x {} and updates {}", x.to_string(),
         updates.to_string());
  }
  return {x};
}

void reference_scatter(ReferenceCall& call) {
  const RefArray& updates = call.input(2);
  const std::string& mode = call.attributes().string("mode");
  RefArray& out = call.output(0);
  out = call.input(0);
  auto combine = [&](auto now, auto update) {
    if (mode == "add") {
      if constexpr (std::is_integral_v<decltype(now)>)
        return static_cast<int64_t>(static_cast<uint64_t>(now) + static_cast<uint64_t>(update));
      else
        return now + update;
    }
    bool replace = mode == "max" ? update > now : update < now;
    return replace || update != update ? update : now;
  };
  for_each_gathered(call.attributes(), call.input(0), call.input(1), updates.shape(),
                    [&](int64_t from, int64_t to) {
                      if (mode == "set") {
                        out.copy_element(to, updates, from);
                      } else if (out.is_real()) {
                        out.set(to, combine(out.get(to), updates.get(from)));
                      } else {
                        out.set_int(to, combine(out.get_int(to), updates.get_int(from)));
                      }
                    });
}

/// A scatter with the axes and the mode of the call on other values.
Value scatter_as(const RuleContext& c, Value x, Value updates, const char* mode) {
  return scatter(x, c.inputs[1], updates, c.attributes.integer("axis"),
                 c.attributes.integer("batch_dims"), mode);
}

Value gather_as(const RuleContext& c, Value x) {
  return gather(x, c.inputs[1], c.attributes.integer("axis"), c.attributes.integer("batch_dims"));
}

/// Where an update is the last one written to its place, which is what "set" keeps. Each update
/// writes its number; those that find their own number again were last.
Value survives(const RuleContext& c) {
  Value x = c.inputs[0], indices = c.inputs[1], updates = c.inputs[2];
  GatherAxes axes(c.attributes, indices.rank());
  int64_t batch = to_axis(axes.batch);
  Shape line_shape, places_shape;
  Integers into;  // where the axes of indices are in updates
  Dim count(1);
  for (size_t i = 0; i < indices.rank(); ++i) {
    bool shared = i < axes.batch;
    if (shared) places_shape.push_back(indices.dim(i));
    if (!shared) count = count * indices.dim(i);
    into.push_back(to_axis(shared ? i : axes.axis + i - axes.batch));
  }
  line_shape = places_shape;
  line_shape.push_back(count);
  places_shape.push_back(x.dim(axes.axis));
  Value numbers = reshape(iota(c.build, DType::i64, line_shape, batch), indices.shape());
  Value places = c.build.full({DType::i64, places_shape}, -1.0);
  Value written = scatter(places, indices, numbers, batch, batch, "set");
  Value last = equal(gather(written, indices, batch, batch), numbers);
  return cast(broadcast(last, updates.shape(), into), x.dtype());
}

/// For "max" and "min": how x and the updates share a result, equal ones evenly; of f16 and bf16 in
/// f32, which holds the number of many.
struct Shares {
  Value x, updates;
};
Shares shares_of_extremum(const RuleContext& c) {
  Value y = c.outputs[0];
  Value own = widen(cast(equal(c.inputs[0], y), y.dtype()));
  Value theirs = widen(cast(equal(c.inputs[2], gather_as(c, y)), y.dtype()));
  Value count = scatter_as(c, own, theirs, "add");
  return {own / count, theirs / maximum(gather_as(c, count), 1.0)};
}

std::vector<Value> scatter_jvp(JvpContext& c) {
  const std::string& mode = c.attributes.string("mode");
  Value x = or_zeros_like(c.tangents[0], c.inputs[0]);
  Value updates = or_zeros_like(c.tangents[2], c.inputs[2]);
  if (mode == "add" || mode == "set") return {scatter_as(c, x, updates, mode.c_str())};
  Shares shares = shares_of_extremum(c);
  Value sum = scatter_as(c, widen(x) * shares.x, widen(updates) * shares.updates, "add");
  return {cast(sum, x.dtype())};
}

std::vector<Value> scatter_vjp(VjpContext& c) {
  const std::string& mode = c.attributes.string("mode");
  Value ct = c.cotangents[0];
  if (mode == "add") return {ct, Value(), gather_as(c, ct)};
  if (mode == "set") {
    Value zeros = c.build.full_like(c.inputs[2], 0.0);
    return {c.wanted[0] ? scatter_as(c, ct, zeros, "set") : Value(), Value(),
            c.wanted[2] ? gather_as(c, ct) * survives(c) : Value()};
  }
  Shares shares = shares_of_extremum(c);
  Value of_x = widen(ct) * shares.x, of_updates = widen(gather_as(c, ct)) * shares.updates;
  return {cast(of_x, ct.dtype()), Value(), cast(of_updates, ct.dtype())};
}

std::vector<Value> batch_scatter(BatchContext& c) {
  int64_t axis = c.attributes.integer("axis"), batch = c.attributes.integer("batch_dims");
  bool shared = batch == 0 && !c.batched[1];  // the same indices for all
  Value indices = shared ? c.inputs[1] : batched_input(c, 1);
  return {scatter(batched_input(c, 0), indices, batched_input(c, 2), axis + 1,
                  shared ? 0 : batch + 1, c.attributes.string("mode").c_str())};
}

void add_scatter(OpFamily& ops) {
  auto writes = [](const char* mode, int64_t axis, int64_t batch_dims = 0) {
    Attributes attributes = at(axis, batch_dims);
    attributes.set("mode", mode);
    return attributes;
  };
  ops.add(
      primitive("scatter")
          .doc("x with updates written where gather would read them. Mode \"add\" adds, \"set\" "
               "keeps the last in row-major order, \"max\" and \"min\" keep the extremum. Indices "
               "out of range write nothing, as gather reads zero there.")
          .input("x")
          .input("indices", kIndex)
          .input("updates")
          .attribute("axis", AttributeKind::integer, 0, "the axis of x to index")
          .attribute("batch_dims", AttributeKind::integer, 0, "leading axes that all share")
          .indexes({.axis_attribute = "axis"})
          .attribute("mode", AttributeKind::string, "add", "add, set, max or min")
          .infer(infer_scatter)
          .reference(reference_scatter)
          .jvp(scatter_jvp)
          .vjp(scatter_vjp)
          .batch(batch_scatter)
          .onnx("ScatterElements")
          .samples({{"f32[5,3], i32[4], f32[4,3]", writes("add", 0), {{-2, 2}, {0, 4}, {-2, 2}}},
                    {"f64[2,n], i64[4], f64[2,4]", writes("add", 1), {{-2, 2}, {-1, 3}, {-2, 2}}},
                    {"f64[n,4,2], i32[n,3], f64[n,3,2]",
                     writes("add", 1, 1),
                     {{-2, 2}, {0, 3}, {-2, 2}}},
                    {"f64[5,2], i32[6], f64[6,2]", writes("set", 0), {{-2, 2}, {-1, 5}, {-2, 2}}},
                    {"f64[2,n,3], i32[2,2,2], f64[2,2,2,3]",
                     writes("set", 1, 1),
                     {{-2, 2}, {0, 2}, {-2, 2}}},
                    {"f64[4], i32[6], f64[6]", writes("max", 0), {{-2, 2}, {-1, 4}, {-2, 2}}},
                    {"f64[4,2], i32[6], f64[6,2]", writes("min", 0), {{-2, 2}, {-1, 4}, {-2, 2}}},
                    {"bf16[4], i32[3], bf16[3]", writes("add", 0), {{-2, 2}, {0, 3}, {-2, 2}}},
                    {"i32[4], i32[6], i32[6]", writes("add", 0), {{-9, 9}, {0, 3}, {-9, 9}}},
                    {"bool[4], i32[3], bool[3]", writes("set", 0), {{0, 1}, {0, 3}, {0, 1}}},
                    {"f32[4], i32[0], f32[0]", writes("add", 0), {}},
                    {"f32[4], i32[], f32[]", writes("set", 0), {{-2, 2}, {0, 3}, {-2, 2}}}}));
}

void add_check(OpFamily& ops) {
  auto below = [](Dim size) { return Attributes{{"size", Shape{std::move(size)}}}; };
  ops.add(
      primitive("check_indices")
          .doc("The indices as they are; an error when the program runs where one of them is "
               "not in [low, size), or not in [-size, size) with `from_end`.")
          .input("indices", kIndex)
          .attribute("size", AttributeKind::shape,
                     "of the axis that is indexed, as a shape of one dimension")
          .attribute("low", AttributeKind::integer, 0, "the first index that is good")
          .attribute("axis", AttributeKind::integer, 0, "that is indexed, for the error")
          .attribute("by", AttributeKind::string, "check_indices", "who indexes, for the error")
          .attribute("of", AttributeKind::string, "x", "what is indexed, for the error")
          .attribute("from_end", AttributeKind::boolean, false,
                     "negative indices are good that count from the end")
          .infer([](InferContext& c) {
            const Shape& size = c.attributes.shape("size");
            if (size.rank() != 1)
              fail(ErrorCode::invalid_argument, "size is {}; it needs one number",
                   size.to_string());
            return std::vector<Type>{c.input(0)};
          })
          .reference([](ReferenceCall& call) {
            const Attributes& attributes = call.attributes();
            const Literal indices = call.input(0).to_literal();
            const int64_t size = attributes.shape("size")[0].constant();
            const bool from_end = attributes.boolean("from_end");
            check_indices({.op = attributes.string("by"),
                           .type = attributes.string("of"),
                           .axis = attributes.integer("axis"),
                           .low = from_end ? -size : attributes.integer("low"),
                           .size = size},
                          indices.dtype(), indices.data(), indices.shape());
            call.output(0) = call.input(0);
          })
          .non_differentiable("the result is integers")
          .batch([](BatchContext& c) { return c.build.call_multi(c.op, c.inputs, c.attributes); })
          .samples({{"i32[4]", below(5), {{0, 4}}},
                    {"i64[2,n]", below(9), {{0, 8}}},
                    {"i32[]", below(3), {{0, 2}}},
                    {"i64[6]", {{"size", Shape{4}}, {"from_end", true}}, {{-4, 3}}},
                    {"i32[0]", below(0), {}}}));
}

}  // namespace

void register_gather(OpRegistry& registry) {
  OpFamily ops(registry, "gather");
  add_gather(ops);
  add_scatter(ops);
  add_check(ops);
}

}  // namespace tenon
