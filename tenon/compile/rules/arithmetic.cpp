#include <cmath>

#include "tenon/compile/rules/rule.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

bool is(const Call& c, size_t operand, double number) {
  auto value = splat_number(c.build.graph(), c.inputs[operand].id());
  return value && *value == number && !(number == 0 && std::signbit(*value));
}

/// The operand that stays when the other one is `number`.
Value other_than(const Call& c, double number) {
  if (is(c, 1, number)) return c.inputs[0];
  if (is(c, 0, number)) return c.inputs[1];
  return {};
}

Value power_rule(const Call& c) {
  auto exponent = splat_number(c.build.graph(), c.inputs[1].id());
  if (!exponent || !is_floating(c.type.dtype)) return {};
  Value x = c.inputs[0];
  if (*exponent == 1) return x;
  if (*exponent == 2) return x * x;
  if (*exponent == 3) return x * x * x;
  if (*exponent == -1) return 1.0 / x;
  return {};
}

/// Whether a number is one of the dtype's, with all its digits.
bool is_normal_in(DType dtype, double number) {
  const double smallest = dtype == DType::f16   ? 0x1p-14
                          : dtype == DType::f64 ? 0x1p-1022
                                                : 0x1p-126;
  return std::abs(number) >= smallest && Number(number).fits(dtype) &&
         Literal::scalar(dtype, number).to_double(0) == number;
}

/// Division by a constant whose reciprocal is exact: multiplication is several times faster.
Value divide_rule(const Call& c) {
  auto divisor = splat_number(c.build.graph(), c.inputs[1].id());
  if (!divisor || !is_floating(c.type.dtype)) return {};
  if (*divisor == 1) return c.inputs[0];
  int exponent = 0;
  bool power_of_two = std::abs(std::frexp(*divisor, &exponent)) == 0.5;
  if (!power_of_two || !is_normal_in(c.type.dtype, 1.0 / *divisor)) return {};
  return c.inputs[0] * (1.0 / *divisor);
}

/// Between integers, or between floating dtypes; the others round in their own ways.
Value cast_constant(const Call& c) {
  auto scalar = splat(c.build.graph(), c.inputs[0].id());
  bool alike = scalar && is_floating(c.type.dtype) == is_floating(scalar->dtype()) &&
               is_integer(c.type.dtype) == is_integer(scalar->dtype());
  if (!alike || size_of(c.type.dtype) < 4) return {};
  Literal made(c.type.dtype, {});
  if (is_integer(c.type.dtype)) {
    made.set_int(0, scalar->to_int(0));  // wraps
  } else {
    made.set_double(0, scalar->to_double(0));
  }
  return broadcast_to(c.build.constant(std::move(made)), c.type.shape);
}

}  // namespace

std::vector<Rule> arithmetic_rules() {
  return {
      {"add-zero", CoreOp::add, [](const Call& c) { return other_than(c, 0.0); }},
      {"subtract-zero", CoreOp::subtract,
       [](const Call& c) { return is(c, 1, 0.0) ? c.inputs[0] : Value(); }},
      {"multiply-one", CoreOp::multiply, [](const Call& c) { return other_than(c, 1.0); }},
      {"multiply-minus-one", CoreOp::multiply,
       [](const Call& c) {
         Value x = other_than(c, -1.0);
         return x ? -x : Value();
       }},
      {"divide-constant", CoreOp::divide, divide_rule},
      {"double-negate", CoreOp::negate,
       [](const Call& c) {
         const Node* inner = c.made_by(0, CoreOp::negate);
         return inner ? c.value(inner->inputs[0]) : Value();
       }},
      {"subtract-negated", CoreOp::subtract,
       [](const Call& c) {
         const Node* inner = c.made_by(1, CoreOp::negate);
         return inner ? c.inputs[0] + c.value(inner->inputs[0]) : Value();
       }},
      {"add-negated", CoreOp::add,
       [](const Call& c) {
         const Node* inner = c.made_by(1, CoreOp::negate);
         return inner ? c.inputs[0] - c.value(inner->inputs[0]) : Value();
       }},
      {"small-power", CoreOp::power, power_rule},
      {"select-same", CoreOp::select,
       [](const Call& c) { return c.inputs[1].id() == c.inputs[2].id() ? c.inputs[1] : Value(); }},
      {"select-constant", CoreOp::select,
       [](const Call& c) {
         auto predicate = splat_number(c.build.graph(), c.inputs[0].id());
         return predicate ? c.inputs[*predicate != 0 ? 1 : 2] : Value();
       }},
      {"cast-same", CoreOp::cast,
       [](const Call& c) { return c.inputs[0].dtype() == c.type.dtype ? c.inputs[0] : Value(); }},
      {"cast-constant", CoreOp::cast, cast_constant},
  };
}

}  // namespace tenon
