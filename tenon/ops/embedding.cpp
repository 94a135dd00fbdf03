#include <cmath>

#include "tenon/base/error.h"
#include "tenon/ops/precision.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/statement.h"

namespace tenon {

namespace {

using Values = std::vector<Value>;

void add_embedding(OpFamily& ops) {
  ops.add(
      composite("embedding")
          .doc("Rows of a table [tokens, depth] by their numbers: ids' shape, then depth. A number "
               "out of range gives zeros.")
          .input("table")
          .input("ids", kIndex)
          .indexes({.axis = 0})
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
}

void add_one_hot(OpFamily& ops) {
  ops.add(composite("one_hot")
              .doc("1 at the position that the number says along a new last axis, 0 elsewhere; all "
                   "0 for a number out of range.")
              .input("ids", kIndex)
              .attribute("depth", AttributeKind::shape,
                         "size of the new axis, as a shape of one dimension")
              .attribute("dtype", AttributeKind::dtype, DType::f32, "dtype of the result")
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
}

void add_rotary_embedding(OpFamily& ops) {
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

}  // namespace

void register_embedding(OpRegistry& registry) {
  OpFamily ops(registry, "embedding");
  add_embedding(ops);
  add_one_hot(ops);
  add_rotary_embedding(ops);
}

}  // namespace tenon
