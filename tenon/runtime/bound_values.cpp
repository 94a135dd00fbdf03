#include "tenon/runtime/bound_values.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"

namespace tenon {

namespace {

/// Against the graph's type, whose symbols may be any number.
void check_value(const Graph& graph, size_t input, const Buffer& value) {
  const Type& wanted = graph.type(graph.inputs()[input]);
  const std::string& name = graph.input_names()[input];
  if (!value || (value.data() == nullptr && value.size() > 0)) {
    fail(ErrorCode::invalid_argument, "bind: the value of input '{}' of '{}' has no memory", name,
         graph.name());
  }
  const Type given{value.dtype(), Shape::of(value.shape())};
  bool fits = given.rank() == wanted.rank();
  for (size_t axis = 0; fits && axis < wanted.rank(); ++axis) {
    const Dim& dim = wanted.shape[axis];
    fits = !dim.is_constant() || dim == given.shape[axis];
  }
  if (given.dtype == wanted.dtype && fits) return;
  fail(given.dtype != wanted.dtype ? ErrorCode::type_mismatch : ErrorCode::shape_mismatch,
       "bind: input '{}' of '{}' is {}, not {}", name, graph.name(), wanted.to_string(),
       given.to_string());
}

/// Values that disagree about a symbol fit no run.
void check_sizes_agree(const Graph& graph, const BoundValues& values) {
  const std::vector<std::string> symbols = graph.symbols();
  const std::vector<std::string>& names = graph.input_names();
  std::map<std::string, std::pair<int64_t, size_t>> seen;  // symbol: its value, and of which input
  for (const auto& [input, value] : values) {
    const Type& type = graph.type(graph.inputs()[input]);
    for (size_t axis = 0; axis < type.rank(); ++axis) {
      const std::string symbol = type.shape[axis].to_string();
      if (!std::ranges::binary_search(symbols, symbol)) continue;
      const int64_t size = value.shape()[axis];
      const auto [first, is_new] = seen.try_emplace(symbol, size, input);
      if (is_new || first->second.first == size) continue;
      fail(ErrorCode::shape_mismatch, "bind: '{}' of '{}' is {} in input '{}' and {} in input '{}'",
           symbol, graph.name(), first->second.first, names[first->second.second], size,
           names[input]);
    }
  }
}

}  // namespace

BoundValues bound_values(const Graph& graph, const BoundInputs& given, BoundValues known) {
  const size_t inputs = graph.inputs().size();
  for (const auto& [input, value] : given) {
    if (input >= inputs) {
      fail(ErrorCode::not_found, "bind: there is no input {} among the {} of graph '{}'", input,
           inputs, graph.name());
    }
    if (known.contains(input)) {
      fail(ErrorCode::invalid_argument, "bind: input '{}' of '{}' is already bound",
           graph.input_names()[input], graph.name());
    }
    check_value(graph, input, value);
    known.emplace(input, share_equal(value.to_constant()));
  }
  check_sizes_agree(graph, known);
  return known;
}

std::shared_ptr<const Executable> Executable::bind(const NamedInputs& values) const {
  const std::vector<std::string>& names = graph().input_names();
  BoundInputs places;
  for (const auto& [name, value] : values) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      throw make_error(ErrorCode::not_found, "bind: graph '{}' has no input '{}'", graph().name(),
                       name)
          .note("{}", hint(name, names));
    }
    if (std::ranges::count(names, name) > 1) {
      fail(ErrorCode::invalid_argument, "bind: several inputs of graph '{}' are called '{}'",
           graph().name(), name);
    }
    places.emplace(static_cast<size_t>(found - names.begin()), value);
  }
  return bind_inputs(places);
}

}  // namespace tenon
