#include "tenon/ops/convolution.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/ops/element.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"
#include "tenon/ops/window.h"

// A convolution is one bilinear form, the sum over n, o, k, g, c, f of
//   x[n, o * stride - low + k * dilation, g, c] * w[k, c, g, f] * y[n, o, g, f].
// The three ops each leave one of the three tensors out, so they are each other's derivatives.

namespace tenon {

namespace {

using Values = std::vector<Value>;

// --- types ---

struct Extents {
  Dim batch;
  std::vector<Dim> input, kernel, output;   // spatial
  Dim groups, group_inputs, group_outputs;  // channels
};

/// The window's size is the filters' shape.
constexpr auto kLists = std::span(kWindowLists).subspan<1>();

void normalise_geometry(Attributes& attributes, size_t spatial) {
  normalise_lists(kLists, attributes, spatial, "spatial axes");
  if (attributes.shape("groups").rank() != 1) {
    fail(ErrorCode::invalid_argument, "groups is {}; it needs one number",
         attributes.shape("groups").to_string());
  }
}

size_t spatial_rank_of(const Type& image, const char* name) {
  if (image.rank() >= 3 && image.rank() <= 5) return image.rank() - 2;
  fail(ErrorCode::shape_mismatch,
       "{} is {}; it needs the axes [batch, 1 to 3 spatial axes, channels]", name,
       image.to_string());
}

std::vector<Dim> middle(const Shape& shape) { return {shape.begin() + 1, shape.end() - 1}; }

Dim divide_channels(const Dim& channels, const Dim& groups, const char* what) {
  auto quotient = channels.divided_by(groups);
  if (quotient) return *quotient;
  fail(ErrorCode::shape_mismatch, "{} {} cannot form {} equal groups", channels.to_string(), what,
       groups.to_string());
}

/// From filters [spatial…, in / groups, out].
void read_filters(const Type& filters, Extents& e, size_t spatial) {
  if (filters.rank() != spatial + 2) {
    fail(ErrorCode::shape_mismatch,
         "filters are {}; they need {} spatial axes, inputs / groups, outputs", filters.to_string(),
         spatial);
  }
  e.kernel.assign(filters.shape.begin(), filters.shape.end() - 2);
  e.group_inputs = filters.dim(spatial);
  e.group_outputs = divide_channels(filters.dim(spatial + 1), e.groups, "output channels");
}

void check_same(const Dim& given, const Dim& wanted, const char* what, const Type& where) {
  if (given == wanted) return;
  fail(ErrorCode::shape_mismatch, "{} of {} should be {}, not {}", what, where.to_string(),
       wanted.to_string(), given.to_string());
}

void compute_output(const ConvolutionGeometry& g, Extents& e) {
  e.output.clear();
  for (size_t i = 0; i < e.input.size(); ++i) {
    Dim extent = g.output_extent(i, e.input[i], e.kernel[i]);
    if (extent.is_constant() && extent.constant() < 1) {
      fail(ErrorCode::shape_mismatch,
           "the kernel ({} wide) is larger than the padded input ({} wide) "
           "on spatial axis {}",
           e.kernel[i].to_string(), e.input[i].to_string(), i);
    }
    e.output.push_back(std::move(extent));
  }
}

/// A gradient op is given the output side: it must be what the convolution would make.
void check_output(const Extents& e, const Type& gradient) {
  for (size_t i = 0; i < e.output.size(); ++i) {
    check_same(gradient.dim(i + 1), e.output[i], "a spatial dimension", gradient);
  }
}

Shape image_shape(const Dim& batch, const std::vector<Dim>& spatial, const Dim& channels) {
  Shape shape{batch};
  for (const Dim& dim : spatial) shape.push_back(dim);
  shape.push_back(channels);
  return shape;
}

Shape filter_shape(const Extents& e) {
  Shape shape(e.kernel);
  shape.push_back(e.group_inputs);
  shape.push_back(e.groups * e.group_outputs);
  return shape;
}

Extents convolution_extents(const Attributes& attributes, const Type& x, const Type& w) {
  ConvolutionGeometry g = convolution_geometry(attributes);
  Extents e;
  e.groups = g.groups;
  e.batch = x.dim(0);
  e.input = middle(x.shape);
  read_filters(w, e, e.input.size());
  check_same(w.dim(w.rank() - 2),
             divide_channels(x.shape.dims().back(), e.groups, "input channels"), "input channels",
             w);
  compute_output(g, e);
  return e;
}

Extents input_gradient_extents(const Attributes& attributes, const Type& dy, const Type& w) {
  ConvolutionGeometry g = convolution_geometry(attributes);
  Extents e;
  e.groups = g.groups;
  e.batch = dy.dim(0);
  e.input = attributes.shape("input_shape").dims();
  size_t spatial = dy.rank() - 2;
  if (e.input.size() != spatial) {
    fail(ErrorCode::invalid_argument, "input_shape has {} entries for {} spatial axes",
         e.input.size(), spatial);
  }
  read_filters(w, e, spatial);
  check_same(dy.shape.dims().back(), w.shape.dims().back(), "output channels", dy);
  compute_output(g, e);
  check_output(e, dy);
  return e;
}

Extents filter_gradient_extents(const Attributes& attributes, const Type& x, const Type& dy) {
  ConvolutionGeometry g = convolution_geometry(attributes);
  Extents e;
  e.groups = g.groups;
  e.batch = x.dim(0);
  e.input = middle(x.shape);
  const Integers& kernel = attributes.integers("kernel_shape");
  if (kernel.size() != e.input.size()) {
    fail(ErrorCode::invalid_argument, "kernel_shape has {} entries for {} spatial axes",
         kernel.size(), e.input.size());
  }
  e.kernel.assign(kernel.begin(), kernel.end());
  if (dy.rank() != x.rank()) {
    fail(ErrorCode::shape_mismatch, "dy is {}, but x {} has {} axes", dy.to_string(), x.to_string(),
         x.rank());
  }
  check_same(dy.dim(0), x.dim(0), "the batch", dy);
  e.group_inputs = divide_channels(x.shape.dims().back(), e.groups, "input channels");
  e.group_outputs = divide_channels(dy.shape.dims().back(), e.groups, "output channels");
  compute_output(g, e);
  check_output(e, dy);
  return e;
}

void check_dtypes(const InferContext& c) {
  if (c.input(0).dtype == c.input(1).dtype) return;
  fail(ErrorCode::type_mismatch, "dtypes differ: {} and {}", c.input(0).to_string(),
       c.input(1).to_string());
}

// --- derivatives: the same geometry, another tensor left out ---

Attributes geometry_attributes(const Attributes& attributes) {
  Attributes result;
  for (const WindowList& list : kLists) result.set(list.name, *attributes.find(list.name));
  result.set("groups", *attributes.find("groups"));
  return result;
}

Value convolution(const Attributes& attributes, Value x, Value w) {
  return x.build().call("convolution", {x, w}, geometry_attributes(attributes));
}

Value input_gradient(const Attributes& attributes, Value dy, Value w, std::vector<Dim> input) {
  Attributes own = geometry_attributes(attributes);
  own.set("input_shape", Shape(std::move(input)));
  return dy.build().call("convolution_input_gradient", {dy, w}, std::move(own));
}

Value filter_gradient(const Attributes& attributes, Value x, Value dy, Integers kernel) {
  Attributes own = geometry_attributes(attributes);
  own.set("kernel_shape", std::move(kernel));
  return x.build().call("convolution_filter_gradient", {x, dy}, std::move(own));
}

Integers kernel_of(const Value& filters) {
  Integers kernel;
  for (size_t i = 0; i + 2 < filters.rank(); ++i) {
    if (!filters.dim(i).is_constant()) {
      fail(ErrorCode::unsupported, "the derivative by filters {} needs a kernel of known size",
           filters.type().to_string());
    }
    kernel.push_back(filters.dim(i).constant());
  }
  return kernel;
}

// --- batching ---

/// [size, batch, …] to [size * batch, …].
Value merge_into_batch(Value x) {
  Shape shape = x.shape();
  shape[1] = shape[0] * shape[1];
  shape.erase(0);
  return reshape(x, shape);
}
Value split_from_batch(Value y, const Dim& size) {
  Shape shape = y.shape();
  shape[0] = *shape[0].divided_by(size);
  shape.insert(0, size);
  return reshape(y, shape);
}
/// [size, …, channels] to […, size * channels].
Value merge_into_channels(Value x) {
  auto last = static_cast<int64_t>(x.rank()) - 1;
  Value moved = move_axis(x, 0, last - 1);
  Shape shape = moved.shape();
  Dim channels = shape[shape.rank() - 2] * shape[shape.rank() - 1];
  shape.erase(shape.rank() - 1);
  shape[shape.rank() - 1] = channels;
  return reshape(moved, shape);
}
Value split_from_channels(Value y, const Dim& size, size_t axis) {
  Shape shape = y.shape();
  shape[axis] = *shape[axis].divided_by(size);
  shape.insert(axis, size);
  return move_axis(reshape(y, shape), static_cast<int64_t>(axis), 0);
}

/// Each element of the batch becomes its own groups.
Value batch_by_groups(BatchContext& c) {
  Attributes attributes = c.attributes;
  attributes.set("groups", Shape{c.size * c.attributes.shape("groups")[0]});
  Value inputs[] = {merge_into_channels(batched_input(c, 0)),
                    merge_into_channels(batched_input(c, 1))};
  Value y = c.build.call(c.op.name, inputs, std::move(attributes));
  return split_from_channels(y, c.size, y.rank() - 1);
}

bool one_group(const BatchContext& c) { return c.attributes.shape("groups")[0].is(1); }

/// convolution and convolution_input_gradient: the first input and the result are images.
Values batch_image_op(BatchContext& c) {
  if (!c.batched[1]) {
    Value y = c.build.call(c.op.name, {merge_into_batch(c.inputs[0]), c.inputs[1]}, c.attributes);
    return {split_from_batch(y, c.size)};
  }
  bool filters_only = !c.batched[0] && c.op.is(CoreOp::convolution) && one_group(c);
  if (!filters_only) return {batch_by_groups(c)};
  // One image under many filters is one image under more filters.
  Value y = c.build.call(c.op.name, {c.inputs[0], merge_into_channels(c.inputs[1])}, c.attributes);
  return {split_from_channels(y, c.size, y.rank() - 1)};
}

Values batch_filter_gradient(BatchContext& c) {
  if ((c.batched[0] && c.batched[1]) || !one_group(c)) return {batch_by_groups(c)};
  size_t batched = c.batched[0] ? 0 : 1;
  Value inputs[] = {c.inputs[0], c.inputs[1]};
  inputs[batched] = merge_into_channels(inputs[batched]);
  Value dw = c.build.call(c.op.name, inputs, c.attributes);
  return {split_from_channels(dw, c.size, dw.rank() - 2 + batched)};
}

// --- reference: one walk over the bilinear form ---

struct Offsets {
  int64_t x, w, y;
};

void for_each_product(const Attributes& attributes, const std::vector<int64_t>& x,
                      const std::vector<int64_t>& w, const std::vector<int64_t>& y,
                      const std::function<void(const Offsets&)>& visit) {
  ConvolutionGeometry g = convolution_geometry(attributes);
  size_t spatial = g.spatial_rank();
  int64_t group_inputs = w[spatial];
  int64_t groups = group_inputs == 0 ? 0 : x.back() / group_inputs;
  if (groups == 0) return;
  int64_t group_outputs = w[spatial + 1] / groups;
  std::vector<int64_t> outer(y.begin(), y.end() - 1);  // batch and output positions
  std::vector<int64_t> kernel(w.begin(), w.end() - 2);
  for (BoxIndex o(outer); !o.done(); o.next()) {
    for (BoxIndex k(kernel); !k.done(); k.next()) {
      int64_t pixel = o.position()[0];
      bool inside = true;
      for (size_t i = 0; i < spatial; ++i) {
        int64_t p =
            o.position()[i + 1] * g.strides[i] - g.padding_low[i] + k.position()[i] * g.dilation[i];
        inside = inside && p >= 0 && p < x[i + 1];
        pixel = pixel * x[i + 1] + p;
      }
      if (!inside) continue;
      for (int64_t group = 0; group < groups; ++group) {
        for (int64_t in = 0; in < group_inputs; ++in) {
          for (int64_t out = 0; out < group_outputs; ++out) {
            int64_t channel = group * group_outputs + out;
            visit({pixel * x.back() + group * group_inputs + in,
                   (k.linear() * group_inputs + in) * w.back() + channel,
                   o.linear() * y.back() + channel});
          }
        }
      }
    }
  }
}

void reference_convolution(ReferenceCall& call) {
  const RefArray& x = call.input(0);
  const RefArray& w = call.input(1);
  RefArray& y = call.output(0);
  for_each_product(call.attributes(), x.shape(), w.shape(), y.shape(),
                   [&](const Offsets& at) { y.add(at.y, x.get(at.x) * w.get(at.w)); });
}
void reference_input_gradient(ReferenceCall& call) {
  const RefArray& dy = call.input(0);
  const RefArray& w = call.input(1);
  RefArray& dx = call.output(0);
  for_each_product(call.attributes(), dx.shape(), w.shape(), dy.shape(),
                   [&](const Offsets& at) { dx.add(at.x, dy.get(at.y) * w.get(at.w)); });
}
void reference_filter_gradient(ReferenceCall& call) {
  const RefArray& x = call.input(0);
  const RefArray& dy = call.input(1);
  RefArray& dw = call.output(0);
  for_each_product(call.attributes(), x.shape(), dw.shape(), dy.shape(),
                   [&](const Offsets& at) { dw.add(at.w, x.get(at.x) * dy.get(at.y)); });
}

// --- elements ---

/// floor(channel / size), without a division where there is one group.
Expr group_of(ElementContext& c, const Extents& e, Expr channel, const Dim& size) {
  return e.groups.is(1) ? c.pool().index(0) : floor_div(channel, c.dim(size));
}

/// The value where all of `conditions` hold, else 0; loads happen only there.
Expr guarded(ElementContext& c, std::span<const Expr> conditions, Expr value) {
  if (conditions.empty()) return value;
  Expr all = conditions[0];
  for (Expr condition : conditions.subspan(1)) all = all & condition;
  return guard(all, value, c.pool().constant(value.dtype(), 0.0));
}

void require_range(ElementContext& c, std::vector<Expr>& conditions, Expr position,
                   const Dim& extent, bool low, bool high) {
  if (low) conditions.push_back(position >= 0.0);
  if (high) conditions.push_back(position < c.dim(extent));
}

/// Of convolution, which sums over places in the kernel, or of its gradient by the filters, which
/// sums over positions of the other result: what is not summed is what the element's index says.
Expr sum_with_images(ElementContext& c, const Extents& e, std::span<const Dim> summed,
                     bool sums_kernel) {
  ConvolutionGeometry g = convolution_geometry(c.attributes());
  size_t spatial = g.spatial_rank();
  DType dtype = c.output_type().dtype;
  DType compute = compute_type(dtype);
  std::span<const Expr> at = c.index();
  Expr out = at[spatial + 1];
  Expr group = group_of(c, e, out, e.group_outputs);
  Expr sum = c.reduce(ReduceKind::sum, summed, [&](std::span<const Expr> s) {
    std::span<const Expr> o = sums_kernel ? at : s;  // [batch, spatial…]
    std::span<const Expr> k = sums_kernel ? s : at;  // [spatial…, channel of the group]
    std::vector<Expr> x_at{o[0]}, other_at(s.begin(), s.end()), conditions;
    for (size_t i = 0; i < spatial; ++i) {
      Expr p = o[i + 1] * static_cast<double>(g.strides[i]) +
               k[i] * static_cast<double>(g.dilation[i]) - static_cast<double>(g.padding_low[i]);
      require_range(c, conditions, p, e.input[i], g.padding_low[i] > 0, g.padding_high[i] > 0);
      x_at.push_back(p);
    }
    x_at.push_back(group * c.dim(e.group_inputs) + k[spatial]);
    other_at.push_back(out);
    Expr product = cast(c.input(0, x_at), compute) * cast(c.input(1, other_at), compute);
    return guarded(c, conditions, product);
  });
  return cast(sum, dtype);
}

Expr convolution_element(ElementContext& c) {
  Extents e = convolution_extents(c.attributes(), c.input_type(0), c.input_type(1));
  std::vector<Dim> summed = e.kernel;
  summed.push_back(e.group_inputs);
  return sum_with_images(c, e, summed, true);
}

Expr filter_gradient_element(ElementContext& c) {
  Extents e = filter_gradient_extents(c.attributes(), c.input_type(0), c.input_type(1));
  std::vector<Dim> summed{e.batch};
  summed.insert(summed.end(), e.output.begin(), e.output.end());
  return sum_with_images(c, e, summed, false);
}

/// Input position i meets kernel position k at output position (i + low - k * dilation) / stride
/// where that is whole. Without dilation those k are (i + low) mod stride + t * stride, so only
/// they are visited.
Expr input_gradient_element(ElementContext& c) {
  ConvolutionGeometry g = convolution_geometry(c.attributes());
  Extents e = input_gradient_extents(c.attributes(), c.input_type(0), c.input_type(1));
  size_t spatial = g.spatial_rank();
  DType dtype = c.output_type().dtype;
  DType compute = compute_type(dtype);
  std::span<const Expr> at = c.index();
  Expr in = at[spatial + 1];
  Expr group = group_of(c, e, in, e.group_inputs);
  Expr group_in = e.groups.is(1) ? in : floor_mod(in, c.dim(e.group_inputs));
  std::vector<Dim> extents;
  for (size_t i = 0; i < spatial; ++i) {
    bool stepped = g.dilation[i] == 1;
    extents.push_back(stepped ? Dim::floor_div(e.kernel[i] + (g.strides[i] - 1), g.strides[i])
                              : e.kernel[i]);
  }
  extents.push_back(e.group_outputs);
  Expr sum = c.reduce(ReduceKind::sum, extents, [&](std::span<const Expr> t) {
    std::vector<Expr> dy_at{at[0]}, w_at, conditions;
    for (size_t i = 0; i < spatial; ++i) {
      auto stride_value = static_cast<double>(g.strides[i]);
      Expr stride = c.pool().index(g.strides[i]);
      Expr shifted = at[i + 1] + static_cast<double>(g.padding_low[i]);
      Expr k = t[i], o;
      if (g.dilation[i] == 1) {
        k = floor_mod(shifted, stride) + t[i] * stride_value;
        o = floor_div(shifted, stride) - t[i];
        if (g.strides[i] != 1) conditions.push_back(k < c.dim(e.kernel[i]));
      } else {
        Expr distance = shifted - t[i] * static_cast<double>(g.dilation[i]);
        o = floor_div(distance, stride);
        if (g.strides[i] != 1) conditions.push_back(equal(floor_mod(distance, stride), 0.0));
      }
      require_range(c, conditions, o, e.output[i], true, true);
      w_at.push_back(k);
      dy_at.push_back(o);
    }
    Expr out = group * c.dim(e.group_outputs) + t[spatial];
    dy_at.push_back(out);
    w_at.push_back(group_in);
    w_at.push_back(out);
    Expr product = cast(c.input(0, dy_at), compute) * cast(c.input(1, w_at), compute);
    return guarded(c, conditions, product);
  });
  return cast(sum, dtype);
}

// --- statements ---

OpStatement& geometry(OpStatement& op) {
  return op
      .attribute("strides", AttributeKind::integers, Integers{}, "step of the kernel; default 1")
      .attribute("padding_low", AttributeKind::integers, Integers{},
                 "zeros before each spatial axis; default 0")
      .attribute("padding_high", AttributeKind::integers, Integers{},
                 "zeros after each spatial axis; default 0")
      .attribute("dilation", AttributeKind::integers, Integers{},
                 "distance of neighbours in the kernel; default 1")
      .attribute("groups", AttributeKind::shape, Shape{1},
                 "channels are split into this many separate convolutions");
}

void add_convolution(OpFamily& ops) {
  OpStatement op = primitive("convolution");
  op.doc(
        "Convolution (correlation) of images [batch, spatial…, in] with filters "
        "[spatial…, in / groups, out], 1 to 3 spatial axes.")
      .input("x", kFloating)
      .input("filters", kFloating);
  geometry(op)
      .infer([](InferContext& c) -> std::vector<Type> {
        check_dtypes(c);
        normalise_geometry(c.attributes, spatial_rank_of(c.input(0), "x"));
        Extents e = convolution_extents(c.attributes, c.input(0), c.input(1));
        return {{c.input(0).dtype, image_shape(e.batch, e.output, e.groups * e.group_outputs)}};
      })
      .linear({0, 1},
              [](TransposeContext& c) {
                if (c.operand == 1) {
                  return filter_gradient(c.attributes, c.inputs[0], c.cotangent,
                                         kernel_of(c.inputs[1]));
                }
                return input_gradient(c.attributes, c.cotangent, c.inputs[1],
                                      middle(c.inputs[0].shape()));
              })
      .batch(batch_image_op)
      .reference(reference_convolution)
      .element(convolution_element)
      .onnx("Conv")
      .samples({{"f32[2,5,6,3], f32[3,2,3,4]", {}, {}},
                {"f32[n,6,6,2], f32[3,3,2,3]",
                 {{"padding_low", Integers{1, 1}}, {"padding_high", Integers{1, 1}}},
                 {}},
                {"f32[1,h,w,2], f32[2,2,2,3]", {{"strides", Integers{2, 1}}}, {}},
                {"f32[2,7,7,2], f32[3,3,2,2]",
                 {{"strides", Integers{2, 3}},
                  {"padding_low", Integers{1, 0}},
                  {"padding_high", Integers{2, 1}}},
                 {}},
                {"f32[1,8,7,1], f32[2,3,1,2]",
                 {{"dilation", Integers{3, 2}}, {"strides", Integers{1, 2}}},
                 {}},
                {"f32[2,4,4,6], f32[3,3,2,9]", {{"groups", Shape{3}}}, {}},
                {"f32[1,5,5,4], f32[3,3,1,4]", {{"groups", Shape{4}}}, {}},
                {"f32[2,9,3], f32[4,3,2]", {{"strides", Integers{2}}}, {}},
                {"f32[1,3,4,3,2], f32[2,2,2,2,3]", {}, {}},
                {"bf16[1,4,4,2], bf16[3,3,2,2]", {}, {}},
                {"f64[1,4,4,2], f64[1,1,2,3]", {}, {}}});
  ops.add(op);
}

void add_input_gradient(OpFamily& ops) {
  OpStatement op = primitive("convolution_input_gradient");
  op.doc(
        "The derivative of convolution by its images: from dy [batch, spatial…, out] and filters "
        "to [batch, input_shape…, in]. Also known as transposed convolution.")
      .input("dy", kFloating)
      .input("filters", kFloating);
  geometry(op)
      .attribute("input_shape", AttributeKind::shape, "spatial dimensions of the result")
      .infer([](InferContext& c) -> std::vector<Type> {
        check_dtypes(c);
        normalise_geometry(c.attributes, spatial_rank_of(c.input(0), "dy"));
        Extents e = input_gradient_extents(c.attributes, c.input(0), c.input(1));
        return {{c.input(0).dtype, image_shape(e.batch, e.input, e.groups * e.group_inputs)}};
      })
      .linear({0, 1},
              [](TransposeContext& c) {
                if (c.operand == 0) return convolution(c.attributes, c.cotangent, c.inputs[1]);
                return filter_gradient(c.attributes, c.cotangent, c.inputs[0],
                                       kernel_of(c.inputs[1]));
              })
      .batch(batch_image_op)
      .reference(reference_input_gradient)
      .element(input_gradient_element)
      .onnx("ConvTranspose")
      .samples(
          {{"f32[2,3,5,4], f32[3,2,3,4]", {{"input_shape", Shape{5, 6}}}, {}},
           {"f32[n,6,6,3], f32[3,3,2,3]",
            {{"input_shape", Shape{6, 6}},
             {"padding_low", Integers{1, 1}},
             {"padding_high", Integers{1, 1}}},
            {}},
           {"f32[2,4,2,2], f32[3,3,2,2]",
            {{"input_shape", Shape{7, 7}},
             {"strides", Integers{2, 3}},
             {"padding_low", Integers{1, 0}},
             {"padding_high", Integers{2, 1}}},
            {}},
           {"f32[1,5,2,2], f32[2,3,1,2]",
            {{"input_shape", Shape{8, 7}},
             {"dilation", Integers{3, 2}},
             {"strides", Integers{1, 2}}},
            {}},
           {"f32[2,2,2,9], f32[3,3,2,9]", {{"input_shape", Shape{4, 4}}, {"groups", Shape{3}}}, {}},
           {"f32[2,3,2], f32[4,3,2]", {{"input_shape", Shape{9}}, {"strides", Integers{2}}}, {}},
           {"bf16[1,2,2,2], bf16[3,3,2,2]", {{"input_shape", Shape{4, 4}}}, {}}});
  ops.add(op);
}

void add_filter_gradient(OpFamily& ops) {
  OpStatement op = primitive("convolution_filter_gradient");
  op.doc(
        "The derivative of convolution by its filters: from images x and dy to "
        "[kernel_shape…, in / groups, out].")
      .input("x", kFloating)
      .input("dy", kFloating);
  geometry(op)
      .attribute("kernel_shape", AttributeKind::integers, "spatial dimensions of the filters")
      .infer([](InferContext& c) -> std::vector<Type> {
        check_dtypes(c);
        normalise_geometry(c.attributes, spatial_rank_of(c.input(0), "x"));
        Extents e = filter_gradient_extents(c.attributes, c.input(0), c.input(1));
        return {{c.input(0).dtype, filter_shape(e)}};
      })
      .linear({0, 1},
              [](TransposeContext& c) {
                if (c.operand == 1) return convolution(c.attributes, c.inputs[0], c.cotangent);
                return input_gradient(c.attributes, c.inputs[1], c.cotangent,
                                      middle(c.inputs[0].shape()));
              })
      .batch(batch_filter_gradient)
      .reference(reference_filter_gradient)
      .element(filter_gradient_element)
      .samples({{"f32[2,5,6,3], f32[2,3,5,4]", {{"kernel_shape", Integers{3, 2}}}, {}},
                {"f32[n,6,6,2], f32[n,6,6,3]",
                 {{"kernel_shape", Integers{3, 3}},
                  {"padding_low", Integers{1, 1}},
                  {"padding_high", Integers{1, 1}}},
                 {}},
                {"f32[2,7,7,2], f32[2,4,2,2]",
                 {{"kernel_shape", Integers{3, 3}},
                  {"strides", Integers{2, 3}},
                  {"padding_low", Integers{1, 0}},
                  {"padding_high", Integers{2, 1}}},
                 {}},
                {"f32[1,8,7,1], f32[1,5,2,2]",
                 {{"kernel_shape", Integers{2, 3}},
                  {"dilation", Integers{3, 2}},
                  {"strides", Integers{1, 2}}},
                 {}},
                {"f32[2,4,4,6], f32[2,2,2,9]",
                 {{"kernel_shape", Integers{3, 3}}, {"groups", Shape{3}}},
                 {}},
                {"f32[2,9,3], f32[2,3,2]",
                 {{"kernel_shape", Integers{4}}, {"strides", Integers{2}}},
                 {}},
                {"bf16[1,4,4,2], bf16[1,2,2,2]", {{"kernel_shape", Integers{3, 3}}}, {}}});
  ops.add(op);
}

}  // namespace

Dim ConvolutionGeometry::output_extent(size_t axis, const Dim& input, const Dim& kernel) const {
  Dim reach = (kernel - 1) * dilation[axis] + 1;
  return Dim::floor_div(input + (padding_low[axis] + padding_high[axis]) - reach, strides[axis]) +
         1;
}

ConvolutionGeometry convolution_geometry(const Attributes& attributes) {
  return {attributes.integers("strides"), attributes.integers("padding_low"),
          attributes.integers("padding_high"), attributes.integers("dilation"),
          attributes.shape("groups")[0]};
}

void register_convolution(OpRegistry& registry) {
  OpFamily ops(registry, "convolution");
  add_convolution(ops);
  add_input_gradient(ops);
  add_filter_gradient(ops);
}

}  // namespace tenon
