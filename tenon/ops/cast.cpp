#include "tenon/base/error.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

/// The ends of an integer dtype of 8 bits.
struct Range {
  double low, high;
};

Range range_of(DType byte) { return byte == DType::u8 ? Range{0, 255} : Range{-128, 127}; }

void reference_cast(ReferenceCall& call) {
  const RefArray& x = call.input(0);
  RefArray& y = call.output(0);
  Literal one(y.dtype(), {});  // converts as it should
  for (int64_t i = 0; i < x.size(); ++i) {
    if (x.is_real()) {
      one.set_double(0, x.get(i));
    } else {
      one.set_int(0, x.get_int(i));
    }
    if (y.is_real()) {
      y.set(i, one.to_double(0));
    } else {
      y.set_int(i, one.to_int(0));
    }
  }
}

std::vector<Type> infer_cast(InferContext& c) {
  return {{c.attributes.dtype("dtype"), c.input(0).shape}};
}

// Half precision is stored only: there is no arithmetic that could use its bits.
constexpr DTypeSet kBitcast = kInteger | DType::f32 | DType::f64;

std::vector<Type> infer_bitcast(InferContext& c) {
  const Type& x = c.input(0);
  DType to = c.attributes.dtype("dtype");
  if (!kBitcast.contains(to)) fail(ErrorCode::type_mismatch, "cannot read bits as {}", name_of(to));
  if (size_of(to) != size_of(x.dtype)) {
    fail(ErrorCode::type_mismatch, "{} has {} bytes an element, and {} {}", x.to_string(),
         size_of(x.dtype), name_of(to), size_of(to));
  }
  return {{to, x.shape}};
}

void reference_bitcast(ReferenceCall& call) {
  Literal from = call.input(0).to_literal();
  Literal to(call.output(0).dtype(), from.shape());
  std::copy_n(from.data(), from.bytes(), to.data());
  call.output(0) = RefArray::from(to);
}

void add_casts(OpFamily& ops) {
  ops.add(elementwise("cast", 1)
              .doc("Converts to another dtype. Rounds to nearest even; reals become integers by "
                   "truncation, limited to the range, NaN becoming 0; integers wrap; bool is "
                   "x != 0.")
              .attribute("dtype", AttributeKind::dtype, "dtype of the result")
              .infer(infer_cast)
              .reference(reference_cast)
              .jvp([](JvpContext& c) {
                DType to = c.outputs[0].dtype();
                return std::vector<Value>{is_floating(to) ? cast(c.tangents[0], to) : Value()};
              })
              .vjp([](VjpContext& c) {
                DType from = c.inputs[0].dtype();
                return std::vector<Value>{is_floating(from) ? cast(c.cotangents[0], from)
                                                            : Value()};
              })
              .expand([](ExprPool&, std::span<const Expr> x, const Attributes& attributes) {
                return cast(x[0], attributes.dtype("dtype"));
              })
              .onnx("Cast")
              .samples({{"f32[3,5]", {{"dtype", DType::bf16}}, {}},
                        {"f32[n]", {{"dtype", DType::f16}}, {}},
                        {"f64[2,n]", {{"dtype", DType::f32}}, {}},
                        {"f32[4]", {{"dtype", DType::f64}}, {}},
                        {"bf16[7]", {{"dtype", DType::f32}}, {}},
                        {"f16[7]", {{"dtype", DType::f64}}, {}},
                        {"f32[32]", {{"dtype", DType::i32}}, {{-1e10, 1e10}}},
                        {"f32[32]", {{"dtype", DType::i64}}, {{-1e20, 1e20}}},
                        {"f64[32]", {{"dtype", DType::u8}}, {{-100, 400}}},
                        {"f32[32]", {{"dtype", DType::i8}}, {{-200, 200}}},
                        {"f32[4]", {{"dtype", DType::boolean}}, {}},
                        {"i32[32]", {{"dtype", DType::u8}}, {{-1000, 1000}}},
                        {"i64[32]", {{"dtype", DType::i32}}, {{-1e12, 1e12}}},
                        {"i32[32]", {{"dtype", DType::f32}}, {{-2e9, 2e9}}},
                        {"u8[8]", {{"dtype", DType::f16}}, {{0, 255}}},
                        {"i64[n]", {{"dtype", DType::boolean}}, {}},
                        {"bool[6]", {{"dtype", DType::f32}}, {}},
                        {"f32[]", {{"dtype", DType::f64}}, {}},
                        {"f32[0]", {{"dtype", DType::i8}}, {}}}));

  ops.add(elementwise("bitcast", 1)
              .doc("The same bits read as another dtype of the same size.")
              .dtypes(kBitcast)
              .attribute("dtype", AttributeKind::dtype, "dtype of the result")
              .infer(infer_bitcast)
              .reference(reference_bitcast)
              .non_differentiable("a function of bits")
              .expand([](ExprPool&, std::span<const Expr> x, const Attributes& attributes) {
                return bitcast(x[0], attributes.dtype("dtype"));
              })
              .samples({{"f32[3,n]", {{"dtype", DType::i32}}, {}},
                        {"i32[4]", {{"dtype", DType::f32}}, {{0, 2e9}}},
                        {"f64[3]", {{"dtype", DType::i64}}, {}},
                        {"i64[3]", {{"dtype", DType::f64}}, {{0, 4e18}}},
                        {"i8[5]", {{"dtype", DType::u8}}, {{-128, 127}}},
                        {"f32[0]", {{"dtype", DType::i32}}, {}}}));
}

/// Scale and zero point are for the whole tensor, or one each along `axis`.
void check_affine(InferContext& c, const Type& x) {
  const Type& scale = c.input(1);
  const Type& zero = c.input(2);
  if (scale.shape != zero.shape) {
    fail(ErrorCode::shape_mismatch, "scale {} and zero_point {} have different shapes",
         scale.to_string(), zero.to_string());
  }
  if (scale.rank() == 0) return;
  size_t axis = normalise_axis(c, "axis", x.rank());
  if (scale.rank() == 1 && scale.dim(0) == x.dim(axis)) return;
  fail(ErrorCode::shape_mismatch, "scale {} is neither a scalar nor as long as axis {} of {}",
       scale.to_string(), axis, x.to_string());
}

Value along_axis(RuleContext& c, Value parameter) {
  const Shape& shape = c.inputs[0].shape();
  if (parameter.rank() == 0) return broadcast(parameter, shape, {});
  return broadcast(parameter, shape, {c.attributes.integer("axis")});
}

void add_quantisation(OpFamily& ops) {
  constexpr DTypeSet kBytes = DTypeSet(DType::i8) | DType::u8;
  ops.add(
      composite("quantize")
          .doc("round(x / scale) + zero_point, limited to the range of zero_point's dtype.")
          .input("x", kFloating)
          .input("scale", kFloating)
          .input("zero_point", kBytes)
          .attribute("axis", AttributeKind::integer, 0, "the axis of scale and zero_point")
          .infer([](InferContext& c) {
            check_affine(c, c.input(0));
            if (c.input(0).dtype != c.input(1).dtype) {
              fail(ErrorCode::type_mismatch, "dtypes differ: x {} and scale {}",
                   c.input(0).to_string(), c.input(1).to_string());
            }
            return std::vector<Type>{{c.input(2).dtype, c.input(0).shape}};
          })
          .decompose([](RuleContext& c) {
            Value x = c.inputs[0];
            DType to = c.inputs[2].dtype();
            Value zero = cast(along_axis(c, c.inputs[2]), x.dtype());
            Value level = c.build.call("round", {x / along_axis(c, c.inputs[1])}) + zero;
            Range range = range_of(to);
            return std::vector<Value>{cast(minimum(maximum(level, range.low), range.high), to)};
          })
          .onnx("QuantizeLinear")
          .samples({{"f32[3,5], f32[], i8[]", {}, {{-2, 2}, {0.01, 0.02}, {-5, 5}}},
                    {"f32[n,4], f32[4], u8[4]", {{"axis", 1}}, {{-2, 2}, {0.01, 0.02}, {0, 128}}},
                    {"f64[0], f64[], i8[]", {}, {}}}));

  ops.add(
      composite("dequantize")
          .doc("(x - zero_point) * scale.")
          .input("x", kBytes)
          .input("scale", kFloating)
          .input("zero_point", kBytes)
          .attribute("axis", AttributeKind::integer, 0, "the axis of scale and zero_point")
          .infer([](InferContext& c) {
            check_affine(c, c.input(0));
            if (c.input(0).dtype != c.input(2).dtype) {
              fail(ErrorCode::type_mismatch, "dtypes differ: x {} and zero_point {}",
                   c.input(0).to_string(), c.input(2).to_string());
            }
            return std::vector<Type>{{c.input(1).dtype, c.input(0).shape}};
          })
          .decompose([](RuleContext& c) {
            DType to = c.inputs[1].dtype();
            Value level = cast(c.inputs[0], to) - cast(along_axis(c, c.inputs[2]), to);
            return std::vector<Value>{level * along_axis(c, c.inputs[1])};
          })
          .onnx("DequantizeLinear")
          .samples({{"i8[3,5], f32[], i8[]", {}, {{-128, 127}, {0.01, 0.02}, {-5, 5}}},
                    {"u8[n,4], f64[4], u8[4]", {{"axis", 1}}, {{0, 255}, {0.01, 0.02}, {0, 128}}},
                    {"i8[0], f32[], i8[]", {}, {}}}));
}

}  // namespace

void register_cast(OpRegistry& registry) {
  OpFamily ops(registry, "cast");
  add_casts(ops);
  add_quantisation(ops);
}

}  // namespace tenon
