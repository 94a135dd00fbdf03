// A section with symbols where its sizes change. Private to tensor/.
#pragma once

#include <optional>

#include "tenon/graph/graph.h"
#include "tenon/tensor/walk.h"

namespace tenon::detail {

using Sizes = std::vector<int64_t>;

/// Whether it is the recorded program for given sizes can be told without a doubt, by computing all
/// of them from the symbols: so symbols need no conditions.
struct SymbolicForm {
  struct Symbol {
    std::string name;
    size_t position;  // of the size that tells it: factor * symbol + offset
    int64_t factor = 1, offset = 0;
    bool is_free = false;  // no leaf has it: an input of its own does
  };
  Graph graph;  // takes the section's leaves, then f32[symbol,0] for each free symbol
  std::vector<Symbol> symbols;
  std::vector<Dim> expressions;         // without repetitions
  std::vector<uint32_t> expression_of;  // of each size; kNumber: it is always `numbers`
  Sizes numbers;
  static constexpr uint32_t kNumber = UINT32_MAX;

  /// The symbols for which all sizes come out right, or nothing.
  std::optional<SymbolValues> values_for(const Sizes& sizes) const;
  /// What to pass for the free symbols.
  std::vector<Buffer> size_inputs(const SymbolValues& values) const;
};

/// Symbols for what differs between members of one family, whose sizes are `samples`; nothing where
/// no way is found to state all sizes by them that the ops accept.
std::optional<SymbolicForm> find_symbolic_form(const Section& section,
                                               std::span<const uint32_t> outputs,
                                               std::span<const Sizes> samples);

}  // namespace tenon::detail
