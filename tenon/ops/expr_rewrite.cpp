#include "tenon/ops/expr.h"

#include "tenon/base/error.h"
#include "tenon/ops/expr_fold.h"

namespace tenon {
namespace {

/// Leaves of another pool keep their meaning: variables and symbols are found by node, so both
/// pools must be the same unless `replace` takes care of them.
Expr copy_leaf(ExprPool& target, Expr e) {
  const ExprNode& n = e.node();
  switch (n.op) {
    case ExprOp::constant:
      return target.constant_bits(n.dtype, n.bits);
    case ExprOp::argument:
      return target.argument(n.dtype, n.aux);
    case ExprOp::symbol:
      return target.symbol(e.pool().symbol_names()[n.aux]);
    default:
      break;
  }
  check(&target == &e.pool(), "a loop variable belongs to one pool");
  return e;
}

class ArgumentRewriter : public ExprRewriter {
 public:
  ArgumentRewriter(ExprPool& target, std::span<const Expr> arguments)
      : ExprRewriter(target), arguments_(arguments) {}

 private:
  std::optional<Expr> replace(Expr e) override {
    if (e.node().op != ExprOp::argument) return std::nullopt;
    check(e.node().aux < arguments_.size(), "argument of an expression out of range");
    return arguments_[e.node().aux];
  }
  std::span<const Expr> arguments_;
};

class NodeRewriter : public ExprRewriter {
 public:
  NodeRewriter(ExprPool& target, Expr from, Expr to) : ExprRewriter(target), from_(from), to_(to) {}

 private:
  std::optional<Expr> replace(Expr e) override {
    if (e.same_as(from_)) return to_;
    return std::nullopt;
  }
  Expr from_, to_;
};

class Evaluator {
 public:
  explicit Evaluator(std::span<const uint64_t> arguments) : arguments_(arguments) {}

  uint64_t value(Expr e) {
    const ExprNode& n = e.node();
    if (n.op == ExprOp::constant) return n.bits;
    if (n.op == ExprOp::argument) return arguments_[n.aux];
    const auto known = values_.find(e.id());
    if (known != values_.end()) return known->second;
    uint64_t result = 0;
    if (n.op == ExprOp::select || n.op == ExprOp::guard || n.op == ExprOp::rare) {
      result = value(e.operand(0)) ? value(e.operand(1)) : value(e.operand(2));
    } else {
      check(n.operand_count() > 0, "only constants and arguments can be evaluated");
      uint64_t bits[3] = {0, 0, 0};
      for (int i = 0; i < n.operand_count(); ++i) bits[i] = value(e.operand(i));
      result = detail::fold(n.op, n.dtype, e.operand(n.operand_count() - 1).dtype(), bits);
    }
    values_.emplace(e.id(), result);
    return result;
  }

 private:
  std::span<const uint64_t> arguments_;
  std::unordered_map<ExprId, uint64_t> values_;
};

}  // namespace

Expr ExprRewriter::rewrite(Expr e) {
  const auto known = done_.find(e.id());
  if (known != done_.end()) return known->second;
  Expr result;
  if (const auto replaced = replace(e)) {
    result = *replaced;
  } else {
    const ExprNode n = e.node();  // a copy: the pool may grow below
    const int count = n.operand_count();
    if (count == 0) {
      result = copy_leaf(target_, e);
    } else {
      Expr operands[3];
      bool same = &target_ == &e.pool();
      for (int i = 0; i < count; ++i) {
        operands[i] = rewrite(e.pool().at(n.operands[i]));
        same = same && operands[i].id() == n.operands[i];
      }
      result =
          same ? e : target_.make(n.op, n.dtype, {operands, static_cast<size_t>(count)}, n.aux);
    }
  }
  done_.emplace(e.id(), result);
  return result;
}

Expr substitute_arguments(Expr e, std::span<const Expr> arguments) {
  ExprPool& target = arguments.empty() ? e.pool() : arguments[0].pool();
  return ArgumentRewriter(target, arguments).rewrite(e);
}

Expr substitute(Expr e, Expr loop_index, Expr value) {
  return NodeRewriter(e.pool(), loop_index, value).rewrite(e);
}

uint64_t evaluate_bits(Expr e, std::span<const uint64_t> argument_bits) {
  return Evaluator(argument_bits).value(e);
}

double evaluate(Expr e, std::span<const double> arguments) {
  // Arguments are given as doubles; their dtypes are found in the expression.
  std::vector<uint64_t> bits(arguments.size(), 0);
  for (size_t id = 0; id <= e.id(); ++id) {
    const ExprNode& n = e.pool().node(static_cast<ExprId>(id));
    if (n.op == ExprOp::argument && n.aux < bits.size()) {
      bits[n.aux] = detail::bits_from_double(n.dtype, arguments[n.aux]);
    }
  }
  return detail::double_from_bits(e.dtype(), evaluate_bits(e, bits));
}

}  // namespace tenon
