#include "tenon/tensor/jit_pattern.h"

#include <algorithm>

#include <fmt/format.h>

#include "tenon/base/error.h"

namespace tenon::detail {

namespace {

using Replacements = std::map<std::string, Dim, std::less<>>;

/// The name of a dimension that is a symbol by itself, or "".
std::string symbol_of(const Dim& dim) {
  std::vector<std::string> names;
  dim.collect_symbols(names);
  return names.size() == 1 && dim.to_string() == names[0] ? names[0] : "";
}

/// f(wanted, size) for every dimension, until it returns false.
template <class F>
bool all_dims(std::span<const Type> pattern, std::span<const Type> types, F f) {
  for (size_t i = 0; i < types.size(); ++i) {
    for (size_t axis = 0; axis < types[i].rank(); ++axis) {
      if (!f(pattern[i].dim(axis), types[i].dim(axis).constant())) return false;
    }
  }
  return true;
}

Replacements replacements_for(const DimCondition& broken, const SymbolValues& symbols) {
  if (broken.kind == DimCondition::Kind::different) {
    try {
      if (auto equal = (broken.left - broken.right).zero()) return {std::move(*equal)};
    } catch (const Error&) {
      // The difference leaves 64 bits: numbers do.
    }
  }
  std::vector<std::string> names;
  broken.left.collect_symbols(names);
  broken.right.collect_symbols(names);
  Replacements numbers;
  for (const std::string& name : names) numbers.emplace(name, symbols.at(name));
  return numbers;
}

}  // namespace

bool specialised_alike(std::span<const Type> pattern, std::span<const Type> types) {
  return all_dims(pattern, types, [](const Dim& dim, int64_t size) {
    bool special = is_special(size) || (dim.is_constant() && is_special(dim.constant()));
    return !special || dim.is(size);
  });
}

std::optional<SymbolValues> bind_pattern(std::span<const Type> pattern,
                                         std::span<const Type> types) {
  SymbolValues symbols;
  bool fits = all_dims(pattern, types, [&](const Dim& wanted, int64_t size) {
    if (wanted.is_constant()) return wanted.is(size);
    if (is_special(size)) return false;
    std::string name = symbol_of(wanted);
    return name.empty() || symbols.try_emplace(std::move(name), size).first->second == size;
  });
  if (!fits) return std::nullopt;
  try {
    fits = all_dims(pattern, types, [&](const Dim& wanted, int64_t size) {
      return wanted.is_constant() || wanted.evaluate(symbols) == size;
    });
  } catch (const Error&) {
    return std::nullopt;  // sizes of more than 64 bits are nobody's
  }
  return fits ? std::optional(std::move(symbols)) : std::nullopt;
}

std::vector<Type> generalised(std::span<const Type> pattern, std::span<const Type> types) {
  std::map<std::pair<std::string, int64_t>, Dim> symbols;
  std::vector<Type> general(pattern.begin(), pattern.end());
  for (size_t i = 0; i < general.size(); ++i) {
    for (size_t axis = 0; axis < general[i].rank(); ++axis) {
      Dim& dim = general[i].shape[axis];
      int64_t size = types[i].dim(axis).constant();
      if (dim.is(size)) continue;
      auto key = std::pair(dim.to_string(), size);
      auto found = symbols.find(key);
      if (found == symbols.end()) {
        std::string base = axis == 0 ? "batch" : "size";
        std::string name = symbols.empty() ? base : fmt::format("{}{}", base, symbols.size() + 1);
        found = symbols.emplace(key, Dim::symbol(name)).first;
      }
      dim = found->second;
    }
  }
  return general;
}

const DimCondition* broken_condition(std::span<const DimCondition> conditions,
                                     const SymbolValues& symbols) {
  auto is_broken = [&](const DimCondition& condition) {
    try {
      return !condition.holds(symbols);
    } catch (const Error&) {
      return true;  // beyond 64 bits nothing is sure
    }
  };
  auto broken = std::ranges::find_if(conditions, is_broken);
  return broken == conditions.end() ? nullptr : &*broken;
}

std::vector<Type> coinciding(std::span<const Type> pattern, const DimCondition& broken,
                             const SymbolValues& symbols) {
  const Replacements replacements = replacements_for(broken, symbols);
  std::vector<Type> result(pattern.begin(), pattern.end());
  for (Type& type : result) {
    for (size_t axis = 0; axis < type.rank(); ++axis)
      type.shape[axis] = type.dim(axis).substitute(replacements);
  }
  return result;
}

}  // namespace tenon::detail
