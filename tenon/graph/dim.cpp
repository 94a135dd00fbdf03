#include "tenon/graph/dim.h"

#include <algorithm>
#include <cctype>

#include "tenon/base/error.h"
#include "tenon/base/hash.h"
#include "tenon/graph/condition.h"

namespace tenon {

namespace {

// Shapes come from files: what does not fit into 64 bits is an error, not a wrong number.
int64_t sum_of(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    fail(ErrorCode::out_of_range, "a dimension is too large: {} + {}", a, b);
  return sum;
}

int64_t product_of(int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product))
    fail(ErrorCode::out_of_range, "a dimension is too large: {} * {}", a, b);
  return product;
}

/// Of a positive divisor.
int64_t floor_of(int64_t value, int64_t divisor) {
  return value / divisor - (value % divisor != 0 && value < 0 ? 1 : 0);
}

constexpr size_t kMaxTerms = 4096;

}  // namespace

/// A symbol, or a floor division that has no exact quotient.
struct Dim::Atom {
  std::string text;  // identity and order
  Dim numerator;     // of a floor division
  int64_t divisor = 0;

  bool is_symbol() const { return divisor == 0; }
  friend bool operator==(const Atom& a, const Atom& b) { return a.text == b.text; }
  friend bool operator<(const Atom& a, const Atom& b) { return a.text < b.text; }
};

/// coefficient * product of atoms.
struct Dim::Term {
  int64_t coefficient;
  std::vector<Atom> atoms;  // sorted, at least one

  friend bool operator==(const Term&, const Term&) = default;
};

Dim Dim::from_terms(int64_t constant, Terms terms) {
  std::sort(terms.begin(), terms.end(),
            [](const Term& a, const Term& b) { return a.atoms < b.atoms; });
  Terms merged;
  for (Term& term : terms) {
    if (!merged.empty() && merged.back().atoms == term.atoms) {
      merged.back().coefficient = sum_of(merged.back().coefficient, term.coefficient);
    } else {
      merged.push_back(std::move(term));
    }
  }
  std::erase_if(merged, [](const Term& term) { return term.coefficient == 0; });
  Dim result(constant);
  if (!merged.empty()) result.terms_ = std::make_shared<const Terms>(std::move(merged));
  return result;
}

Dim Dim::symbol(std::string_view name) {
  auto is_part = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  bool is_name = !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
                 std::ranges::all_of(name, is_part);
  if (!is_name)
    fail(ErrorCode::invalid_argument,
         "'{}' is not a valid name for a dimension: letters, digits and _, no digit first", name);
  Atom atom;
  atom.text = std::string(name);
  return from_terms(0, {Term{1, {std::move(atom)}}});
}

int64_t Dim::constant() const {
  if (terms_)
    fail(ErrorCode::internal, "dimension {} is symbolic where a number is needed", to_string());
  return constant_;
}

bool Dim::has_terms_of(const Dim& other) const {
  return terms_ && other.terms_ && *terms_ == *other.terms_;
}

bool Dim::equals(const Dim& other) const {
  // Of the same terms, numbers decide.
  if (has_terms_of(other)) return constant_ == other.constant_;
  ConditionRecorder::note(DimCondition::Kind::different, *this, other);
  return false;
}

bool Dim::is_undecided(int64_t value) const {
  ConditionRecorder::note(DimCondition::Kind::different, *this, Dim(value));
  return false;
}

Dim operator+(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return sum_of(a.constant_, b.constant_);
  Dim::Terms terms;
  if (a.terms_) terms = *a.terms_;
  if (b.terms_) terms.insert(terms.end(), b.terms_->begin(), b.terms_->end());
  return Dim::from_terms(sum_of(a.constant_, b.constant_), std::move(terms));
}

Dim operator-(const Dim& a, const Dim& b) { return a + b * Dim(-1); }

Dim operator*(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return product_of(a.constant_, b.constant_);
  Dim::Terms terms;
  auto scaled = [&terms](const Dim& dim, int64_t factor) {
    if (!dim.terms_) return;
    for (const Dim::Term& term : *dim.terms_)
      terms.push_back({product_of(term.coefficient, factor), term.atoms});
  };
  scaled(a, b.constant_);
  scaled(b, a.constant_);
  if (a.terms_ && b.terms_) {
    if (a.terms_->size() * b.terms_->size() > kMaxTerms)
      fail(ErrorCode::unsupported, "a dimension has more than {} terms", kMaxTerms);
    for (const Dim::Term& x : *a.terms_) {
      for (const Dim::Term& y : *b.terms_) {
        std::vector<Dim::Atom> atoms;
        std::merge(x.atoms.begin(), x.atoms.end(), y.atoms.begin(), y.atoms.end(),
                   std::back_inserter(atoms));
        terms.push_back({product_of(x.coefficient, y.coefficient), std::move(atoms)});
      }
    }
  }
  return Dim::from_terms(product_of(a.constant_, b.constant_), std::move(terms));
}

namespace {

/// The exact quotient of two numbers, or nothing.
std::optional<int64_t> quotient_of(int64_t a, int64_t b) {
  if (b == 0) return std::nullopt;
  if (b == -1) return product_of(a, -1);  // the smallest number has no negative
  return a % b == 0 ? std::optional(a / b) : std::nullopt;
}

}  // namespace

std::optional<Dim> Dim::divided_by(const Dim& divisor) const {
  std::optional<Dim> result = quotient(divisor);
  const bool decided = is_constant() && divisor.is_constant();
  if (!result && !decided) {
    ConditionRecorder::note(DimCondition::Kind::indivisible, *this, divisor);
  }
  return result;
}

std::optional<Dim> Dim::quotient(const Dim& divisor) const {
  if (divisor.is_constant()) {
    std::optional<int64_t> constant = quotient_of(constant_, divisor.constant_);
    if (!constant) return std::nullopt;
    Terms terms;
    if (terms_) terms = *terms_;
    for (Term& term : terms) {
      std::optional<int64_t> coefficient = quotient_of(term.coefficient, divisor.constant_);
      if (!coefficient) return std::nullopt;
      term.coefficient = *coefficient;
    }
    return from_terms(*constant, std::move(terms));
  }
  if (always_equals(divisor)) return Dim(1);
  // Long division by the leading (last) term; the shapes of real programs need one or two rounds.
  const Term& leading = divisor.terms_->back();
  Dim rest = *this;
  Dim quotient;
  for (int round = 0; round < 16; ++round) {
    if (rest.always_equals(0)) return quotient;
    if (rest.is_constant()) return std::nullopt;
    std::optional<Dim> part;
    for (const Term& term : *rest.terms_) {
      std::optional<int64_t> factor = quotient_of(term.coefficient, leading.coefficient);
      if (!factor || !std::includes(term.atoms.begin(), term.atoms.end(), leading.atoms.begin(),
                                    leading.atoms.end()))
        continue;
      std::vector<Atom> left;
      std::set_difference(term.atoms.begin(), term.atoms.end(), leading.atoms.begin(),
                          leading.atoms.end(), std::back_inserter(left));
      part = left.empty() ? Dim(*factor) : from_terms(0, {Term{*factor, std::move(left)}});
      break;
    }
    if (!part) return std::nullopt;
    quotient = quotient + *part;
    rest = rest - *part * divisor;
  }
  return std::nullopt;
}

Dim Dim::floor_div(const Dim& numerator, int64_t divisor) {
  if (divisor < 1)
    fail(ErrorCode::invalid_argument, "floor({},{}): the divisor of a dimension is positive",
         numerator.to_string(), divisor);
  if (divisor == 1) return numerator;
  // Whole multiples of the divisor leave the floor; the remainder stays inside.
  int64_t whole = floor_of(numerator.constant_, divisor);
  Dim outside(whole);
  // Never negative; `whole * divisor` may be below the smallest number.
  int64_t remainder = numerator.constant_ % divisor;
  Dim inside(remainder < 0 ? remainder + divisor : remainder);
  if (numerator.terms_) {
    for (const Term& term : *numerator.terms_) {
      bool exact = term.coefficient % divisor == 0;
      Dim part =
          from_terms(0, {Term{exact ? term.coefficient / divisor : term.coefficient, term.atoms}});
      (exact ? outside : inside) = (exact ? outside : inside) + part;
    }
  }
  if (inside.is_constant()) return outside;  // 0 <= inside < divisor
  Atom atom;
  atom.text = "floor(" + inside.to_string() + "," + std::to_string(divisor) + ")";
  atom.numerator = inside;
  atom.divisor = divisor;
  return outside + from_terms(0, {Term{1, {std::move(atom)}}});
}

Dim Dim::substitute(const std::map<std::string, Dim, std::less<>>& replacements) const {
  if (!terms_) return *this;
  Dim sum(constant_);
  for (const Term& term : *terms_) {
    Dim product(term.coefficient);
    for (const Atom& atom : term.atoms) {
      if (!atom.is_symbol()) {
        product = product * floor_div(atom.numerator.substitute(replacements), atom.divisor);
      } else if (auto found = replacements.find(atom.text); found != replacements.end()) {
        product = product * found->second;
      } else {
        product = product * symbol(atom.text);
      }
    }
    sum = sum + product;
  }
  return sum;
}

int64_t Dim::evaluate(const SymbolValues& values) const {
  int64_t sum = constant_;
  if (!terms_) return sum;
  for (const Term& term : *terms_) {
    int64_t product = term.coefficient;
    for (const Atom& atom : term.atoms) {
      if (atom.is_symbol()) {
        auto found = values.find(atom.text);
        if (found == values.end())
          fail(ErrorCode::invalid_argument,
               "no value for the dimension '{}': no input has it in its shape", atom.text);
        product = product_of(product, found->second);
      } else {
        product = product_of(product, floor_of(atom.numerator.evaluate(values), atom.divisor));
      }
    }
    sum = sum_of(sum, product);
  }
  return sum;
}

namespace {

/// What does not fit is unbounded.
std::optional<int64_t> fitting_product(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::nullopt : std::optional(product);
}

/// Of two intervals; an end that is missing is unbounded.
DimRange product_of(const DimRange& a, const DimRange& b) {
  auto is_zero = [](const DimRange& range) { return range.low == 0 && range.high == 0; };
  if (is_zero(a) || is_zero(b)) return {0, 0};
  bool natural = a.low.value_or(-1) >= 0 && b.low.value_or(-1) >= 0;
  if (natural) {
    bool bounded = a.high && b.high;
    return {fitting_product(*a.low, *b.low),
            bounded ? fitting_product(*a.high, *b.high) : std::nullopt};
  }
  if (!a.low || !a.high || !b.low || !b.high) return {};
  std::optional<int64_t> low, high;
  for (int64_t x : {*a.low, *a.high}) {
    for (int64_t y : {*b.low, *b.high}) {
      std::optional<int64_t> corner = fitting_product(x, y);
      if (!corner) return {};
      low = std::min(low.value_or(*corner), *corner);
      high = std::max(high.value_or(*corner), *corner);
    }
  }
  return {low, high};
}

/// end + coefficient * part
void add_end(std::optional<int64_t>& end, int64_t coefficient, const std::optional<int64_t>& part) {
  if (!end) return;
  std::optional<int64_t> product = part ? fitting_product(coefficient, *part) : std::nullopt;
  int64_t sum = 0;
  bool fits = product && !__builtin_add_overflow(*end, *product, &sum);
  end = fits ? std::optional(sum) : std::nullopt;
}

}  // namespace

DimRange Dim::range(const std::map<std::string, SymbolBounds, std::less<>>& bounds) const {
  DimRange sum{constant_, constant_};
  if (!terms_) return sum;
  for (const Term& term : *terms_) {
    // The sign comes last: products of what is never negative keep a lower end.
    DimRange product{1, 1};
    for (const Atom& atom : term.atoms) {
      DimRange factor{0, std::nullopt};
      if (!atom.is_symbol()) {
        factor = atom.numerator.range(bounds);
        if (factor.low) factor.low = floor_of(*factor.low, atom.divisor);
        if (factor.high) factor.high = floor_of(*factor.high, atom.divisor);
      } else if (auto found = bounds.find(atom.text); found != bounds.end()) {
        factor = {found->second.low, found->second.high};
      }
      product = product_of(product, factor);
    }
    if (term.coefficient < 0) std::swap(product.low, product.high);
    add_end(sum.low, term.coefficient, product.low);
    add_end(sum.high, term.coefficient, product.high);
  }
  return sum;
}

std::optional<std::pair<std::string, Dim>> Dim::zero() const {
  if (!terms_) return std::nullopt;
  for (const Term& term : *terms_) {
    const Atom& atom = term.atoms[0];
    const bool is_unit = term.coefficient == 1 || term.coefficient == -1;
    if (!is_unit || term.atoms.size() != 1 || !atom.is_symbol()) continue;
    Dim rest = *this - from_terms(0, {term});
    std::vector<std::string> others;
    rest.collect_symbols(others);
    if (std::find(others.begin(), others.end(), atom.text) != others.end()) continue;
    return std::pair(atom.text, rest * Dim(-term.coefficient));
  }
  return std::nullopt;
}

void Dim::collect_symbols(std::vector<std::string>& names) const {
  if (!terms_) return;
  for (const Term& term : *terms_) {
    for (const Atom& atom : term.atoms) {
      if (!atom.is_symbol()) {
        atom.numerator.collect_symbols(names);
      } else if (std::find(names.begin(), names.end(), atom.text) == names.end()) {
        names.push_back(atom.text);
      }
    }
  }
}

std::string Dim::to_string() const {
  std::string text;
  if (terms_) {
    for (const Term& term : *terms_) {
      if (term.coefficient < 0) {
        text += '-';
      } else if (!text.empty()) {
        text += '+';
      }
      auto magnitude = static_cast<uint64_t>(term.coefficient);
      if (term.coefficient < 0) magnitude = -magnitude;
      if (magnitude != 1) text += std::to_string(magnitude) + "*";
      for (size_t i = 0; i < term.atoms.size(); ++i) {
        if (i > 0) text += '*';
        text += term.atoms[i].text;
      }
    }
  }
  if (text.empty()) return std::to_string(constant_);
  if (constant_ > 0) text += '+';
  if (constant_ != 0) text += std::to_string(constant_);
  return text;
}

void Dim::hash(Hasher& hasher) const {
  hasher.add(constant_);
  if (terms_) hasher.add(to_string());
}

namespace {

/// sum := ['-'] product (('+'|'-') product)*; product := factor ('*' factor)*;
/// factor := number | name | 'floor(' sum ',' number ')'
class DimParser {
 public:
  explicit DimParser(std::string_view text) : text_(text) {}

  Dim parse() {
    Dim dim = sum(0);
    if (at_ != text_.size()) unexpected("'+', '-', '*' or the end");
    return dim;
  }

 private:
  static constexpr int kMaxDepth = 16;

  [[noreturn]] void unexpected(std::string_view wanted) const {
    fail(ErrorCode::parse, "dimension '{}': expected {} at offset {}", text_, wanted, at_);
  }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  Dim sum(int depth) {
    if (depth > kMaxDepth) unexpected("less nesting");
    Dim total = product(depth, take('-'));
    while (true) {
      if (take('+')) {
        total = total + product(depth, false);
      } else if (take('-')) {
        total = total + product(depth, true);
      } else {
        return total;
      }
    }
  }
  /// The sign belongs to the first factor: the smallest number has no positive one.
  Dim product(int depth, bool negative) {
    Dim total = is_digit() ? Dim(number(negative)) : factor(depth) * Dim(negative ? -1 : 1);
    while (take('*')) total = total * factor(depth);
    return total;
  }
  bool is_digit() const {
    return at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0;
  }
  int64_t number(bool negative) {
    size_t begin = at_;
    int64_t value = 0;
    for (; is_digit(); ++at_) {
      const int64_t digit = text_[at_] - '0';
      if (__builtin_mul_overflow(value, 10, &value) ||
          __builtin_add_overflow(value, negative ? -digit : digit, &value))
        unexpected("a smaller number");
    }
    if (begin == at_) unexpected("a number");
    return value;
  }
  Dim factor(int depth) {
    if (at_ >= text_.size()) unexpected("a number or a name");
    if (is_digit()) return number(false);
    auto c = static_cast<unsigned char>(text_[at_]);
    if (!std::isalpha(c) && c != '_') unexpected("a number or a name");
    size_t begin = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_'))
      ++at_;
    std::string_view name = text_.substr(begin, at_ - begin);
    if (name != "floor" || !take('(')) return Dim::symbol(name);
    Dim numerator = sum(depth + 1);
    if (!take(',')) unexpected("','");
    int64_t divisor = number(false);
    if (divisor == 0) unexpected("a positive divisor");
    if (!take(')')) unexpected("')'");
    return Dim::floor_div(numerator, divisor);
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Dim Dim::parse(std::string_view text) { return DimParser(text).parse(); }

}  // namespace tenon
