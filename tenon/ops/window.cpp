#include "tenon/ops/window.h"

#include <cmath>
#include <limits>

#include "tenon/base/error.h"
#include "tenon/ops/element.h"
#include "tenon/ops/functions.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"

namespace tenon {

namespace {

using Values = std::vector<Value>;

// --- types and rules ---

constexpr const char* kLists[] = {"window", "strides", "padding_low", "padding_high", "dilation"};

void normalise_geometry(Attributes& attributes, size_t rank) {
  constexpr int64_t kFallback[] = {1, 1, 0, 0, 1};
  for (size_t i = 0; i < std::size(kLists); ++i) {
    Integers list = attributes.integers(kLists[i]);
    if (list.empty()) list.assign(rank, kFallback[i]);
    if (list.size() != rank) {
      fail(ErrorCode::invalid_argument, "{} has {} entries for {} axes", kLists[i], list.size(),
           rank);
    }
    for (int64_t value : list) {
      if (value >= kFallback[i]) continue;
      fail(ErrorCode::invalid_argument, "{} has {}, less than {}", kLists[i], value, kFallback[i]);
    }
    attributes.set(kLists[i], std::move(list));
  }
}

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
  fail(ErrorCode::shape_mismatch, "the windows of {} have shape {}, but dy is {}",
       input.to_string(), wanted.to_string(), given.to_string());
}

Attributes geometry_attributes(const Attributes& attributes) {
  Attributes result;
  for (const char* name : kLists) result.set(name, *attributes.find(name));
  return result;
}

Value call(const RuleContext& c, const char* op, std::initializer_list<Value> inputs) {
  return c.build.call(op, inputs, geometry_attributes(c.attributes));
}

/// The batch is one more axis that is not pooled.
Values batch_window(BatchContext& c) {
  Attributes attributes = c.attributes;
  constexpr int64_t kFallback[] = {1, 1, 0, 0, 1};
  for (size_t i = 0; i < std::size(kLists); ++i) {
    attributes.set(kLists[i], with_batch(kFallback[i], attributes.integers(kLists[i])));
  }
  if (attributes.find("input_shape")) {
    attributes.set("input_shape", with_batch(c.size, attributes.shape("input_shape")));
  }
  Values inputs;
  for (size_t i = 0; i < c.inputs.size(); ++i) inputs.push_back(batched_input(c, i));
  return {c.build.call(c.op.name, inputs, std::move(attributes))};
}

// --- reference ---

/// Calls visit(window, element) for each pair of a window and an input element that it covers, in
/// row-major order.
void for_each_covered(const Attributes& attributes, const std::vector<int64_t>& input,
                      const std::vector<int64_t>& output,
                      const std::function<void(int64_t, int64_t)>& visit) {
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
      if (inside) visit(o.linear(), element);
    }
  }
}

/// The first position of the maximum of each window, or -1 for a window of nothing but padding.
std::vector<int64_t> first_maxima(const Attributes& attributes, const RefArray& x,
                                  const std::vector<int64_t>& output) {
  std::vector<int64_t> first(static_cast<size_t>(element_count(output)), -1);
  for_each_covered(attributes, x.shape(), output, [&](int64_t window, int64_t element) {
    int64_t& best = first[static_cast<size_t>(window)];
    bool better = best < 0 || (x.is_real() ? x.get(element) > x.get(best)
                                           : x.get_int(element) > x.get_int(best));
    if (better || (best >= 0 && x.get(element) != x.get(element) && x.get(best) == x.get(best))) {
      best = element;
    }
  });
  return first;
}

void accumulate(RefArray& array, int64_t i, double value) { array.set(i, array.get(i) + value); }

void reference_window_sum(ReferenceCall& call) {
  const RefArray& x = call.input(0);
  RefArray& y = call.output(0);
  for_each_covered(call.attributes(), x.shape(), y.shape(),
                   [&](int64_t window, int64_t element) { accumulate(y, window, x.get(element)); });
}
void reference_window_sum_transpose(ReferenceCall& call) {
  const RefArray& dy = call.input(0);
  RefArray& dx = call.output(0);
  for_each_covered(call.attributes(), dx.shape(), dy.shape(), [&](int64_t window, int64_t element) {
    accumulate(dx, element, dy.get(window));
  });
}

/// What a maximum over nothing is.
double lowest_of(DType dtype) {
  if (is_floating(dtype)) return -std::numeric_limits<double>::infinity();
  if (!is_signed(dtype)) return 0;
  return -std::ldexp(1.0, static_cast<int>(8 * size_of(dtype)) - 1);
}

void reference_window_max(ReferenceCall& call) {
  const RefArray& x = call.input(0);
  RefArray& y = call.output(0);
  std::vector<int64_t> first = first_maxima(call.attributes(), x, y.shape());
  for (int64_t i = 0; i < y.size(); ++i) {
    int64_t element = first[static_cast<size_t>(i)];
    if (element < 0) y.set(i, lowest_of(y.dtype()));
    if (element >= 0) y.copy_element(i, x, element);
  }
}
void reference_window_select(ReferenceCall& call) {
  RefArray& y = call.output(0);
  std::vector<int64_t> first = first_maxima(call.attributes(), call.input(0), y.shape());
  for (int64_t i = 0; i < y.size(); ++i) {
    int64_t element = first[static_cast<size_t>(i)];
    if (element >= 0) y.copy_element(i, call.input(1), element);
  }
}
void reference_window_scatter(ReferenceCall& call) {
  const RefArray& dy = call.input(1);
  RefArray& dx = call.output(0);
  std::vector<int64_t> first = first_maxima(call.attributes(), call.input(0), dy.shape());
  for (int64_t i = 0; i < dy.size(); ++i) {
    int64_t element = first[static_cast<size_t>(i)];
    if (element >= 0) accumulate(dx, element, dy.get(i));
  }
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

/// The element of input `operand` that window `o` covers at `k`; `otherwise` in the padding.
Expr covered(ElementContext& c, const WindowGeometry& g, size_t operand, std::span<const Expr> o,
             std::span<const Expr> k, double otherwise) {
  std::vector<Expr> at, conditions;
  const Shape& shape = c.input_type(operand).shape;
  for (size_t i = 0; i < o.size(); ++i) {
    Expr p = o[i] * static_cast<double>(g.strides[i]) + k[i] * static_cast<double>(g.dilation[i]) -
             static_cast<double>(g.padding_low[i]);
    if (g.padding_low[i] > 0) conditions.push_back(p >= 0.0);
    if (g.padding_high[i] > 0) conditions.push_back(p < c.dim(shape[i]));
    at.push_back(p);
  }
  DType compute = compute_type(c.input_type(operand).dtype);
  return guarded(c, conditions, cast(c.input(operand, at), compute), otherwise);
}

Expr window_sum_element(ElementContext& c) {
  WindowGeometry g = window_geometry(c.attributes());
  Expr sum = reduce_box(c, ReduceKind::sum, g.window, [&](std::span<const Expr> k) {
    return covered(c, g, 0, c.index(), k, 0.0);
  });
  return cast(sum, c.output_type().dtype);
}

Expr window_max_element(ElementContext& c) {
  WindowGeometry g = window_geometry(c.attributes());
  double lowest = lowest_of(c.output_type().dtype);
  Expr largest = reduce_box(c, ReduceKind::maximum, g.window, [&](std::span<const Expr> k) {
    return covered(c, g, 0, c.index(), k, lowest);
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

/// Finds the maximum, then the first position that holds it (or a NaN), then reads t there.
Expr window_select_element(ElementContext& c) {
  WindowGeometry g = window_geometry(c.attributes());
  std::span<const Expr> o = c.index();
  double lowest = lowest_of(c.input_type(0).dtype);
  Expr largest = reduce_box(c, ReduceKind::maximum, g.window, [&](std::span<const Expr> k) {
    return covered(c, g, 0, o, k, lowest);
  });
  int64_t count = element_count(g.window);
  Expr first = reduce_box(c, ReduceKind::minimum, g.window, [&](std::span<const Expr> k) {
    std::vector<Expr> conditions;
    Expr x = covered(c, g, 0, o, k, lowest);
    Expr holds = equal(x, largest);
    if (is_floating(x.dtype())) holds = holds | is_nan(x);
    return select(holds, window_offset(c, g, k), c.pool().index(count - 1));
  });
  std::vector<Expr> k(g.window.size(), c.pool().index(0));
  for (size_t i = k.size(); i-- > 0;) {
    if (g.window[i] == 1) continue;
    Expr extent = c.pool().index(g.window[i]);
    k[i] = floor_mod(first, extent);
    first = floor_div(first, extent);
  }
  return cast(covered(c, g, 1, o, k, 0.0), c.output_type().dtype);
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

/// An element takes part of dy of each window over it in which no other element beats it: none
/// before it is as large, none after it is larger.
Expr window_scatter_element(ElementContext& c) {
  WindowGeometry g = window_geometry(c.attributes());
  const Type& dy = c.input_type(1);
  double lowest = lowest_of(c.input_type(0).dtype);
  std::vector<Expr> own(c.index().begin(), c.index().end());
  Expr x = cast(c.input(0, own), compute_type(c.input_type(0).dtype));
  Expr sum = reduce_box(c, ReduceKind::sum, cover_counts(g), [&](std::span<const Expr> t) {
    Cover window = cover(c, g, dy.shape, t);
    Expr own_offset = window_offset(c, g, window.k);
    Expr beaten = reduce_box(c, ReduceKind::logical_or, g.window, [&](std::span<const Expr> k) {
      // Where the window itself does not exist its elements may lie outside of x, too.
      std::vector<Expr> at, conditions = window.conditions;
      for (size_t i = 0; i < k.size(); ++i) {
        Expr p = window.o[i] * static_cast<double>(g.strides[i]) +
                 k[i] * static_cast<double>(g.dilation[i]) - static_cast<double>(g.padding_low[i]);
        if (g.padding_low[i] > 0) conditions.push_back(p >= 0.0);
        if (g.padding_high[i] > 0) conditions.push_back(p < c.dim(c.input_type(0).shape[i]));
        at.push_back(p);
      }
      Expr other = guarded(c, conditions, cast(c.input(0, at), x.dtype()), lowest);
      Expr before = window_offset(c, g, k) < own_offset;
      return (other > x) | (before & equal(other, x));
    });
    std::vector<Expr> conditions = window.conditions;
    conditions.push_back(!beaten);
    return guarded(c, conditions, cast(c.input(1, window.o), compute_type(dy.dtype)), 0.0);
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
        normalise_geometry(c.attributes, c.input(0).rank());
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
        normalise_geometry(c.attributes, shape.rank());
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
        normalise_geometry(c.attributes, c.input(0).rank());
        return {{c.input(0).dtype, checked_output(c.attributes, c.input(0).shape)}};
      })
      .jvp([](JvpContext& c) -> Values {
        return {call(c, "window_select", {c.inputs[0], c.tangents[0]})};
      })
      .vjp([](VjpContext& c) -> Values {
        return {call(c, "window_scatter", {c.inputs[0], c.cotangents[0]})};
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

  OpStatement select = primitive("window_select");
  select
      .doc(
          "For each position of a sliding window, the element of t where x has its first maximum "
          "in "
          "the window. Linear in t, constant in x.")
      .input("x", kFloating)
      .input("t", kFloating);
  geometry(select)
      .infer([](InferContext& c) -> std::vector<Type> {
        normalise_geometry(c.attributes, c.input(0).rank());
        if (c.input(0) != c.input(1)) {
          fail(ErrorCode::shape_mismatch, "x {} and t {} differ", c.input(0).to_string(),
               c.input(1).to_string());
        }
        return {{c.input(0).dtype, checked_output(c.attributes, c.input(0).shape)}};
      })
      .jvp([](JvpContext& c) -> Values {
        if (!c.tangents[1]) return {Value()};
        return {call(c, "window_select", {c.inputs[0], c.tangents[1]})};
      })
      .vjp([](VjpContext& c) -> Values {
        if (!c.wanted[1]) return {Value(), Value()};
        return {Value(), call(c, "window_scatter", {c.inputs[0], c.cotangents[0]})};
      })
      .batch(batch_window)
      .reference(reference_window_select)
      .element(window_select_element)
      .samples({{"f32[2,6,4,3], f32[2,6,4,3]", tiling(), {}},
                {"f32[2,5,4,2], f32[2,5,4,2]", overlapping(), {}},
                {"f32[7,4], f32[7,4]", gaps(), {}},
                {"f32[8,7], f32[8,7]", dilated(), {}},
                {"bf16[1,4,4,1], bf16[1,4,4,1]", tiling(), {}}});
  ops.add(select);

  OpStatement scatter = primitive("window_scatter");
  scatter
      .doc(
          "Adds each element of dy where x has its first maximum in the element's window. Linear "
          "in "
          "dy, constant in x.")
      .input("x", kFloating)
      .input("dy", kFloating);
  geometry(scatter)
      .infer([](InferContext& c) -> std::vector<Type> {
        normalise_geometry(c.attributes, c.input(0).rank());
        check_windows(c.attributes, c.input(0).shape, c.input(1));
        return {{c.input(1).dtype, c.input(0).shape}};
      })
      .jvp([](JvpContext& c) -> Values {
        if (!c.tangents[1]) return {Value()};
        return {call(c, "window_scatter", {c.inputs[0], c.tangents[1]})};
      })
      .vjp([](VjpContext& c) -> Values {
        if (!c.wanted[1]) return {Value(), Value()};
        return {Value(), call(c, "window_select", {c.inputs[0], c.cotangents[0]})};
      })
      .batch(batch_window)
      .reference(reference_window_scatter)
      .element(window_scatter_element)
      .samples({{"f32[2,6,4,3], f32[2,3,2,3]", tiling(), {}},
                {"f32[2,5,4,2], f32[2,3,3,2]", overlapping(), {}},
                {"f32[7,4], f32[2,2]", gaps(), {}},
                {"f32[8,7], f32[4,2]", dilated(), {}},
                {"bf16[1,4,4,1], bf16[1,2,2,1]", tiling(), {}}});
  ops.add(scatter);
}

}  // namespace

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
