// One dimension of a shape: a number, or a polynomial over named symbols.
//
//   Dim batch = Dim::symbol("batch");
//   Dim tokens = batch * 64 + 1;          // prints as "64*batch+1"
//   tokens.evaluate({{"batch", 2}});      // 129
//   (batch * 12).divided_by(batch);       // 12
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon {

class Hasher;

/// The value of each symbol in one run.
using SymbolValues = std::map<std::string, int64_t, std::less<>>;

/// Inclusive bounds of a symbol; every symbol is at least 0.
struct SymbolBounds {
  int64_t low = 0;
  std::optional<int64_t> high;
  friend bool operator==(const SymbolBounds&, const SymbolBounds&) = default;
};

/// An inclusive range of values; a missing end is unbounded.
struct DimRange {
  std::optional<int64_t> low, high;
  friend bool operator==(const DimRange&, const DimRange&) = default;
};

/// Exact arithmetic: sums and products of symbols with integer coefficients in a normal form, so
/// that equal dimensions compare equal; floor division that is not exact becomes an atom,
/// `floor(h-1,2)`. Error out_of_range if a number overflows 64 bits.
///
/// `==`, is() and divided_by() answer for all values of the symbols at once. If some values would
/// give another answer, a ConditionRecorder (condition.h) on this thread records it.
class Dim {
 public:
  Dim() = default;
  Dim(int64_t value) : constant_(value) {}
  Dim(int value) : constant_(value) {}
  /// Error invalid_argument unless the name is letters, digits and _, with no digit first.
  static Dim symbol(std::string_view name);
  /// Throws Error(parse) with the offset of the first character that does not fit.
  static Dim parse(std::string_view text);

  bool is_constant() const { return terms_ == nullptr; }
  /// The value of a constant dimension; an internal error for a symbolic one.
  int64_t constant() const;
  bool is(int64_t value) const { return terms_ ? is_undecided(value) : constant_ == value; }
  /// `==` for shortcuts that change no result: nothing is recorded.
  bool always_equals(const Dim& other) const {
    return constant_ == other.constant_ && (terms_ == other.terms_ || has_terms_of(other));
  }

  int64_t evaluate(const SymbolValues& values) const;
  /// Replaces symbols; those that `replacements` lacks stay.
  Dim substitute(const std::map<std::string, Dim, std::less<>>& replacements) const;
  /// A range that contains all values within the symbols' bounds. Unbounded symbols are at least 0.
  DimRange range(const std::map<std::string, SymbolBounds, std::less<>>& bounds) const;
  void collect_symbols(std::vector<std::string>& names) const;

  /// The exact quotient, or none.
  std::optional<Dim> divided_by(const Dim& divisor) const;
  /// Rounds toward minus infinity. Error invalid_argument unless the divisor is positive.
  static Dim floor_div(const Dim& numerator, int64_t divisor);

  std::string to_string() const;
  void hash(Hasher& hasher) const;

  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  friend bool operator==(const Dim& a, const Dim& b) {
    if (a.terms_ == b.terms_) return a.constant_ == b.constant_;
    return a.equals(b);
  }

  /// A symbol and its value for which this is 0, if there is one for all values of the others:
  /// batch-2*n+1 gives {"batch", 2*n-1}.
  std::optional<std::pair<std::string, Dim>> zero() const;

  struct Atom;
  struct Term;

 private:
  using Terms = std::vector<Term>;
  static Dim from_terms(int64_t constant, Terms terms);
  bool has_terms_of(const Dim& other) const;
  bool equals(const Dim& other) const;     // of different terms_
  bool is_undecided(int64_t value) const;  // false
  std::optional<Dim> quotient(const Dim& divisor) const;

  int64_t constant_ = 0;
  std::shared_ptr<const Terms> terms_;  // the non-constant part, sorted; null for a number
};

}  // namespace tenon
