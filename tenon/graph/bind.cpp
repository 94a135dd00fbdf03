#include "tenon/graph/bind.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/graph/op.h"

namespace tenon {

namespace {

[[noreturn]] void fail_shape(const Graph& graph, size_t input, const std::vector<int64_t>& shape,
                             std::string why) {
  fail(ErrorCode::shape_mismatch, "{}: input '{}' is {}, but got [{}]: {}", graph.name(),
       graph.input_names()[input], graph.type(graph.inputs()[input]).to_string(),
       fmt::join(shape, ","), why);
}

/// The value of the only unknown symbol of a dimension, where just one fits: half an h, rounded
/// down, says nothing about h.
bool solve(const Dim& dim, int64_t value, SymbolValues& known) {
  std::vector<std::string> symbols;
  dim.collect_symbols(symbols);
  std::erase_if(symbols, [&](const std::string& name) { return known.contains(name); });
  if (symbols.size() != 1) return false;
  SymbolValues trial = known;
  // Nothing where it leaves 64 bits, which no size does.
  auto at = [&](int64_t x) -> std::optional<int64_t> {
    trial[symbols[0]] = x;
    try {
      return dim.evaluate(trial);
    } catch (const Error&) {
      return std::nullopt;
    }
  };
  std::optional<int64_t> offset = at(0), next = at(1);
  int64_t slope = 0, distance = 0;
  if (!offset || !next || __builtin_sub_overflow(*next, *offset, &slope) ||
      __builtin_sub_overflow(value, *offset, &distance))
    return false;
  std::optional<Dim> x = Dim(distance).divided_by(Dim(slope));
  if (!x) return false;
  const int64_t found = x->constant();
  if (found < 0 || found == INT64_MAX || at(found) != value || at(found + 1) == value ||
      (found > 0 && at(found - 1) == value))
    return false;
  known[symbols[0]] = found;
  return true;
}

/// A condition about symbols that no input has says nothing about the sizes.
void check_conditions(const Graph& graph, const SymbolValues& known) {
  for (const DimCondition& condition : graph.conditions()) {
    std::vector<std::string> symbols;
    condition.left.collect_symbols(symbols);
    condition.right.collect_symbols(symbols);
    bool all_known =
        std::ranges::all_of(symbols, [&](const std::string& name) { return known.contains(name); });
    if (!all_known || condition.holds(known)) continue;
    std::string sizes;
    for (const std::string& name : symbols)
      sizes += fmt::format("{}{} is {}", sizes.empty() ? "" : ", ", name, known.at(name));
    throw make_error(ErrorCode::out_of_range, "{}: recorded for sizes where {}, but {}",
                     graph.name(), condition.to_string(), sizes)
        .note("the recorded function compares these sizes, and is not valid for these");
  }
}

}  // namespace

SymbolValues bind_symbols(const Graph& graph, std::span<const std::vector<int64_t>> shapes,
                          const SymbolValues& outer) {
  if (shapes.size() != graph.inputs().size()) {
    fail(ErrorCode::invalid_argument, "{}: takes {} inputs, not {}", graph.name(),
         graph.inputs().size(), shapes.size());
  }
  struct Equation {
    size_t input, axis;
  };
  std::vector<Equation> open;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const Type& type = graph.type(graph.inputs()[i]);
    if (type.rank() != shapes[i].size())
      fail_shape(graph, i, shapes[i],
                 fmt::format("{} dimensions instead of {}", shapes[i].size(), type.rank()));
    for (size_t axis = 0; axis < type.rank(); ++axis) {
      if (!type.dim(axis).is_constant()) {
        open.push_back({i, axis});
      } else if (!type.dim(axis).is(shapes[i][axis])) {
        fail_shape(graph, i, shapes[i], fmt::format("dimension {} differs", axis));
      }
    }
  }
  auto dim = [&](const Equation& e) -> const Dim& {
    return graph.type(graph.inputs()[e.input]).dim(e.axis);
  };
  auto value = [&](const Equation& e) { return shapes[e.input][e.axis]; };

  SymbolValues known = outer;
  // Each round solves what has one unknown left; later equations may need earlier results.
  for (bool progress = true; progress;) {
    progress = false;
    for (const Equation& e : open) progress = solve(dim(e), value(e), known) || progress;
  }
  for (const Equation& e : open) {
    std::vector<std::string> symbols;
    dim(e).collect_symbols(symbols);
    auto unknown = std::find_if(symbols.begin(), symbols.end(),
                                [&](const std::string& name) { return !known.contains(name); });
    if (unknown != symbols.end()) {
      fail_shape(
          graph, e.input, shapes[e.input],
          fmt::format("dimension {} is {}, for which no {} fits", e.axis, value(e), *unknown));
    }
    int64_t wanted = dim(e).evaluate(known);
    if (wanted == value(e)) continue;
    fail_shape(graph, e.input, shapes[e.input],
               fmt::format("dimension {} is {}, but {} is {} by the other inputs", e.axis, value(e),
                           dim(e).to_string(), wanted));
  }
  for (const auto& [name, bounds] : graph.symbol_bounds()) {
    auto found = known.find(name);
    if (found == known.end()) continue;
    if (found->second >= bounds.low && (!bounds.high || found->second <= *bounds.high)) continue;
    fail(ErrorCode::out_of_range, "{}: {} is {}, outside [{}, {}]", graph.name(), name,
         found->second, bounds.low, bounds.high ? std::to_string(*bounds.high) : "any");
  }
  check_conditions(graph, known);
  return known;
}

Attributes evaluate_attributes(const Attributes& attributes, const SymbolValues& symbols) {
  Attributes result = attributes;
  for (const auto& [name, value] : attributes) {
    if (const Shape* shape = value.get_if<Shape>())
      result.set(name, Shape::of(shape->evaluate(symbols)));
    if (const Types* types = value.get_if<Types>()) {
      Types concrete = *types;
      for (Type& type : concrete) type.shape = Shape::of(type.shape.evaluate(symbols));
      result.set(name, std::move(concrete));
    }
  }
  return result;
}

void check_sizes(const Graph& graph, const Node& node, const SymbolValues& symbols) {
  if (node.op->derivative_class == DerivativeClass::region) return;
  std::vector<Type> inputs;
  for (ValueId input : node.inputs) {
    const Type& type = graph.type(input);
    inputs.push_back({type.dtype, Shape::of(type.shape.evaluate(symbols))});
  }
  Attributes attributes = evaluate_attributes(node.attributes, symbols);
  check_call(*node.op, inputs, attributes,
             [&](size_t i) { return graph.describe(node.inputs[i]); });
}

}  // namespace tenon
