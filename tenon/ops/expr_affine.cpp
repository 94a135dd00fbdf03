#include "tenon/ops/expr_affine.h"

#include <algorithm>
#include <unordered_set>

namespace tenon {
namespace {

/// coefficient * atoms[0] * atoms[1] * …
struct Term {
  std::vector<ExprId> atoms;  // sorted
  int64_t coefficient = 0;
};

/// A constant and terms sorted by their atoms, no two alike, none zero.
struct Sum {
  int64_t constant = 0;
  std::vector<Term> terms;
};

constexpr size_t kMaxTerms = 24;
// Beyond these, as where values rather than indices are multiplied again and again, products stay
// as they are: x squared n times has a term of 2^n atoms.
constexpr size_t kMaxDegree = 8;
constexpr int kMaxVisits = 512;

int64_t wrap_mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
int64_t wrap_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

void accumulate(Sum& sum, Term term) {
  const auto at =
      std::lower_bound(sum.terms.begin(), sum.terms.end(), term.atoms,
                       [](const Term& t, const std::vector<ExprId>& a) { return t.atoms < a; });
  if (at != sum.terms.end() && at->atoms == term.atoms) {
    at->coefficient = wrap_add(at->coefficient, term.coefficient);
    if (at->coefficient == 0) sum.terms.erase(at);
  } else if (term.coefficient != 0) {
    sum.terms.insert(at, std::move(term));
  }
}

Sum plus(Sum a, const Sum& b, int64_t factor) {
  a.constant = wrap_add(a.constant, wrap_mul(b.constant, factor));
  for (const Term& t : b.terms) accumulate(a, {t.atoms, wrap_mul(t.coefficient, factor)});
  return a;
}

Sum times(const Sum& a, const Sum& b) {
  Sum result;
  result.constant = wrap_mul(a.constant, b.constant);
  for (const Term& t : a.terms) accumulate(result, {t.atoms, wrap_mul(t.coefficient, b.constant)});
  for (const Term& u : b.terms) accumulate(result, {u.atoms, wrap_mul(u.coefficient, a.constant)});
  for (const Term& t : a.terms) {
    for (const Term& u : b.terms) {
      std::vector<ExprId> atoms;
      std::merge(t.atoms.begin(), t.atoms.end(), u.atoms.begin(), u.atoms.end(),
                 std::back_inserter(atoms));
      accumulate(result, {std::move(atoms), wrap_mul(t.coefficient, u.coefficient)});
    }
  }
  return result;
}

size_t degree(const Sum& sum) {
  size_t most = 0;
  for (const Term& term : sum.terms) most = std::max(most, term.atoms.size());
  return most;
}

bool is_small_product(const Sum& a, const Sum& b) {
  return (a.terms.size() + 1) * (b.terms.size() + 1) <= kMaxTerms &&
         degree(a) + degree(b) <= kMaxDegree;
}

Sum sum_of(Expr e, int& visits) {
  const auto part = [&](int i) { return sum_of(e.operand(i), visits); };
  const auto whole = [&] { return Sum{0, {{{e.id()}, 1}}}; };
  if (++visits > kMaxVisits && !e.is_constant()) return whole();
  switch (e.node().op) {
    case ExprOp::constant:
      return {static_cast<int64_t>(e.node().bits), {}};
    case ExprOp::add:
      return plus(part(0), part(1), 1);
    case ExprOp::sub:
      return plus(part(0), part(1), -1);
    case ExprOp::neg:
      return plus({}, part(0), -1);
    case ExprOp::mul: {
      const Sum a = part(0), b = part(1);
      if (is_small_product(a, b)) return times(a, b);
      break;
    }
    default:
      break;
  }
  return whole();
}

Sum sum_of(Expr e) {
  int visits = 0;
  return sum_of(e, visits);
}

Expr make_raw(ExprPool& pool, ExprOp op, Expr a, Expr b) {
  const Expr operands[] = {a, b};
  return pool.raw(op, DType::i64, operands);
}

Expr product_of(ExprPool& pool, const std::vector<ExprId>& atoms, int64_t coefficient) {
  Expr product = pool.at(atoms.front());
  for (size_t i = 1; i < atoms.size(); ++i)
    product = make_raw(pool, ExprOp::mul, product, pool.at(atoms[i]));
  if (coefficient != 1) product = make_raw(pool, ExprOp::mul, product, pool.index(coefficient));
  return product;
}

/// Positive terms first, so that no negation is needed unless all are negative.
Expr expression_of(ExprPool& pool, const Sum& sum) {
  Expr result;
  for (const Term& t : sum.terms) {
    if (t.coefficient < 0) continue;
    const Expr product = product_of(pool, t.atoms, t.coefficient);
    result = result.valid() ? make_raw(pool, ExprOp::add, result, product) : product;
  }
  const bool constant_first = !result.valid() && sum.constant > 0 && !sum.terms.empty();
  if (constant_first) result = pool.index(sum.constant);
  for (const Term& t : sum.terms) {
    if (t.coefficient >= 0) continue;
    if (result.valid()) {
      result = make_raw(pool, ExprOp::sub, result,
                        product_of(pool, t.atoms, wrap_mul(t.coefficient, -1)));
    } else {
      result = product_of(pool, t.atoms, t.coefficient);
    }
  }
  if (!result.valid()) return pool.index(sum.constant);
  if (sum.constant != 0 && !constant_first) {
    result = make_raw(pool, ExprOp::add, result, pool.index(sum.constant));
  }
  return result;
}

bool holds_data(Expr e, std::unordered_set<ExprId>& seen) {
  switch (e.node().op) {
    case ExprOp::load:
    case ExprOp::local:
    case ExprOp::argument:
      return true;
    default:
      break;
  }
  if (!seen.insert(e.id()).second) return false;
  for (int i = 0; i < e.node().operand_count(); ++i) {
    if (holds_data(e.operand(i), seen)) return true;
  }
  return false;
}

/// Positions and sizes are far from overflowing: factors this large, or more factors than a shape
/// has axes, are a tensor's elements (made from an iota), which may wrap.
bool may_overflow(const Sum& sum) {
  constexpr int64_t kLargest = int64_t{1} << 32;
  auto is_large = [](int64_t value) { return value > kLargest || value < -kLargest; };
  return is_large(sum.constant) || std::ranges::any_of(sum.terms, [&](const Term& t) {
           return is_large(t.coefficient) || t.atoms.size() > kMaxDegree / 2;
         });
}

/// Index arithmetic never overflows; arithmetic on tensor elements may, so it is left alone.
bool is_index(ExprPool& pool, const Sum& sum) {
  if (may_overflow(sum)) return false;
  std::unordered_set<ExprId> seen;
  return std::none_of(sum.terms.begin(), sum.terms.end(), [&](const Term& t) {
    return std::any_of(t.atoms.begin(), t.atoms.end(),
                       [&](ExprId a) { return holds_data(pool.at(a), seen); });
  });
}

bool nonnegative(ExprPool& pool, Sum sum);

bool atom_nonnegative(Expr atom) {
  switch (atom.node().op) {
    case ExprOp::loop_index:
    case ExprOp::symbol:
      return true;
    case ExprOp::floor_mod:
      return nonnegative(atom.pool(), sum_of(atom.operand(1)));
    case ExprOp::max:
      return nonnegative(atom.pool(), sum_of(atom.operand(0))) ||
             nonnegative(atom.pool(), sum_of(atom.operand(1)));
    case ExprOp::floor_div:
    case ExprOp::min:
      return nonnegative(atom.pool(), sum_of(atom.operand(0))) &&
             nonnegative(atom.pool(), sum_of(atom.operand(1)));
    default:
      return false;
  }
}

/// The largest value of an atom, when it is known.
std::optional<Sum> upper_bound(ExprPool& pool, ExprId atom) {
  const ExprNode& n = pool.node(atom);
  if (n.op == ExprOp::loop_index)
    return plus(sum_of(pool.at(pool.variable_extent(n.aux))), {1, {}}, -1);
  if (n.op == ExprOp::floor_mod) return plus(sum_of(pool.at(n.operands[1])), {1, {}}, -1);
  if (n.op == ExprOp::min) {
    const Expr limit = pool.at(n.operands[1]);
    return sum_of(limit.is_constant() ? limit : pool.at(n.operands[0]));
  }
  return std::nullopt;
}

/// Bounds each negative term from below by putting its atoms at their largest values.
bool nonnegative(ExprPool& pool, Sum sum) {
  if (may_overflow(sum)) return false;
  for (int round = 0; round < 12; ++round) {
    auto negative = std::find_if(sum.terms.begin(), sum.terms.end(), [&](const Term& t) {
      return t.coefficient < 0 && std::any_of(
                                      t.atoms.begin(), t.atoms.end(),
                                      [&](ExprId a) { return upper_bound(pool, a).has_value(); });
    });
    if (negative == sum.terms.end()) break;
    Term term = *negative;
    const auto atom = std::find_if(term.atoms.begin(), term.atoms.end(),
                                   [&](ExprId a) { return upper_bound(pool, a).has_value(); });
    const Sum bound = *upper_bound(pool, *atom);
    sum.terms.erase(negative);
    term.atoms.erase(atom);
    for (const ExprId other : term.atoms) {
      if (!atom_nonnegative(pool.at(other))) return false;
    }
    Sum factor;
    if (term.atoms.empty())
      factor.constant = term.coefficient;
    else
      factor.terms.push_back(term);
    sum = plus(sum, times(bound, factor), 1);
  }
  if (sum.constant < 0) return false;
  for (const Term& t : sum.terms) {
    if (t.coefficient < 0) return false;
    for (const ExprId atom : t.atoms) {
      if (!atom_nonnegative(pool.at(atom))) return false;
    }
  }
  return true;
}

/// k*c*floor_div(x, c) + k*floor_mod(x, c) is k*x.
void rejoin_quotients(ExprPool& pool, Sum& sum) {
  for (size_t i = 0; i < sum.terms.size(); ++i) {
    const Term term = sum.terms[i];
    for (size_t a = 0; a < term.atoms.size(); ++a) {
      const ExprNode& n = pool.node(term.atoms[a]);
      if (n.op != ExprOp::floor_mod) continue;
      const Expr x = pool.at(n.operands[0]), divisor = pool.at(n.operands[1]);
      Sum rest;
      Term others = term;
      others.atoms.erase(others.atoms.begin() + static_cast<std::ptrdiff_t>(a));
      if (others.atoms.empty())
        rest.constant = others.coefficient;
      else
        rest.terms.push_back(others);
      // What must be there for the two to join: rest * c * floor_div(x, c).
      const Sum quotient =
          times(sum_of(divisor), sum_of(make_raw(pool, ExprOp::floor_div, x, divisor)));
      const Sum wanted = times(quotient, rest);
      if (wanted.terms.size() != 1 || wanted.constant != 0) continue;
      const auto found = std::find_if(sum.terms.begin(), sum.terms.end(), [&](const Term& t) {
        return t.atoms == wanted.terms[0].atoms && t.coefficient == wanted.terms[0].coefficient;
      });
      if (found == sum.terms.end()) continue;
      sum = plus(sum, wanted, -1);
      sum = plus(sum, {0, {term}}, -1);
      sum = plus(sum, times(sum_of(x), rest), 1);
      i = static_cast<size_t>(-1);  // terms moved: start again
      break;
    }
    if (i == static_cast<size_t>(-1)) continue;
  }
}

struct Division {
  Sum quotient;
  Sum remainder;
};

/// Splits a = c * quotient + remainder by terms; c is one term.
Division split_by(const Sum& a, const Sum& divisor) {
  Division result;
  const bool constant = divisor.terms.empty();
  const int64_t factor = constant ? divisor.constant : divisor.terms[0].coefficient;
  const std::vector<ExprId> none;
  const std::vector<ExprId>& needed = constant ? none : divisor.terms[0].atoms;
  for (const Term& t : a.terms) {
    if (t.coefficient % factor == 0 &&
        std::includes(t.atoms.begin(), t.atoms.end(), needed.begin(), needed.end())) {
      Term q;
      std::set_difference(t.atoms.begin(), t.atoms.end(), needed.begin(), needed.end(),
                          std::back_inserter(q.atoms));
      q.coefficient = t.coefficient / factor;
      if (q.atoms.empty())
        result.quotient.constant += q.coefficient;
      else
        accumulate(result.quotient, std::move(q));
    } else {
      accumulate(result.remainder, t);
    }
  }
  if (constant) {
    const int64_t q = floor_divide(a.constant, factor);
    result.quotient.constant += q;
    result.remainder.constant = a.constant - q * factor;
  } else {
    result.remainder.constant = a.constant;
  }
  return result;
}

bool in_range(ExprPool& pool, const Sum& a, const Sum& b) {
  return nonnegative(pool, a) && nonnegative(pool, plus(plus(b, a, -1), {1, {}}, -1));
}

bool is_zero(const Sum& s) { return s.constant == 0 && s.terms.empty(); }

}  // namespace

namespace detail {

Expr index_sum(ExprOp op, Expr a, Expr b) {
  Sum sum;
  switch (op) {
    case ExprOp::add:
      sum = plus(sum_of(a), sum_of(b), 1);
      break;
    case ExprOp::sub:
      sum = plus(sum_of(a), sum_of(b), -1);
      break;
    case ExprOp::neg:
      sum = plus({}, sum_of(a), -1);
      break;
    default: {
      const Sum sa = sum_of(a), sb = sum_of(b);
      if (!is_small_product(sa, sb)) return make_raw(a.pool(), ExprOp::mul, a, b);
      sum = times(sa, sb);
    }
  }
  if (sum.terms.size() > kMaxTerms) {
    if (op == ExprOp::neg) return make_raw(a.pool(), ExprOp::sub, a.pool().index(0), a);
    return make_raw(a.pool(), op, a, b);
  }
  if (is_index(a.pool(), sum)) rejoin_quotients(a.pool(), sum);
  return expression_of(a.pool(), sum);
}

std::optional<Expr> index_divide(ExprOp op, Expr a, Expr b) {
  ExprPool& pool = a.pool();
  const Sum divisor = sum_of(b);
  const bool constant = divisor.terms.empty();
  if (constant ? divisor.constant <= 0 : (divisor.terms.size() != 1 || divisor.constant != 0))
    return std::nullopt;
  if (!constant && divisor.terms[0].coefficient <= 0) return std::nullopt;
  const Sum dividend = sum_of(a);
  if (!is_index(pool, dividend) || !is_index(pool, divisor)) return std::nullopt;

  const ExprNode& n = a.node();
  if (op == ExprOp::floor_div && constant && n.op == ExprOp::floor_div) {
    const auto inner = pool.at(n.operands[1]).as_integer();
    int64_t both = 0;
    if (inner && *inner > 0 && !__builtin_mul_overflow(*inner, divisor.constant, &both))
      return floor_div(pool.at(n.operands[0]), pool.index(both));
  }
  const Division split = split_by(dividend, divisor);
  const bool exact = in_range(pool, split.remainder, divisor);
  if (op == ExprOp::floor_mod) {
    if (exact) return expression_of(pool, split.remainder);
    if (is_zero(split.quotient)) return std::nullopt;
    return make_raw(pool, op, expression_of(pool, split.remainder), b);
  }
  if (exact) return expression_of(pool, split.quotient);
  if (is_zero(split.quotient)) return std::nullopt;
  const Expr rest = make_raw(pool, op, expression_of(pool, split.remainder), b);
  return expression_of(pool, plus(split.quotient, sum_of(rest), 1));
}

std::optional<Expr> index_compare(ExprOp op, Expr a, Expr b) {
  ExprPool& pool = a.pool();
  const Sum difference = plus(sum_of(b), sum_of(a), -1);  // b - a
  if (!is_index(pool, difference)) return std::nullopt;
  const Sum one{1, {}};
  const auto at_most = [&] { return nonnegative(pool, difference); };
  const auto below = [&] { return nonnegative(pool, plus(difference, one, -1)); };
  const auto above = [&] { return nonnegative(pool, plus(plus({}, difference, -1), one, -1)); };
  const auto at_least = [&] { return nonnegative(pool, plus({}, difference, -1)); };
  const auto truth = [&](bool value) { return pool.integer(DType::boolean, value); };
  switch (op) {
    case ExprOp::less:
      if (below()) return truth(true);
      if (at_least()) return truth(false);
      break;
    case ExprOp::less_equal:
      if (at_most()) return truth(true);
      if (above()) return truth(false);
      break;
    case ExprOp::min:
      if (at_most()) return a;
      if (at_least()) return b;
      break;
    case ExprOp::max:
      if (at_most()) return b;
      if (at_least()) return a;
      break;
    default:
      break;
  }
  return std::nullopt;
}

}  // namespace detail

bool certainly_in_range(Expr a, Expr b) { return in_range(a.pool(), sum_of(a), sum_of(b)); }

std::optional<Expr> coefficient(Expr e, Expr variable) {
  ExprPool& pool = e.pool();
  const Sum sum = sum_of(e);
  Sum factor;
  for (const Term& t : sum.terms) {
    const auto uses = std::count(t.atoms.begin(), t.atoms.end(), variable.id());
    for (const ExprId atom : t.atoms) {
      if (atom != variable.id() && depends_on(pool.at(atom), variable)) return std::nullopt;
    }
    if (uses > 1) return std::nullopt;
    if (uses == 0) continue;
    Term rest = t;
    rest.atoms.erase(std::find(rest.atoms.begin(), rest.atoms.end(), variable.id()));
    if (rest.atoms.empty())
      factor.constant += rest.coefficient;
    else
      accumulate(factor, std::move(rest));
  }
  return expression_of(pool, factor);
}

namespace {

bool depends_on(Expr e, Expr on, std::unordered_set<ExprId>& seen) {
  if (e.id() == on.id()) return true;
  if (e.id() < on.id()) return false;  // operands come before the node
  if (!seen.insert(e.id()).second) return false;
  for (int i = 0; i < e.node().operand_count(); ++i) {
    if (depends_on(e.operand(i), on, seen)) return true;
  }
  return false;
}

}  // namespace

bool depends_on(Expr e, Expr on) {
  std::unordered_set<ExprId> seen;
  return depends_on(e, on, seen);
}

}  // namespace tenon
