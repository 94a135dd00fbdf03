#include "tenon/ops/expr_print.h"

#include <algorithm>
#include <cctype>

#include <cmath>

#include "tenon/base/error.h"
#include "tenon/ops/expr_fold.h"

namespace tenon {
namespace {

struct Infix {
  const char* text = nullptr;
  int precedence = 0;
};

Infix infix_of(ExprOp op) {
  switch (op) {
    case ExprOp::bit_or:
      return {" | ", 1};
    case ExprOp::bit_xor:
      return {" ^ ", 2};
    case ExprOp::bit_and:
      return {" & ", 3};
    case ExprOp::equal:
      return {" == ", 4};
    case ExprOp::not_equal:
      return {" != ", 4};
    case ExprOp::less:
      return {" < ", 5};
    case ExprOp::less_equal:
      return {" <= ", 5};
    case ExprOp::shift_left:
      return {" << ", 6};
    case ExprOp::shift_right:
      return {" >> ", 6};
    case ExprOp::shift_right_logical:
      return {" >>> ", 6};
    case ExprOp::add:
      return {" + ", 7};
    case ExprOp::sub:
      return {" - ", 7};
    case ExprOp::mul:
      return {"*", 8};
    case ExprOp::div:
    case ExprOp::floor_div:
      return {"/", 8};
    case ExprOp::floor_mod:
      return {"%", 8};
    default:
      return {};
  }
}

const char* function_of(ExprOp op) {
  switch (op) {
    case ExprOp::fma:
      return "fma";
    case ExprOp::min:
      return "min";
    case ExprOp::max:
      return "max";
    case ExprOp::abs:
      return "abs";
    case ExprOp::sqrt:
      return "sqrt";
    case ExprOp::floor:
      return "floor";
    case ExprOp::ceil:
      return "ceil";
    case ExprOp::trunc:
      return "trunc";
    case ExprOp::round_even:
      return "round_even";
    case ExprOp::select:
      return "select";
    case ExprOp::guard:
      return "guard";
    case ExprOp::rare:
      return "rare";
    default:
      return nullptr;
  }
}

constexpr int kPrefixPrecedence = 9;

/// Exact: equal text means equal bits and, but for f32, i64 and bool, the suffix tells the type.
std::string print_constant(const ExprNode& n) {
  const auto suffixed = [&](std::string text) {
    const bool plain = n.dtype == DType::f32 || n.dtype == DType::i64 || n.dtype == DType::boolean;
    return plain ? text : fmt::format("{}{}", text, name_of(n.dtype));
  };
  if (n.dtype == DType::boolean) return n.bits ? "true" : "false";
  if (!is_floating(n.dtype))
    return suffixed(fmt::format("{}", detail::integer_from_bits(n.dtype, n.bits)));
  const double value = detail::double_from_bits(n.dtype, n.bits);
  if (std::isnan(value)) return suffixed(fmt::format("nan({:#x})", n.bits));
  if (n.dtype == DType::f64) return suffixed(fmt::format("{}", value));
  const std::string text = fmt::format("{}", static_cast<float>(value));
  const bool looks_integer = text.find_first_not_of("-0123456789") == std::string::npos;
  return suffixed(looks_integer ? text + ".0" : text);
}

}  // namespace

std::string ExprPrinter::print(ExprId id, int outer) const {
  if (const auto named = named_.find(id); named != named_.end()) return named->second;
  const ExprNode& n = pool_.node(id);
  const auto wrap = [&](std::string text, int precedence) {
    return precedence < outer ? "(" + text + ")" : text;
  };
  switch (n.op) {
    case ExprOp::constant: {
      const std::string text = print_constant(n);
      return text[0] == '-' ? wrap(text, kPrefixPrecedence - 1) : text;
    }
    case ExprOp::argument:
      return fmt::format("a{}", n.aux);
    case ExprOp::loop_index:
      return pool_.variable_name(n.aux);
    case ExprOp::symbol: {
      // Told apart from loop variables: equal text has to mean equal code.
      const std::string& name = pool_.symbol_names()[n.aux];
      const bool plain = std::ranges::all_of(
          name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
      return plain ? "$" + name : "$(" + name + ")";
    }
    case ExprOp::load:
      return fmt::format("{}[{}]", names_.load ? names_.load(n.aux) : fmt::format("b{}", n.aux),
                         print(n.operands[0], 0));
    case ExprOp::local: {
      const std::string name = names_.local ? names_.local(n.aux) : fmt::format("l{}", n.aux);
      const ExprNode& element = pool_.node(n.operands[0]);
      if (element.op == ExprOp::constant && element.bits == 0) return name;
      return fmt::format("{}[{}]", name, print(n.operands[0], 0));
    }
    case ExprOp::neg:
      return wrap("-" + print(n.operands[0], kPrefixPrecedence), kPrefixPrecedence - 1);
    case ExprOp::bit_not:
      return wrap("~" + print(n.operands[0], kPrefixPrecedence), kPrefixPrecedence - 1);
    case ExprOp::cast:
      return fmt::format("{}({})", name_of(n.dtype), print(n.operands[0], 0));
    case ExprOp::bitcast:
      return fmt::format("bits_{}({})", name_of(n.dtype), print(n.operands[0], 0));
    default:
      break;
  }
  if (const Infix infix = infix_of(n.op); infix.text) {
    return wrap(print(n.operands[0], infix.precedence) + infix.text +
                    print(n.operands[1], infix.precedence + 1),
                infix.precedence);
  }
  std::string text = std::string(function_of(n.op)) + "(";
  for (int i = 0; i < n.operand_count(); ++i) {
    if (i > 0) text += ", ";
    text += print(n.operands[i], 0);
  }
  return text + ")";
}

std::string to_string(Expr e) { return ExprPrinter(e.pool()).print(e.id()); }

}  // namespace tenon
