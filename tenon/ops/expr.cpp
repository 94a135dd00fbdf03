#include "tenon/ops/expr.h"

#include <algorithm>
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/ops/expr_affine.h"
#include "tenon/ops/expr_fold.h"

namespace tenon {
namespace {

int arity_of(ExprOp op) {
  switch (op) {
    case ExprOp::constant:
    case ExprOp::argument:
    case ExprOp::loop_index:
    case ExprOp::symbol:
      return 0;
    case ExprOp::local:
    case ExprOp::load:
    case ExprOp::neg:
    case ExprOp::abs:
    case ExprOp::sqrt:
    case ExprOp::floor:
    case ExprOp::ceil:
    case ExprOp::trunc:
    case ExprOp::round_even:
    case ExprOp::bit_not:
    case ExprOp::cast:
    case ExprOp::bitcast:
      return 1;
    case ExprOp::fma:
    case ExprOp::select:
    case ExprOp::guard:
    case ExprOp::rare:
      return 3;
    default:
      return 2;
  }
}

bool is_commutative(ExprOp op) {
  switch (op) {
    case ExprOp::add:
    case ExprOp::mul:
    case ExprOp::equal:
    case ExprOp::not_equal:
    case ExprOp::bit_and:
    case ExprOp::bit_or:
    case ExprOp::bit_xor:
      return true;
    default:
      return false;
  }
}

bool is_choice(ExprOp op) {
  return op == ExprOp::select || op == ExprOp::guard || op == ExprOp::rare;
}

bool is_value(Expr e, double value) {
  const auto v = e.as_double();
  return v && *v == value;
}

/// 1/value when both are powers of two, so that dividing is multiplying.
std::optional<double> exact_reciprocal(Expr e) {
  const auto v = e.as_double();
  if (!v || *v == 0 || !std::isfinite(*v)) return std::nullopt;
  int exponent = 0;
  if (std::fabs(std::frexp(*v, &exponent)) != 0.5 || std::abs(exponent) > 100) return std::nullopt;
  return 1.0 / *v;
}

std::optional<Expr> simplify_choice(ExprOp op, Expr condition, Expr a, Expr b) {
  if (const auto c = condition.as_integer()) return *c ? a : b;
  if (a.same_as(b)) return a;
  if (op == ExprOp::select && condition.node().op == ExprOp::bit_not)
    return select(condition.operand(0), b, a);
  if (op == ExprOp::select && a.dtype() == DType::boolean) {
    if (a.as_integer() && b.as_integer()) return *a.as_integer() ? condition : !condition;
  }
  return std::nullopt;
}

std::optional<Expr> simplify_cast(DType to, Expr a) {
  if (a.dtype() == to) return a;
  if (a.node().op != ExprOp::cast) return std::nullopt;
  // Widening first loses nothing, so the inner cast can go.
  const Expr inner = a.operand(0);
  const DType from = inner.dtype(), via = a.dtype();
  const bool widens = (is_floating(from) && is_floating(via) && size_of(via) > size_of(from)) ||
                      (is_integer(from) && is_integer(via) && size_of(via) > size_of(from));
  if (widens && (to == from || is_floating(from) == is_floating(to))) return cast(inner, to);
  if (from == DType::boolean && to != DType::boolean && via != DType::boolean)
    return cast(inner, to);
  return std::nullopt;
}

std::optional<Expr> simplify_integer(ExprOp op, Expr a, Expr b) {
  switch (op) {
    case ExprOp::add:
      if (is_value(b, 0)) return a;
      break;
    case ExprOp::sub:
      if (is_value(b, 0)) return a;
      if (a.same_as(b)) return a.pool().integer(a.dtype(), 0);
      break;
    case ExprOp::mul:
      if (is_value(b, 1)) return a;
      if (is_value(b, 0)) return b;
      break;
    case ExprOp::floor_div:
      if (is_value(b, 1)) return a;
      break;
    case ExprOp::floor_mod:
      if (is_value(b, 1)) return a.pool().integer(a.dtype(), 0);
      break;
    case ExprOp::bit_and:
    case ExprOp::bit_or:
    case ExprOp::min:
    case ExprOp::max:
      if (a.same_as(b)) return a;
      break;
    case ExprOp::bit_xor:
      if (a.same_as(b)) return a.pool().integer(a.dtype(), 0);
      break;
    case ExprOp::shift_left:
    case ExprOp::shift_right:
    case ExprOp::shift_right_logical:
      if (is_value(b, 0)) return a;
      break;
    case ExprOp::equal:
    case ExprOp::less_equal:
      if (a.same_as(b)) return a.pool().integer(DType::boolean, 1);
      break;
    case ExprOp::not_equal:
    case ExprOp::less:
      if (a.same_as(b)) return a.pool().integer(DType::boolean, 0);
      break;
    default:
      break;
  }
  return std::nullopt;
}

std::optional<Expr> simplify_boolean(ExprOp op, Expr a, Expr b) {
  const bool constant = b.valid() && b.is_constant();
  const bool truth = constant && b.node().bits != 0;
  const auto as_truth = [&](bool value) { return a.pool().integer(DType::boolean, value); };
  switch (op) {
    case ExprOp::bit_not:
      if (a.node().op == ExprOp::bit_not) return a.operand(0);
      break;
    case ExprOp::bit_and:
    case ExprOp::min:
    case ExprOp::mul:
      if (a.same_as(b)) return a;
      if (constant) return truth ? a : as_truth(false);
      break;
    case ExprOp::bit_or:
    case ExprOp::max:
      if (a.same_as(b)) return a;
      if (constant) return truth ? as_truth(true) : a;
      break;
    default:
      break;
  }
  return std::nullopt;
}

std::optional<Expr> simplify_floating(ExprOp op, Expr a, Expr b, Expr c) {
  switch (op) {
    case ExprOp::add:
      if (is_value(b, 0)) return a;
      if (b.node().op == ExprOp::neg) return a - b.operand(0);
      if (a.node().op == ExprOp::neg) return b - a.operand(0);
      break;
    case ExprOp::sub:
      if (is_value(b, 0)) return a;
      if (b.node().op == ExprOp::neg) return a + b.operand(0);
      break;
    case ExprOp::mul:
      if (is_value(b, 1)) return a;
      if (is_value(b, -1)) return -a;
      break;
    case ExprOp::div:
      if (is_value(b, 1)) return a;
      if (const auto r = exact_reciprocal(b)) return a * *r;
      break;
    case ExprOp::fma:
      if (is_value(a, 1)) return b + c;
      if (is_value(b, 1)) return a + c;
      break;
    case ExprOp::neg:
      if (a.node().op == ExprOp::neg) return a.operand(0);
      if (a.node().op == ExprOp::sub) return a.operand(1) - a.operand(0);
      break;
    case ExprOp::abs:
      if (a.node().op == ExprOp::abs) return a;
      if (a.node().op == ExprOp::neg) return abs(a.operand(0));
      break;
    default:
      break;
  }
  return std::nullopt;
}

std::optional<Expr> simplify(ExprOp op, DType dtype, std::span<const Expr> operands) {
  const Expr a = operands[0];
  const Expr b = operands.size() > 1 ? operands[1] : Expr();
  if (is_choice(op)) return simplify_choice(op, a, b, operands[2]);
  if (op == ExprOp::cast) return simplify_cast(dtype, a);
  if (op == ExprOp::bitcast) {
    if (a.dtype() == dtype) return a;
    if (a.node().op == ExprOp::bitcast) return bitcast(a.operand(0), dtype);
    return std::nullopt;
  }
  const DType type = a.dtype();
  if (type == DType::boolean) return simplify_boolean(op, a, b);
  if (is_floating(type))
    return simplify_floating(op, a, b, operands.size() > 2 ? operands[2] : Expr());
  if (b.valid()) {
    if (const auto simple = simplify_integer(op, a, b)) return simple;
  }
  if (type == DType::i64) {
    switch (op) {
      case ExprOp::add:
      case ExprOp::sub:
      case ExprOp::mul:
      case ExprOp::neg:
        return detail::index_sum(op, a, b);
      case ExprOp::floor_div:
      case ExprOp::floor_mod:
        return detail::index_divide(op, a, b);
      case ExprOp::less:
      case ExprOp::less_equal:
      case ExprOp::min:
      case ExprOp::max:
        return detail::index_compare(op, a, b);
      default:
        break;
    }
  }
  return std::nullopt;
}

}  // namespace

int ExprNode::operand_count() const { return arity_of(op); }

std::optional<int64_t> Expr::as_integer() const {
  if (!is_constant() || is_floating(dtype())) return std::nullopt;
  return detail::integer_from_bits(dtype(), node().bits);
}

std::optional<double> Expr::as_double() const {
  if (!is_constant()) return std::nullopt;
  return detail::double_from_bits(dtype(), node().bits);
}

size_t ExprPool::NodeHash::operator()(const ExprNode& n) const {
  uint64_t h = n.bits;
  const auto mix = [&h](uint64_t v) {
    h = (h ^ v) * 0x9e3779b97f4a7c15ull;
    h ^= h >> 29;
  };
  mix((uint64_t{n.aux} << 16) | (static_cast<uint64_t>(n.op) << 8) |
      static_cast<uint64_t>(n.dtype));
  mix((uint64_t{n.operands[0]} << 32) | n.operands[1]);
  mix(n.operands[2]);
  return static_cast<size_t>(h);
}

Expr ExprPool::intern(const ExprNode& node) {
  const auto [at, fresh] = ids_.try_emplace(node, static_cast<ExprId>(nodes_.size()));
  if (fresh) nodes_.push_back(node);
  return {this, at->second};
}

Expr ExprPool::constant_bits(DType dtype, uint64_t bits) {
  return intern({.op = ExprOp::constant, .dtype = dtype, .bits = bits});
}
Expr ExprPool::constant(DType dtype, double value) {
  return constant_bits(dtype, detail::bits_from_double(dtype, value));
}
Expr ExprPool::integer(DType dtype, int64_t value) {
  return constant_bits(dtype, detail::bits_from_integer(dtype, value));
}
Expr ExprPool::argument(DType dtype, uint32_t position) {
  return intern({.op = ExprOp::argument, .dtype = dtype, .aux = position});
}

Expr ExprPool::loop_index(const std::string& name, Expr extent) {
  // Text must tell variables apart.
  const auto taken = [&](const std::string& candidate) {
    return std::any_of(variables_.begin(), variables_.end(),
                       [&](const Variable& v) { return v.name == candidate; });
  };
  std::string unique = name;
  for (int i = 2; taken(unique); ++i) unique = fmt::format("{}_{}", name, i);
  variables_.push_back({std::move(unique), extent.id()});
  return intern({.op = ExprOp::loop_index,
                 .dtype = DType::i64,
                 .aux = static_cast<uint32_t>(variables_.size() - 1)});
}

Expr ExprPool::symbol(std::string_view name) {
  const auto at = std::find(symbols_.begin(), symbols_.end(), name);
  const auto position = static_cast<uint32_t>(at - symbols_.begin());
  if (at == symbols_.end()) symbols_.emplace_back(name);
  return intern({.op = ExprOp::symbol, .dtype = DType::i64, .aux = position});
}

Expr ExprPool::local(DType dtype, uint32_t local, Expr element) {
  return intern({.op = ExprOp::local,
                 .dtype = dtype,
                 .aux = local,
                 .operands = {element.id(), kNoExpr, kNoExpr}});
}
Expr ExprPool::load(DType dtype, uint32_t buffer, Expr offset) {
  return intern({.op = ExprOp::load,
                 .dtype = dtype,
                 .aux = buffer,
                 .operands = {offset.id(), kNoExpr, kNoExpr}});
}

Expr ExprPool::make(ExprOp op, DType dtype, std::span<const Expr> operands, uint32_t aux) {
  check(static_cast<int>(operands.size()) == arity_of(op), "expression operand count");
  if (op == ExprOp::load || op == ExprOp::local) {
    return op == ExprOp::load ? load(dtype, aux, operands[0]) : local(dtype, aux, operands[0]);
  }
  for (const Expr& e : operands) check(e.pool_or_null() == this, "expressions of two pools");
  const DType type = operands.back().dtype();
  const bool moves_only = is_choice(op) || op == ExprOp::cast || op == ExprOp::bitcast;
  check(moves_only || (type != DType::f16 && type != DType::bf16), "arithmetic on a storage type");
  for (size_t i = is_choice(op) ? 1 : 0; i < operands.size(); ++i) {
    if (operands[i].dtype() != type) {
      fail(ErrorCode::internal, "expression operands have types {} and {}",
           name_of(operands[i].dtype()), name_of(type));
    }
  }
  if (std::all_of(operands.begin(), operands.end(), [](Expr e) { return e.is_constant(); })) {
    uint64_t bits[3] = {0, 0, 0};
    for (size_t i = 0; i < operands.size(); ++i) bits[i] = operands[i].node().bits;
    return constant_bits(dtype, detail::fold(op, dtype, type, bits));
  }
  Expr ordered[3];
  std::copy(operands.begin(), operands.end(), ordered);
  if (is_commutative(op)) {
    const bool swap = ordered[0].is_constant() ||
                      (!ordered[1].is_constant() && ordered[0].id() > ordered[1].id());
    if (swap) std::swap(ordered[0], ordered[1]);
  }
  const std::span<const Expr> final_operands(ordered, operands.size());
  if (const auto simple = simplify(op, dtype, final_operands)) return *simple;
  return raw(op, dtype, final_operands, aux);
}

Expr ExprPool::raw(ExprOp op, DType dtype, std::span<const Expr> operands, uint32_t aux) {
  ExprNode node{.op = op, .dtype = dtype, .aux = aux};
  for (size_t i = 0; i < operands.size(); ++i) node.operands[i] = operands[i].id();
  return intern(node);
}

}  // namespace tenon
