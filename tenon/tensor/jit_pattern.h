// Types of a jitted function's arguments with symbols for sizes that change. Private to tensor/.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "tenon/graph/graph.h"

namespace tenon::detail {

/// Sizes that broadcast, that squeeze() removes, or that are empty: the function may give other
/// shapes for them, so symbols do not stand for them.
inline bool is_special(int64_t size) { return size == 0 || size == 1; }

/// Whether sizes of 0 and 1 are in the same places in both.
bool specialised_alike(std::span<const Type> pattern, std::span<const Type> types);

/// The values of a pattern's symbols, if it fits the types of a call. Each symbol is a dimension
/// by itself somewhere; other dimensions may be computed from it, as 2*batch-1.
std::optional<SymbolValues> bind_pattern(std::span<const Type> pattern,
                                         std::span<const Type> types);

/// `pattern` with a symbol for every dimension that differs from `types`. Dimensions that changed
/// together, from and to the same sizes, get one symbol.
std::vector<Type> generalised(std::span<const Type> pattern, std::span<const Type> types);

/// The first condition that these sizes violate, or null.
const DimCondition* broken_condition(std::span<const DimCondition> conditions,
                                     const SymbolValues& symbols);

/// `pattern` for the sizes that violate a condition, with fewer symbols: two that coincide become
/// one, and one that equals a number becomes that number. If that does not suffice, the symbols of
/// the condition become their numbers in `symbols`.
std::vector<Type> coinciding(std::span<const Type> pattern, const DimCondition& broken,
                             const SymbolValues& symbols);

}  // namespace tenon::detail
