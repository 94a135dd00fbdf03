#include <bit>
#include <cmath>

#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

/// The six comparisons differ in one operator, which C++ templates can pass around and C++
/// functions cannot.
template <class Operator>
OpStatement comparison(Comparison kind, std::string name, std::string doc) {
  OpStatement statement = elementwise(std::move(name), 2);
  statement.doc(std::move(doc))
      .returns(DType::boolean)
      .compares(kind)
      .scalar([](double a, double b) { return Operator{}(a, b) ? 1.0 : 0.0; })
      .integer_scalar([](int64_t a, int64_t b) -> int64_t { return Operator{}(a, b); })
      .non_differentiable("the result is a bool")
      .samples({"f32[3,5], f32[3,5]", "f64[n], f64[n]", "bf16[4], bf16[4]", "f16[4], f16[4]",
                "i32[2,n], i32[2,n]", "i64[6], i64[6]", "u8[4], u8[4]", "i8[4], i8[4]",
                "bool[6], bool[6]", "f32[], f32[]", "f32[0], f32[0]"});
  return statement;
}

void add_comparisons(OpFamily& ops) {
  ops.add(
      comparison<std::equal_to<>>(Comparison::equal, "equal", "a == b; false where either is NaN.")
          .expand([](ExprPool&, Expr a, Expr b) { return equal(a, b); })
          .onnx("Equal"));
  ops.add(comparison<std::not_equal_to<>>(Comparison::not_equal, "not_equal",
                                          "a != b; true where either is NaN.")
              .expand([](ExprPool&, Expr a, Expr b) { return not_equal(a, b); }));
  ops.add(comparison<std::less<>>(Comparison::less, "less", "a < b; false where either is NaN.")
              .expand([](ExprPool&, Expr a, Expr b) { return a < b; })
              .onnx("Less"));
  ops.add(comparison<std::less_equal<>>(Comparison::less_equal, "less_equal",
                                        "a <= b; false where either is NaN.")
              .expand([](ExprPool&, Expr a, Expr b) { return a <= b; })
              .onnx("LessOrEqual"));
  ops.add(comparison<std::greater<>>(Comparison::greater, "greater",
                                     "a > b; false where either is NaN.")
              .expand([](ExprPool&, Expr a, Expr b) { return a > b; })
              .onnx("Greater"));
  ops.add(comparison<std::greater_equal<>>(Comparison::greater_equal, "greater_equal",
                                           "a >= b; false where either is NaN.")
              .expand([](ExprPool&, Expr a, Expr b) { return a >= b; })
              .onnx("GreaterOrEqual"));
}

constexpr DTypeSet kBits = kBoolean | kInteger;
constexpr const char* kNoDerivative = "a function of bits";

OpStatement on_bits(std::string name, size_t arity, std::string doc) {
  OpStatement statement = elementwise(std::move(name), arity);
  statement.doc(std::move(doc)).dtypes(kBits).non_differentiable(kNoDerivative);
  if (arity == 1) {
    statement.samples({"bool[3,2]", "bool[n]", "i32[5]", "i64[n]", "u8[4]", "i8[4]", "bool[0]"});
  } else {
    statement.samples({"bool[3,2], bool[3,2]", "bool[n], bool[n]", "i32[5], i32[5]",
                       "i64[n], i64[n]", "u8[4], u8[4]", "i8[4], i8[4]", "bool[0], bool[0]"});
  }
  return statement;
}

void add_logic(OpFamily& ops) {
  ops.add(on_bits("logical_and", 2, "a and b; bit by bit on integers.")
              .integer_scalar([](int64_t a, int64_t b) { return a & b; })
              .expand([](ExprPool&, Expr a, Expr b) { return a & b; })
              .onnx("And")
              .onnx("BitwiseAnd"));
  ops.add(on_bits("logical_or", 2, "a or b; bit by bit on integers.")
              .integer_scalar([](int64_t a, int64_t b) { return a | b; })
              .expand([](ExprPool&, Expr a, Expr b) { return a | b; })
              .onnx("Or")
              .onnx("BitwiseOr"));
  ops.add(on_bits("logical_xor", 2, "Either a or b, not both; bit by bit on integers.")
              .integer_scalar([](int64_t a, int64_t b) { return a ^ b; })
              .expand([](ExprPool&, Expr a, Expr b) { return a ^ b; })
              .onnx("Xor")
              .onnx("BitwiseXor"));
  ops.add(on_bits("logical_not", 1, "not x; bit by bit on integers.")
              .reference([](ReferenceCall& call) {
                const RefArray& x = call.input(0);
                bool boolean = x.dtype() == DType::boolean;
                for (int64_t i = 0; i < x.size(); ++i)
                  call.output(0).set_int(i, boolean ? x.get_int(i) == 0 : ~x.get_int(i));
              })
              .expand([](ExprPool&, Expr x) { return ~x; })
              .onnx("Not")
              .onnx("BitwiseNot"));
}

int64_t width(DType dtype) { return static_cast<int64_t>(size_of(dtype)) * 8; }

/// Shifts of `a` by `b` bits with `shift(value, count, width)` for counts from 0 to width - 1, and
/// `beyond(value)` for all others.
template <class Shift, class Beyond>
ReferenceRule shift_elements(Shift shift, Beyond beyond) {
  return [shift, beyond](ReferenceCall& call) {
    const RefArray& a = call.input(0);
    const int64_t bits = width(a.dtype());
    for (int64_t i = 0; i < a.size(); ++i) {
      int64_t value = a.get_int(i), count = call.input(1).get_int(i);
      bool inside = count >= 0 && count < bits;
      call.output(0).set_int(i, inside ? shift(value, count, bits) : beyond(value));
    }
  };
}

OpStatement shift(std::string name, std::string doc) {
  OpStatement statement = elementwise(std::move(name), 2);
  statement.doc(std::move(doc))
      .dtypes(kInteger)
      .shifts()
      .non_differentiable(kNoDerivative)
      .samples({{"i32[32], i32[32]", {}, {{-1e9, 1e9}, {-2, 34}}},
                {"i64[n], i64[n]", {}, {{-1e15, 1e15}, {-2, 66}}},
                {"u8[32], u8[32]", {}, {{0, 255}, {0, 10}}},
                {"i8[2,16], i8[2,16]", {}, {{-128, 127}, {-2, 10}}},
                {"i32[0], i32[0]", {}, {}}});
  return statement;
}

Expr inside_width(Expr a, Expr count) {
  return (count >= 0.0) & (count < static_cast<double>(width(a.dtype())));
}

void add_shifts(OpFamily& ops) {
  auto unsigned_bits = [](int64_t value, int64_t bits) {
    uint64_t all = std::bit_cast<uint64_t>(value);
    return bits == 64 ? all : all & ((uint64_t{1} << bits) - 1);
  };
  auto nothing = [](int64_t) -> int64_t { return 0; };
  ops.add(shift("shift_left", "a shifted b bits up; 0 where b is not in [0, width of a).")
              .reference(shift_elements(
                  [](int64_t value, int64_t count, int64_t) {
                    return std::bit_cast<int64_t>(std::bit_cast<uint64_t>(value) << count);
                  },
                  nothing))
              .expand([](ExprPool& pool, Expr a, Expr b) {
                Expr zero = pool.constant(a.dtype(), 0), inside = inside_width(a, b);
                return select(inside, shift_left(a, select(inside, b, zero)), zero);
              }));
  ops.add(shift("shift_right_logical",
                "a shifted b bits down, filled with zeros; 0 where b is not in [0, width of a).")
              .reference(shift_elements(
                  [unsigned_bits](int64_t value, int64_t count, int64_t bits) {
                    return std::bit_cast<int64_t>(unsigned_bits(value, bits) >> count);
                  },
                  nothing))
              .expand([](ExprPool& pool, Expr a, Expr b) {
                Expr zero = pool.constant(a.dtype(), 0), inside = inside_width(a, b);
                return select(inside, shift_right_logical(a, select(inside, b, zero)), zero);
              })
              .onnx("BitShift"));
  ops.add(shift("shift_right_arithmetic",
                "a shifted b bits down, filled with its sign; only the sign is left where b is not "
                "in [0, width of a).")
              .reference(shift_elements(
                  [](int64_t value, int64_t count, int64_t) { return value >> count; },
                  [](int64_t value) -> int64_t { return value < 0 ? -1 : 0; }))
              .expand([](ExprPool& pool, Expr a, Expr b) {
                Expr most = pool.constant(a.dtype(), static_cast<double>(width(a.dtype()) - 1));
                Expr shifted = shift_right(a, select(inside_width(a, b), b, most));
                if (is_signed(a.dtype())) return shifted;
                return select(inside_width(a, b), shifted, pool.constant(a.dtype(), 0));
              }));
}

Value or_zeros(RuleContext& c, const Value& value, size_t input) {
  return value ? value : c.build.full_like(c.inputs[input], 0.0);
}

void add_choices(OpFamily& ops) {
  ops.add(elementwise("select", 0)
              .doc("on_true where the predicate holds, else on_false.")
              .input("predicate", kBoolean)
              .input("on_true")
              .input("on_false")
              .reference([](ReferenceCall& call) {
                RefArray& out = call.output(0);
                for (int64_t i = 0; i < out.size(); ++i)
                  out.copy_element(i, call.input(call.input(0).get_int(i) ? 1 : 2), i);
              })
              .jvp([](JvpContext& c) {
                return std::vector<Value>{select(c.inputs[0], or_zeros(c, c.tangents[1], 1),
                                                 or_zeros(c, c.tangents[2], 2))};
              })
              .vjp([](VjpContext& c) {
                Value p = c.inputs[0], ct = c.cotangents[0];
                return std::vector<Value>{Value(), c.wanted[1] ? select(p, ct, 0.0) : Value(),
                                          c.wanted[2] ? select(p, 0.0, ct) : Value()};
              })
              .expand([](ExprPool&, Expr p, Expr a, Expr b) { return select(p, a, b); })
              .onnx("Where")
              .samples({"bool[3,5], f32[3,5], f32[3,5]", "bool[n], f64[n], f64[n]",
                        "bool[4], bf16[4], bf16[4]", "bool[4], f16[4], f16[4]",
                        "bool[4], i64[4], i64[4]", "bool[4], bool[4], bool[4]",
                        "bool[2,1,n,2], f64[2,1,n,2], f64[2,1,n,2]", "bool[], f32[], f32[]",
                        "bool[0], f32[0], f32[0]"}));

  ops.add(elementwise("clamp", 0)
              .doc("x limited to [low, high]: minimum(maximum(x, low), high).")
              .input("low", kNumeric)
              .input("x", kNumeric)
              .input("high", kNumeric)
              .scalar([](double low, double x, double high) {
                double raised = x > low || std::isnan(x) ? x : low;
                return raised < high || std::isnan(raised) ? raised : high;
              })
              .integer_scalar([](int64_t low, int64_t x, int64_t high) {
                int64_t raised = x > low ? x : low;
                return raised < high ? raised : high;
              })
              .derivative([](RuleContext& c) {
                Value low = c.inputs[0], x = c.inputs[1], high = c.inputs[2];
                Value raised = maximum(x, low);
                // As of minimum and maximum: who is equal to another shares with it.
                auto share = [&](Value wins, Value a, Value b) {
                  return select(equal(a, b), 0.5, cast(wins, x.dtype()));
                };
                Value inside = share(less(raised, high), raised, high);
                Value of_x = share(greater(x, low), x, low);
                return std::vector<Value>{inside * (1.0 - of_x), inside * of_x, 1.0 - inside};
              })
              .expand([](ExprPool&, Expr low, Expr x, Expr high) { return min(max(x, low), high); })
              .onnx("Clip")
              .samples({{"f32[3,5], f32[3,5], f32[3,5]", {}, {{-1, 0}, {-2, 2}, {0, 1}}},
                        {"f64[n], f64[n], f64[n]", {}, {{-1, 0}, {-2, 2}, {0, 1}}},
                        {"bf16[8], bf16[8], bf16[8]", {}, {{-1, 0}, {-2, 2}, {0, 1}}},
                        {"i32[8], i32[8], i32[8]", {}, {{-5, 0}, {-9, 9}, {0, 5}}},
                        {"f32[0], f32[0], f32[0]", {}, {}}}));
}

}  // namespace

void register_compare(OpRegistry& registry) {
  OpFamily ops(registry, "compare");
  add_comparisons(ops);
  add_logic(ops);
  add_shifts(ops);
  add_choices(ops);
}

}  // namespace tenon
