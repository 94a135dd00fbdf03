#include "tenon/ops/window.h"

#include <cmath>
#include <limits>

#include "tenon/base/error.h"
#include "tenon/ops/element.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

using Values = std::vector<Value>;

// --- types and rules ---

Shape checked_output(const Attributes& attributes, const Shape& input) {
  WindowGeometry g = window_geometry(attributes);
  Shape output = g.output_shape(input);
  for (size_t i = 0; i < output.rank(); ++i) {
    if (!output[i].is_constant() || output[i].constant() > 0) continue;
    fail(ErrorCode::shape_mismatch,
         "a window of {} does not fit axis {} of {} with padding {} and {}", g.window[i], i,
         input.to_string(), g.padding_low[i], g.padding_high[i]);
  }
  return output;
}

void check_windows(const Attributes& attributes, const Shape& input, const Type& given) {
  Shape wanted = checked_output(attributes, input);
  if (given.shape == wanted) return;
  fail(ErrorCode::shape_mismatch, "the windows of {} have shape {}, but what belongs to them is {}",
       input.to_string(), wanted.to_string(), given.to_string());
}

/// What holds the number of a place in the window.
DType place_dtype(const Attributes& attributes) {
  return element_count(attributes.integers("window")) <= 256 ? DType::u8 : DType::i32;
}

Attributes geometry_attributes(const Attributes& attributes) {
  Attributes result;
  for (const WindowList& list : kWindowLists) result.set(list.name, *attributes.find(list.name));
  return result;
}

Value call(const RuleContext& c, const char* op, std::initializer_list<Value> inputs) {
  return c.build.call(op, inputs, geometry_attributes(c.attributes));
}

/// The batch is one more axis that is not pooled.
Values batch_window(BatchContext& c) {
  Attributes attributes = c.attributes;
  for (const auto& [name, fallback] : kWindowLists) {
    attributes.set(name, with_batch(fallback, attributes.integers(name)));
  }
  if (attributes.find("input_shape")) {
    attributes.set("input_shape", with_batch(c.size, attributes.shape("input_shape")));
  }
  Values inputs;
  for (size_t i = 0; i < c.inputs.size(); ++i) inputs.push_back(batched_input(c, i));
  return {c.build.call(c.op.name, inputs, std::move(attributes))};
}

// --- reference ---

/// A window, an input element that it covers, and the row-major number of its place in the window.
struct Covered {
  int64_t window, element, place;
};

/// Visits all pairs of a window and an element that it covers, window by window, in row-major
/// order.
void for_each_covered(const Attributes& attributes, const std::vector<int64_t>& input,
                      const std::vector<int64_t>& output,
                      const std::function<void(const Covered&)>& visit) {
  WindowGeometry g = window_geometry(attributes);
  for (BoxIndex o(output); !o.done(); o.next()) {
    for (BoxIndex k(g.window); !k.done(); k.next()) {
      int64_t element = 0;
      bool inside = true;
      for (size_t i = 0; i < input.size(); ++i) {
        int64_t p =
            o.position()[i] * g.strides[i] - g.padding_low[i] + k.position()[i] * g.dilation[i];
        inside = inside && p >= 0 && p < input[i];
        element = element * input[i] + p;
      }
      if (inside) visit({o.linear(), element, k.linear()});
    }
  }
}

void reference_window_sum(ReferenceCall& call) {
  const RefArray& x = call.input(0);
  RefArray& y = call.output(0);
  for_each_covered(call.attributes(), x.shape(), y.shape(),
                   [&](const Covered& at) { y.add(at.window, x.get(at.element)); });
}
void reference_window_sum_transpose(ReferenceCall& call) {
  const RefArray& dy = call.input(0);
  RefArray& dx = call.output(0);
  for_each_covered(call.attributes(), dx.shape(), dy.shape(),
                   [&](const Covered& at) { dx.add(at.element, dy.get(at.window)); });
}

/// What a maximum over nothing is.
double lowest_of(DType dtype) {
  if (is_floating(dtype)) return -std::numeric_limits<double>::infinity();
  if (!is_signed(dtype)) return 0;
  return -std::ldexp(1.0, static_cast<int>(8 * size_of(dtype)) - 1);
}

/// Whether `a` takes over from the maximum `b` that came before it; NaN is above all.
bool is_larger(const RefArray& x, int64_t a, int64_t b) {
  if (!x.is_real()) return x.get_int(a) > x.get_int(b);
  return x.get(a) > x.get(b) || (std::isnan(x.get(a)) && !std::isnan(x.get(b)));
}

void reference_window_max(ReferenceCall& call) {
  const RefArray& x = call.input(0);
  RefArray& y = call.output(0);
  std::vector<int64_t> best(static_cast<size_t>(y.size()), -1);
  for_each_covered(call.attributes(), x.shape(), y.shape(), [&](const Covered& at) {
    int64_t& so_far = best[static_cast<size_t>(at.window)];
    if (so_far < 0 || is_larger(x, at.element, so_far)) so_far = at.element;
  });
  for (int64_t i = 0; i < y.size(); ++i) {
    int64_t element = best[static_cast<size_t>(i)];
    if (element < 0) y.set(i, lowest_of(y.dtype()));
    if (element >= 0) y.copy_element(i, x, element);
  }
}

void reference_window_find(ReferenceCall& call) {
  const RefArray& x = call.input(0);
  const RefArray& value = call.input(1);
  RefArray& place = call.output(0);
  int64_t last = element_count(window_geometry(call.attributes()).window) - 1;
  for (int64_t i = 0; i < place.size(); ++i) place.set_int(i, last);
  for_each_covered(call.attributes(), x.shape(), place.shape(), [&](const Covered& at) {
    double a = x.get(at.element), b = value.get(at.window);
    bool same = a == b || (std::isnan(a) && std::isnan(b));
    if (same) place.set_int(at.window, std::min(place.get_int(at.window), at.place));
  });
}
void reference_window_take(ReferenceCall& call) {
  const RefArray& t = call.input(0);
  const RefArray& place = call.input(1);
  RefArray& y = call.output(0);
  for_each_covered(call.attributes(), t.shape(), y.shape(), [&](const Covered& at) {
    if (place.get_int(at.window) == at.place) y.copy_element(at.window, t, at.element);
  });
}
void reference_window_place(ReferenceCall& call) {
  const RefArray& dy = call.input(0);
  const RefArray& place = call.input(1);
  RefArray& dx = call.output(0);
  for_each_covered(call.attributes(), dx.shape(), dy.shape(), [&](const Covered& at) {
    if (place.get_int(at.window) == at.place) dx.add(at.element, dy.get(at.window));
  });
}

// --- elements ---

/// Loops only over the axes whose extent is not 1; on the others the position is 0.
Expr reduce_box(ElementContext& c, ReduceKind kind, const Integers& extents,
                const std::function<Expr(std::span<const Expr>)>& body) {
  std::vector<Dim> looped;
  for (int64_t extent : extents) {
    if (extent != 1) looped.emplace_back(extent);
  }
  auto full_body = [&](std::span<const Expr> position) {
    std::vector<Expr> full;
    size_t next = 0;
    for (int64_t extent : extents)
      full.push_back(extent == 1 ? c.pool().index(0) : position[next++]);
    return body(full);
  };
  if (looped.empty()) return full_body({});
  return c.reduce(kind, looped, full_body);
}

Expr conjunction(ElementContext& c, std::span<const Expr> conditions) {
  Expr all = c.pool().integer(DType::boolean, 1);
  for (Expr condition : conditions) all = all & condition;
  return all;
}

Expr guarded(ElementContext& c, std::span<const Expr> conditions, Expr value, double otherwise) {
  if (conditions.empty()) return value;
  return guard(conjunction(c, conditions), value, c.pool().constant(value.dtype(), otherwise));
}

/// The element of input 0 that window `o` covers at `k`, and when it is not in the padding.
struct Place {
  std::vector<Expr> at, conditions;
};
Place place_of(ElementContext& c, const WindowGeometry& g, std::span<const Expr> o,
               std::span<const Expr> k) {
  Place place;
  const Shape& shape = c.input_type(0).shape;
  for (size_t i = 0; i < o.size(); ++i) {
    Expr p = o[i] * static_cast<double>(g.strides[i]) + k[i] * static_cast<double>(g.dilation[i]) -
             static_cast<double>(g.padding_low[i]);
    if (g.padding_low[i] > 0) place.conditions.push_back(p >= 0.0);
    if (g.padding_high[i] > 0) place.conditions.push_back(p < c.dim(shape[i]));
    place.at.push_back(p);
  }
  return place;
}

Expr covered(ElementContext& c, const WindowGeometry& g, std::span<const Expr> o,
             std::span<const Expr> k, double otherwise) {
  Place place = place_of(c, g, o, k);
  DType compute = compute_type(c.input_type(0).dtype);
  return guarded(c, place.conditions, cast(c.input(0, place.at), compute), otherwise);
}

Expr window_sum_element(ElementContext& c) {
  WindowGeometry g = window_geometry(c.attributes());
  Expr sum = reduce_box(c, ReduceKind::sum, g.window,
                        [&](std::span<const Expr> k) { return covered(c, g, c.index(), k, 0.0); });
  return cast(sum, c.output_type().dtype);
}

Expr window_max_element(ElementContext& c) {
  WindowGeometry g = window_geometry(c.attributes());
  double lowest = lowest_of(c.output_type().dtype);
  Expr largest = reduce_box(c, ReduceKind::maximum, g.window, [&](std::span<const Expr> k) {
    return covered(c, g, c.index(), k, lowest);
  });
  return cast(largest, c.output_type().dtype);
}

/// Row-major number of a position in the window.
Expr window_offset(ElementContext& c, const WindowGeometry& g, std::span<const Expr> k) {
  Expr offset = c.pool().index(0);
  for (size_t i = 0; i < k.size(); ++i) {
    if (g.window[i] != 1) offset = offset * static_cast<double>(g.window[i]) + k[i];
  }
  return offset;
}

Expr window_find_element(ElementContext& c) {
  WindowGeometry g = window_geometry(c.attributes());
  std::span<const Expr> o = c.index();
  Expr value = cast(c.input(1, o), compute_type(c.input_type(1).dtype));
  auto number = [&](int64_t place) { return c.pool().integer(DType::i32, place); };
  Expr first = reduce_box(c, ReduceKind::minimum, g.window, [&](std::span<const Expr> k) {
    Expr x = covered(c, g, o, k, 0.0);
    Expr same = equal(x, value);
    if (is_floating(x.dtype())) same = same | (is_nan(x) & is_nan(value));
    same = same & conjunction(c, place_of(c, g, o, k).conditions);
    return select(same, cast(window_offset(c, g, k), DType::i32),
                  number(element_count(g.window) - 1));
  });
  return cast(first, c.output_type().dtype);
}

Expr window_take_element(ElementContext& c) {
  WindowGeometry g = window_geometry(c.attributes());
  std::span<const Expr> o = c.index();
  Expr number = cast(c.input(1, o), DType::i64);
  Expr exists = (number >= 0.0) & (number < static_cast<double>(element_count(g.window)));
  std::vector<Expr> k(g.window.size(), c.pool().index(0));
  for (size_t i = k.size(); i-- > 0;) {
    if (g.window[i] == 1) continue;
    Expr extent = c.pool().index(g.window[i]);
    k[i] = floor_mod(number, extent);
    number = floor_div(number, extent);
  }
  Expr t = covered(c, g, o, k, 0.0);
  return cast(select(exists, t, 0.0), c.output_type().dtype);
}

/// How many windows can cover one element along an axis.
int64_t cover_count(const WindowGeometry& g, size_t axis) {
  if (g.dilation[axis] != 1) return g.window[axis];
  return (g.window[axis] + g.strides[axis] - 1) / g.strides[axis];
}

struct Cover {
  std::vector<Expr> o, k, conditions;
};

/// The t-th of the windows that may cover the element at c.index(), the element's place in it, and
/// when it does.
Cover cover(ElementContext& c, const WindowGeometry& g, const Shape& windows,
            std::span<const Expr> t) {
  const Shape& input = c.output_type().shape;
  Cover result;
  for (size_t i = 0; i < t.size(); ++i) {
    Expr stride = c.pool().index(g.strides[i]);
    Expr shifted = c.index()[i] + static_cast<double>(g.padding_low[i]);
    Expr k, o;
    if (g.dilation[i] == 1) {
      k = floor_mod(shifted, stride) + t[i] * static_cast<double>(g.strides[i]);
      o = floor_div(shifted, stride) - t[i];
      if (g.window[i] % g.strides[i] != 0) {
        result.conditions.push_back(k < c.pool().index(g.window[i]));
      }
    } else {
      k = t[i];
      Expr distance = shifted - t[i] * static_cast<double>(g.dilation[i]);
      o = floor_div(distance, stride);
      if (g.strides[i] != 1) result.conditions.push_back(equal(floor_mod(distance, stride), 0.0));
    }
    if (cover_count(g, i) > 1) result.conditions.push_back(o >= 0.0);
    Dim last = Dim::floor_div(input[i] - 1 + g.padding_low[i], g.strides[i]);
    Dim beyond = windows[i] - last;  // at least 1 where each element has its window
    if (!beyond.is_constant() || beyond.constant() < 1) {
      result.conditions.push_back(o < c.dim(windows[i]));
    }
    result.k.push_back(k);
    result.o.push_back(o);
  }
  return result;
}

Integers cover_counts(const WindowGeometry& g) {
  Integers counts;
  for (size_t i = 0; i < g.window.size(); ++i) counts.push_back(cover_count(g, i));
  return counts;
}

Expr window_sum_transpose_element(ElementContext& c) {
  WindowGeometry g = window_geometry(c.attributes());
  const Type& dy = c.input_type(0);
  Expr sum = reduce_box(c, ReduceKind::sum, cover_counts(g), [&](std::span<const Expr> t) {
    Cover window = cover(c, g, dy.shape, t);
    return guarded(c, window.conditions, cast(c.input(0, window.o), compute_type(dy.dtype)), 0.0);
  });
  return cast(sum, c.output_type().dtype);
}

Expr window_place_element(ElementContext& c) {
  WindowGeometry g = window_geometry(c.attributes());
  const Type& dy = c.input_type(0);
  Expr sum = reduce_box(c, ReduceKind::sum, cover_counts(g), [&](std::span<const Expr> t) {
    Cover window = cover(c, g, dy.shape, t);
    auto guarded_input = [&](size_t operand, DType compute) {
      return guarded(c, window.conditions, cast(c.input(operand, window.o), compute), 0.0);
    };
    Expr here = cast(window_offset(c, g, window.k), DType::i32);
    Expr chosen = equal(guarded_input(1, DType::i32), here);
    return select(chosen, guarded_input(0, compute_type(dy.dtype)), 0.0);
  });
  return cast(sum, c.output_type().dtype);
}

// --- statements ---

OpStatement& geometry(OpStatement& op) {
  return op.attribute("window", AttributeKind::integers, "size of the window along each axis")
      .attribute("strides", AttributeKind::integers, Integers{}, "step of the window; default 1")
      .attribute("padding_low", AttributeKind::integers, Integers{},
                 "positions before each axis that count nothing; default 0")
      .attribute("padding_high", AttributeKind::integers, Integers{},
                 "positions after each axis that count nothing; default 0")
      .attribute("dilation", AttributeKind::integers, Integers{},
                 "distance of neighbours in the window; default 1");
}

/// Windows that tile, that overlap and are padded, that leave gaps, that are dilated.
Attributes tiling() {
  return {{"window", Integers{1, 2, 2, 1}}, {"strides", Integers{1, 2, 2, 1}}};
}
Attributes overlapping() {
  return {{"window", Integers{1, 3, 3, 1}},
          {"strides", Integers{1, 2, 1, 1}},
          {"padding_low", Integers{0, 1, 1, 0}},
          {"padding_high", Integers{0, 1, 0, 0}}};
}
Attributes gaps() { return {{"window", Integers{2, 1}}, {"strides", Integers{3, 2}}}; }
Attributes dilated() {
  return {{"window", Integers{3, 2}}, {"dilation", Integers{2, 3}}, {"strides", Integers{1, 2}}};
}
Attributes with_input(Attributes attributes, Shape shape) {
  attributes.set("input_shape", std::move(shape));
  return attributes;
}

void add_sums(OpFamily& ops) {
  OpStatement sum = primitive("window_sum");
  sum.doc("The sum of each position of a sliding window.").input("x", kFloating);
  geometry(sum)
      .infer([](InferContext& c) -> std::vector<Type> {
        normalise_lists(kWindowLists, c.attributes, c.input(0).rank());
        return {{c.input(0).dtype, checked_output(c.attributes, c.input(0).shape)}};
      })
      .linear({0},
              [](TransposeContext& c) {
                Attributes attributes = geometry_attributes(c.attributes);
                attributes.set("input_shape", c.inputs[0].shape());
                return c.build.call("window_sum_transpose", {c.cotangent}, std::move(attributes));
              })
      .batch(batch_window)
      .reference(reference_window_sum)
      .element(window_sum_element)
      .samples({{"f32[2,6,4,3]", tiling(), {}},
                {"f32[n,5,4,2]", overlapping(), {}},
                {"f32[1,h,4,2]", tiling(), {}},
                {"f32[7,4]", gaps(), {}},
                {"f32[8,7]", dilated(), {}},
                {"bf16[1,4,4,1]", tiling(), {}}});
  ops.add(sum);

  OpStatement back = primitive("window_sum_transpose");
  back.doc("Adds each element of dy to all positions that its window covers.")
      .input("dy", kFloating);
  geometry(back)
      .attribute("input_shape", AttributeKind::shape, "shape of the result")
      .infer([](InferContext& c) -> std::vector<Type> {
        const Shape& shape = c.attributes.shape("input_shape");
        normalise_lists(kWindowLists, c.attributes, shape.rank());
        check_windows(c.attributes, shape, c.input(0));
        return {{c.input(0).dtype, shape}};
      })
      .linear({0}, [](TransposeContext& c) { return call(c, "window_sum", {c.cotangent}); })
      .batch(batch_window)
      .reference(reference_window_sum_transpose)
      .element(window_sum_transpose_element)
      .samples({{"f32[2,3,2,3]", with_input(tiling(), {2, 6, 4, 3}), {}},
                {"f32[2,3,3,2]", with_input(overlapping(), {2, 5, 4, 2}), {}},
                {"f32[2,2]", with_input(gaps(), {7, 4}), {}},
                {"f32[4,2]", with_input(dilated(), {8, 7}), {}},
                {"bf16[1,2,2,1]", with_input(tiling(), {1, 4, 4, 1}), {}}});
  ops.add(back);
}

void add_maxima(OpFamily& ops) {
  OpStatement largest = primitive("window_max");
  largest
      .doc(
          "The largest element in each position of a sliding window. Where several are equal, the "
          "derivative goes to the first.")
      .input("x", kNumeric);
  geometry(largest)
      .infer([](InferContext& c) -> std::vector<Type> {
        normalise_lists(kWindowLists, c.attributes, c.input(0).rank());
        return {{c.input(0).dtype, checked_output(c.attributes, c.input(0).shape)}};
      })
      .jvp([](JvpContext& c) -> Values {
        Value place = call(c, "window_find", {c.inputs[0], c.outputs[0]});
        return {call(c, "window_take", {c.tangents[0], place})};
      })
      .vjp([](VjpContext& c) -> Values {
        Attributes attributes = geometry_attributes(c.attributes);
        attributes.set("input_shape", c.inputs[0].shape());
        Value place = call(c, "window_find", {c.inputs[0], c.outputs[0]});
        return {c.build.call("window_place", {c.cotangents[0], place}, std::move(attributes))};
      })
      .batch(batch_window)
      .reference(reference_window_max)
      .element(window_max_element)
      .samples({{"f32[2,6,4,3]", tiling(), {}},
                {"f32[n,5,4,2]", overlapping(), {}},
                {"f32[1,h,4,2]", tiling(), {}},
                {"f32[7,4]", gaps(), {}},
                {"f32[8,7]", dilated(), {}},
                {"i32[1,4,4,1]", tiling(), {}},
                {"bf16[1,4,4,1]", tiling(), {}}});
  ops.add(largest);

  OpStatement find = primitive("window_find");
  find.doc(
          "Where in each position of a sliding window over x the first element equal to `value` "
          "is: its row-major number in the window, as u8 where that is enough, else i32; the last "
          "where none is.")
      .input("x", kNumeric)
      .input("value", kNumeric);
  geometry(find)
      .infer([](InferContext& c) -> std::vector<Type> {
        normalise_lists(kWindowLists, c.attributes, c.input(0).rank());
        check_windows(c.attributes, c.input(0).shape, c.input(1));
        if (c.input(0).dtype != c.input(1).dtype) {
          fail(ErrorCode::type_mismatch, "x {} and value {} differ", c.input(0).to_string(),
               c.input(1).to_string());
        }
        return {{place_dtype(c.attributes), c.input(1).shape}};
      })
      .non_differentiable("its results are integers")
      .batch(batch_window)
      .reference(reference_window_find)
      .element(window_find_element)
      .samples({{"f32[2,6,4,3], f32[2,3,2,3]", tiling(), {}},
                {"i32[n,5,4,2], i32[n,3,3,2]", overlapping(), {{0, 3}, {0, 3}}},
                {"i32[7,4], i32[2,2]", gaps(), {{0, 3}, {0, 3}}},
                {"i64[8,7], i64[4,2]", dilated(), {{0, 4}, {0, 4}}},
                {"i32[400], i32[101]", {{"window", Integers{300}}}, {{0, 200}, {0, 200}}},
                {"bf16[1,4,4,1], bf16[1,2,2,1]", tiling(), {}}});
  ops.add(find);

  OpStatement take = primitive("window_take");
  take.doc(
          "From each position of a sliding window over t, the element whose number in the window "
          "`place` says; 0 where that is padding or no number of the window. Linear in t.")
      .input("t", kFloating)
      .input("place", DTypeSet(DType::u8) | DType::i32);
  geometry(take)
      .infer([](InferContext& c) -> std::vector<Type> {
        normalise_lists(kWindowLists, c.attributes, c.input(0).rank());
        check_windows(c.attributes, c.input(0).shape, c.input(1));
        return {{c.input(0).dtype, c.input(1).shape}};
      })
      .linear({0},
              [](TransposeContext& c) {
                Attributes attributes = geometry_attributes(c.attributes);
                attributes.set("input_shape", c.inputs[0].shape());
                return c.build.call("window_place", {c.cotangent, c.inputs[1]},
                                    std::move(attributes));
              })
      .batch(batch_window)
      .reference(reference_window_take)
      .element(window_take_element)
      .samples({{"f32[2,6,4,3], u8[2,3,2,3]", tiling(), {{-2, 2}, {0, 4}}},
                {"f32[n,5,4,2], u8[n,3,3,2]", overlapping(), {{-2, 2}, {0, 9}}},
                {"f32[7,4], i32[2,2]", gaps(), {{-2, 2}, {0, 2}}},
                {"f32[8,7], u8[4,2]", dilated(), {{-2, 2}, {0, 6}}},
                {"bf16[1,4,4,1], u8[1,2,2,1]", tiling(), {{-2, 2}, {0, 4}}}});
  ops.add(take);

  OpStatement place = primitive("window_place");
  place
      .doc(
          "Adds each element of dy at the element of its window whose number `place` says. Linear "
          "in dy.")
      .input("dy", kFloating)
      .input("place", DTypeSet(DType::u8) | DType::i32);
  geometry(place)
      .attribute("input_shape", AttributeKind::shape, "shape of the result")
      .infer([](InferContext& c) -> std::vector<Type> {
        const Shape& shape = c.attributes.shape("input_shape");
        normalise_lists(kWindowLists, c.attributes, shape.rank());
        check_windows(c.attributes, shape, c.input(0));
        check_windows(c.attributes, shape, c.input(1));
        return {{c.input(0).dtype, shape}};
      })
      .linear(
          {0},
          [](TransposeContext& c) { return call(c, "window_take", {c.cotangent, c.inputs[1]}); })
      .batch(batch_window)
      .reference(reference_window_place)
      .element(window_place_element)
      .samples(
          {{"f32[2,3,2,3], u8[2,3,2,3]", with_input(tiling(), {2, 6, 4, 3}), {{-2, 2}, {0, 4}}},
           {"f32[2,3,3,2], u8[2,3,3,2]",
            with_input(overlapping(), {2, 5, 4, 2}),
            {{-2, 2}, {0, 9}}},
           {"f32[2,2], i32[2,2]", with_input(gaps(), {7, 4}), {{-2, 2}, {0, 2}}},
           {"f32[4,2], u8[4,2]", with_input(dilated(), {8, 7}), {{-2, 2}, {0, 6}}},
           {"bf16[1,2,2,1], u8[1,2,2,1]", with_input(tiling(), {1, 4, 4, 1}), {{-2, 2}, {0, 4}}}});
  ops.add(place);
}

}  // namespace

void check_window_list(const char* name, const Integers& list) {
  for (int64_t value : list) {
    if (value <= kMostInWindow) continue;
    fail(ErrorCode::out_of_range, "{} has {}, more than {}", name, value, kMostInWindow);
  }
}

void normalise_lists(std::span<const WindowList> lists, Attributes& attributes, size_t axes,
                     const char* what) {
  for (const auto& [name, least] : lists) {
    Integers list = attributes.integers(name);
    if (list.empty()) list.assign(axes, least);
    if (list.size() != axes) {
      fail(ErrorCode::invalid_argument, "{} has {} entries for {} {}", name, list.size(), axes,
           what);
    }
    for (int64_t value : list) {
      if (value >= least) continue;
      fail(ErrorCode::invalid_argument, "{} has {}, less than {}", name, value, least);
    }
    check_window_list(name, list);
    attributes.set(name, std::move(list));
  }
}

WindowGeometry window_geometry(const Attributes& attributes) {
  return {attributes.integers("window"), attributes.integers("strides"),
          attributes.integers("padding_low"), attributes.integers("padding_high"),
          attributes.integers("dilation")};
}

Shape WindowGeometry::output_shape(const Shape& input) const {
  Shape output;
  for (size_t i = 0; i < input.rank(); ++i) {
    int64_t reach = (window[i] - 1) * dilation[i] + 1;
    Dim room = input[i] + (padding_low[i] + padding_high[i] - reach);
    output.push_back(Dim::floor_div(room, strides[i]) + 1);
  }
  return output;
}

void register_window(OpRegistry& registry) {
  OpFamily ops(registry, "window");
  add_sums(ops);
  add_maxima(ops);
}

}  // namespace tenon
