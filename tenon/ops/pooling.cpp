#include <algorithm>
#include <limits>

#include "tenon/base/error.h"
#include "tenon/ops/precision.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/window.h"

// Images are [batch, spatial…, channels]; attributes have one entry a spatial axis.

namespace tenon {

namespace {

using Values = std::vector<Value>;

size_t spatial_rank_of(const Type& x) {
  if (x.rank() >= 3) return x.rank() - 2;
  fail(ErrorCode::shape_mismatch, "x is {}; it needs the axes [batch, spatial…, channels]",
       x.to_string());
}

Integers spatial_axes(size_t rank) {
  Integers axes;
  for (size_t i = 1; i + 1 < rank; ++i) axes.push_back(static_cast<int64_t>(i));
  return axes;
}

// --- sliding windows ---

/// The spatial entries between those of the batch and the channels.
Integers for_all_axes(const Integers& spatial, int64_t other) {
  Integers all{other};
  all.insert(all.end(), spatial.begin(), spatial.end());
  all.push_back(other);
  return all;
}

Attributes window_attributes(const Attributes& a) {
  return {{"window", for_all_axes(a.integers("window"), 1)},
          {"strides", for_all_axes(a.integers("strides"), 1)},
          {"padding_low", for_all_axes(a.integers("padding_low"), 0)},
          {"padding_high", for_all_axes(a.integers("padding_high"), 0)},
          {"dilation", for_all_axes(a.integers("dilation"), 1)}};
}

std::vector<Type> infer_pool(InferContext& c) {
  const Type& x = c.input(0);
  size_t spatial = spatial_rank_of(x);
  Integers window = c.attributes.integers("window");
  auto fill = [&](const char* name, const Integers& fallback, int64_t least) {
    Integers list = c.attributes.integers(name);
    if (list.empty()) list = fallback;
    if (list.size() != spatial) {
      fail(ErrorCode::invalid_argument, "{} has {} entries for {} spatial axes", name, list.size(),
           spatial);
    }
    if (auto low = std::min_element(list.begin(), list.end()); *low < least) {
      fail(ErrorCode::invalid_argument, "{} has {}, less than {}", name, *low, least);
    }
    check_window_list(name, list);
    c.attributes.set(name, std::move(list));
  };
  fill("window", window, 1);
  fill("strides", window, 1);
  fill("padding_low", Integers(spatial, 0), 0);
  fill("padding_high", Integers(spatial, 0), 0);
  fill("dilation", Integers(spatial, 1), 1);
  WindowGeometry g = window_geometry(window_attributes(c.attributes));
  for (size_t i = 1; i <= spatial; ++i) {
    int64_t padding = std::max(g.padding_low[i], g.padding_high[i]);
    if (padding < g.window[i] * g.dilation[i]) continue;
    fail(ErrorCode::invalid_argument,
         "padding {} with a window of {} on spatial axis {}: some windows would hold nothing else",
         padding, g.window[i], i - 1);
  }
  Shape output = g.output_shape(x.shape);
  for (size_t i = 1; i <= spatial; ++i) {
    if (!output[i].is_constant() || output[i].constant() > 0) continue;
    fail(ErrorCode::shape_mismatch, "a window of {} does not fit spatial axis {} of x {}",
         g.window[i], i - 1, x.to_string());
  }
  return {{x.dtype, output}};
}

OpStatement sliding(std::string name, std::string doc, DTypeSet dtypes) {
  OpStatement op = composite(std::move(name));
  op.doc(std::move(doc))
      .input("x", dtypes)
      .attribute("window", AttributeKind::integers, "size of the window")
      .attribute("strides", AttributeKind::integers, Integers{},
                 "step of the window; default its size")
      .attribute("padding_low", AttributeKind::integers, Integers{}, "before each axis; default 0")
      .attribute("padding_high", AttributeKind::integers, Integers{}, "after each axis; default 0")
      .attribute("dilation", AttributeKind::integers, Integers{},
                 "distance of neighbours in the window; default 1")
      .infer(infer_pool);
  return op;
}

/// How many elements each window averages, as a value that broadcasts to the result.
Value window_counts(const RuleContext& c, DType dtype) {
  const Shape& shape = c.inputs[0].shape();
  Attributes attributes = window_attributes(c.attributes);
  WindowGeometry g = window_geometry(attributes);
  bool padded = false;
  for (size_t i = 0; i < shape.rank(); ++i) padded = padded || g.pads(i);
  if (!padded || c.attributes.boolean("count_include_padding")) {
    return c.build.full({dtype, {}}, static_cast<double>(element_count(g.window)));
  }
  Shape one_image = shape;
  one_image[0] = Dim(1);
  one_image[shape.rank() - 1] = Dim(1);
  return c.build.call("window_sum", {c.build.full({dtype, one_image}, 1.0)}, attributes);
}

void add_sliding_pools(OpFamily& ops) {
  Attributes two{{"window", Integers{2, 2}}};
  Attributes padded{{"window", Integers{3, 3}},
                    {"strides", Integers{2, 2}},
                    {"padding_low", Integers{1, 1}},
                    {"padding_high", Integers{1, 0}}};
  Attributes included = padded;
  included.set("count_include_padding", true);
  ops.add(sliding("max_pool", "The largest element in each window of the spatial axes.", kNumeric)
              .decompose([](RuleContext& c) -> Values {
                return {c.build.call("window_max", {c.inputs[0]}, window_attributes(c.attributes))};
              })
              .onnx("MaxPool")
              .samples({{"f32[2,6,4,3]", two, {}},
                        {"f32[n,5,6,2]", padded, {}},
                        {"f32[1,9,2]", {{"window", Integers{3}}}, {}},
                        {"bf16[1,4,4,2]", two, {}},
                        {"i32[1,4,4,2]", two, {}}}));
  ops.add(sliding("average_pool", "The mean of each window of the spatial axes.", kFloating)
              .attribute("count_include_padding", AttributeKind::boolean, true,
                         "whether the padding counts as zeros, or not at all")
              .decompose([](RuleContext& c) -> Values {
                Value x = widen(c.inputs[0]);
                Value sum = c.build.call("window_sum", {x}, window_attributes(c.attributes));
                return {cast(sum / window_counts(c, x.dtype()), c.inputs[0].dtype())};
              })
              .onnx("AveragePool")
              .samples({{"f32[2,6,4,3]", two, {}},
                        {"f32[n,5,6,2]", padded, {}},
                        {"f32[2,5,6,2]", included, {}},
                        {"f32[1,9,2]", {{"window", Integers{3}}, {"strides", Integers{1}}}, {}},
                        {"bf16[1,4,4,2]", two, {}}}));
}

// --- adaptive and global ---

using Reduce = Value (*)(Value, const Integers&, bool);

/// Positions that do not divide an axis evenly are computed one by one.
constexpr int64_t kMostPositions = 1 << 16;

/// Result position i of n covers input positions floor(i * size / n) to ceil((i + 1) * size / n).
/// Windows are boxes, so the axes can be reduced one after another; those that divide evenly all at
/// once.
Value adaptive(Value x, const Integers& output, Reduce reduce) {
  Shape split{x.dim(0)};
  Integers reduced;
  for (size_t i = 0; i < output.size(); ++i) {
    auto part = x.dim(i + 1).divided_by(output[i]);
    split.push_back(part ? Dim(output[i]) : x.dim(i + 1));
    if (!part || part->is(1)) continue;
    reduced.push_back(static_cast<int64_t>(split.rank()));
    split.push_back(*part);
  }
  split.push_back(x.dim(x.rank() - 1));
  Value y = reduce(reshape(x, split), reduced, false);
  for (size_t i = 0; i < output.size(); ++i) {
    if (y.dim(i + 1).is(output[i])) continue;
    auto axis = static_cast<int64_t>(i + 1);
    // A product of the size and a position may leave 64 bits.
    const int64_t positions = output[i], size = y.dim(i + 1).constant();
    const int64_t whole = size / positions, rest = size % positions;
    Values parts;
    for (int64_t o = 0; o < positions; ++o) {
      int64_t begin = o * whole + o * rest / positions;
      int64_t end = (o + 1) * whole + ((o + 1) * rest + positions - 1) / positions;
      parts.push_back(reduce(slice_axis(y, axis, begin, end), {axis}, true));
    }
    y = concatenate(parts, axis);
  }
  return y;
}

void add_adaptive_pools(OpFamily& ops) {
  auto add = [&ops](const char* name, const char* doc, Reduce reduce) {
    ops.add(composite(name)
                .doc(doc)
                .input("x", kFloating)
                .attribute("output", AttributeKind::integers, "spatial dimensions of the result")
                .infer([](InferContext& c) -> std::vector<Type> {
                  size_t spatial = spatial_rank_of(c.input(0));
                  const Integers& output = c.attributes.integers("output");
                  if (output.size() != spatial) {
                    fail(ErrorCode::invalid_argument, "output has {} entries for {} spatial axes",
                         output.size(), spatial);
                  }
                  Type y = c.input(0);
                  for (size_t i = 0; i < spatial; ++i) {
                    Dim& dim = y.shape[i + 1];
                    if (output[i] < 1 || (!dim.is_constant() && !dim.divided_by(output[i]))) {
                      fail(ErrorCode::invalid_argument, "{} positions cannot become {}",
                           dim.to_string(), output[i]);
                    }
                    if (output[i] > kMostPositions && !dim.divided_by(output[i])) {
                      fail(ErrorCode::out_of_range, "{} positions become {}, more than {}",
                           dim.to_string(), output[i], kMostPositions);
                    }
                    dim = Dim(output[i]);
                  }
                  return {y};
                })
                .decompose([reduce](RuleContext& c) -> Values {
                  Value y = adaptive(widen(c.inputs[0]), c.attributes.integers("output"), reduce);
                  return {cast(y, c.inputs[0].dtype())};
                })
                .samples({{"f32[2,6,4,3]", {{"output", Integers{3, 2}}}, {}},
                          {"f32[n,7,5,2]", {{"output", Integers{3, 5}}}, {}},
                          {"f32[2,3,4,2]", {{"output", Integers{5, 3}}}, {}},
                          {"f32[2,h,4,3]", {{"output", Integers{1, 1}}}, {}},
                          {"bf16[1,4,2]", {{"output", Integers{2}}}, {}}}));
  };
  add("adaptive_average_pool",
      "The mean of as many equal windows as the result has positions, whatever the input's size.",
      reduce_mean);
  add("adaptive_max_pool",
      "The maximum of as many equal windows as the result has positions, whatever the input's "
      "size.",
      reduce_max);
}

void add_global_pools(OpFamily& ops) {
  auto add = [&ops](const char* name, const char* doc, Reduce reduce, const char* onnx) {
    ops.add(
        composite(name)
            .doc(doc)
            .input("x", kFloating)
            .attribute("keep", AttributeKind::boolean, false, "keep the spatial axes with size 1")
            .infer([](InferContext& c) -> std::vector<Type> {
              const Type& x = c.input(0);
              spatial_rank_of(x);
              bool keep = c.attributes.boolean("keep");
              return {{x.dtype, reduced_shape(x.shape, spatial_axes(x.rank()), keep)}};
            })
            .decompose([reduce](RuleContext& c) -> Values {
              Value x = widen(c.inputs[0]);
              Value y = reduce(x, spatial_axes(x.rank()), c.attributes.boolean("keep"));
              return {cast(y, c.inputs[0].dtype())};
            })
            .onnx(onnx)
            .samples({{"f32[2,3,4,5]", {}, {}},
                      {"f32[n,3,2,2]", {{"keep", true}}, {}},
                      {"bf16[2,6,3]", {}, {}}}));
  };
  add("global_average_pool", "The mean over all spatial axes: [batch, channels].", reduce_mean,
      "GlobalAveragePool");
  add("global_max_pool", "The maximum over all spatial axes: [batch, channels].", reduce_max,
      "GlobalMaxPool");
}

}  // namespace

void register_pooling(OpRegistry& registry) {
  OpFamily ops(registry, "pooling");
  add_sliding_pools(ops);
  add_adaptive_pools(ops);
  add_global_pools(ops);
}

}  // namespace tenon
