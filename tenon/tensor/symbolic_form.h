// A section with symbols for the sizes that change. Private to tensor/.
#pragma once

#include <optional>

#include "tenon/graph/graph.h"
#include "tenon/tensor/walk.h"

namespace tenon::detail {

using Sizes = std::vector<int64_t>;

/// It serves given sizes only if all of them follow from the symbols; then it is exactly the
/// recorded program, so symbols need no conditions.
struct SymbolicForm {
  struct Symbol {
    std::string name;
    size_t position;  // of the size that determines it: factor * symbol + offset
    int64_t factor = 1, offset = 0;
    bool is_free = false;  // no leaf has it, but an additional input
  };
  Graph graph;  // takes the section's leaves, then f32[symbol,0] for each free symbol
  std::vector<Symbol> symbols;
  std::vector<Dim> expressions;         // without repetitions
  std::vector<uint32_t> expression_of;  // of each size; kNumber: it is always `numbers`
  Sizes numbers;
  static constexpr uint32_t kNumber = UINT32_MAX;

  /// The symbol values that reproduce all sizes, or none.
  std::optional<SymbolValues> values_for(const Sizes& sizes) const;
  /// What to pass for the free symbols.
  std::vector<Buffer> size_inputs(const SymbolValues& values) const;
};

/// Introduces symbols for the sizes that differ between members of one family, given as `samples`;
/// none if not all sizes can be expressed by them in a way that the ops accept.
std::optional<SymbolicForm> find_symbolic_form(const Section& section,
                                               std::span<const uint32_t> outputs,
                                               std::span<const Sizes> samples);

}  // namespace tenon::detail
