// Sizes in several runs of a program, and symbolic dimensions that fit them. Private to tensor/.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tenon/graph/type.h"
#include "tenon/tensor/symbolic_form.h"

namespace tenon::detail {

/// One size, in each of the samples.
using Column = std::vector<int64_t>;

/// The symbols introduced so far, and the dimensions made of them, with known values.
class SizeAlgebra {
 public:
  explicit SizeAlgebra(size_t samples) : values_(samples) {}

  /// factor * symbol + offset is `column`, exactly.
  Dim add_symbol(size_t position, const Column& column, int64_t factor, int64_t offset,
                 bool is_free);
  const std::vector<SymbolicForm::Symbol>& symbols() const { return symbols_; }

  /// Makes the dimension a candidate for other columns.
  void learn(const Dim& dim);
  Column column_of(const Dim& dim) const;
  /// A known dimension with the values `column`, or none.
  std::optional<Dim> find(const Column& column) const;
  /// Another symbol plus or minus a number.
  std::optional<Dim> find_shifted(const Column& column) const;

  /// Dimensions that equal `column` in all samples, the most natural first: those of the inputs, of
  /// other values, products of axes, multiples of a symbol plus a number, sums, `own` (a symbol not
  /// introduced yet), quotients. `prefers_own` puts it before matches that may be coincidence.
  std::vector<Dim> choices(const Column& column, std::span<const Type> inputs, const Dim& own,
                           bool prefers_own) const;

  struct Mark {
    size_t symbols, known;
  };
  Mark mark() const { return {symbols_.size(), known_.size()}; }
  void go_back_to(const Mark& mark);

 private:
  struct Known {
    Dim dim;
    Column column;
  };
  class Choices;

  std::vector<SymbolicForm::Symbol> symbols_;
  std::vector<SymbolValues> values_;  // one per sample
  std::vector<Known> known_;          // all but numbers
};

}  // namespace tenon::detail
