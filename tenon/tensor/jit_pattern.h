// Types of a jitted function's arguments with symbols for sizes that change. Private to tensor/.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "tenon/graph/graph.h"

namespace tenon::detail {

/// Sizes that broadcast, that squeeze() takes away or that leave nothing to reduce: the function
/// may give other shapes there, so symbols do not stand for them.
inline bool is_special(int64_t size) { return size == 0 || size == 1; }

/// Whether sizes of 0 and 1 are in the same places in both.
bool specialised_alike(std::span<const Type> pattern, std::span<const Type> types);

/// What the symbols of a pattern stand for where it fits the types of a call. Each symbol is a
/// dimension by itself somewhere; others may be computed from it, as 2*batch-1.
std::optional<SymbolValues> bind_pattern(std::span<const Type> pattern,
                                         std::span<const Type> types);

/// `pattern` with a symbol for every dimension that differs from `types`. Dimensions that changed
/// together, from and to the same sizes, get one symbol.
std::vector<Type> generalised(std::span<const Type> pattern, std::span<const Type> types);

/// The first condition that these sizes break, or null.
const DimCondition* broken_condition(std::span<const DimCondition> conditions,
                                     const SymbolValues& symbols);

/// `pattern` for the sizes that break a condition: fewer symbols, two that coincide being one, one
/// that meets a number that number. Where that does not say it, the condition's symbols are the
/// numbers of `symbols`.
std::vector<Type> coinciding(std::span<const Type> pattern, const DimCondition& broken,
                             const SymbolValues& symbols);

}  // namespace tenon::detail
