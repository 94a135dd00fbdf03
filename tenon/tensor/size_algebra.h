// Sizes of several runs of a program, and dimensions that give them. Private to tensor/.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tenon/graph/type.h"
#include "tenon/tensor/symbolic_form.h"

namespace tenon::detail {

/// One size, in each of the samples.
using Column = std::vector<int64_t>;

/// The symbols that were introduced so far, and dimensions made of them whose values are known.
class SizeAlgebra {
 public:
  explicit SizeAlgebra(size_t samples) : values_(samples) {}

  /// factor * symbol + offset is `column`, exactly.
  Dim add_symbol(size_t position, const Column& column, int64_t factor, int64_t offset,
                 bool is_free);
  const std::vector<SymbolicForm::Symbol>& symbols() const { return symbols_; }

  /// Makes a dimension one of the choices for others.
  void learn(const Dim& dim);
  Column column_of(const Dim& dim) const;
  /// A known dimension that is `column`, or nothing.
  std::optional<Dim> find(const Column& column) const;
  /// Another symbol plus or minus a number.
  std::optional<Dim> find_shifted(const Column& column) const;

  /// Dimensions that are `column` in all samples, the most natural first: those of the inputs, of
  /// other values, products of axes, multiples of a symbol plus a number, sums, `own` (a symbol
  /// that is not introduced yet), quotients. `prefers_own` puts it before what may be chance.
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
  std::vector<SymbolValues> values_;  // one a sample
  std::vector<Known> known_;          // all but numbers
};

}  // namespace tenon::detail
