// Graphs come from files, where any number may stand for a size, a window or a stride: whatever an
// op makes of it, it is a result or an error about the call, never arithmetic that leaves 64 bits.
// The build with the undefined-behaviour sanitizer sees what here would pass by chance.
#include <gtest/gtest.h>

#include "samples.h"
#include "tenon/base/error.h"
#include "tenon/graph/bind.h"
#include "tenon/graph/build.h"
#include "tenon/graph/text.h"
#include "tenon/graph/verify.h"
#include "tenon/ops/registry.h"
#include "tenon/runtime/executable.h"
#include "tenon/transform/vjp.h"
#include "tenon/transform/vmap.h"

namespace tenon {
namespace {

constexpr int64_t kExtremes[] = {INT64_MIN, -1, 0, int64_t{1} << 31, int64_t{1} << 53, INT64_MAX};

/// The attribute with one of its numbers replaced; null where it has no such number.
std::optional<Attribute> with_extreme(const Attribute& attribute, size_t entry, int64_t extreme) {
  if (attribute.get_if<int64_t>() && entry == 0) return Attribute(extreme);
  if (auto* integers = attribute.get_if<Integers>(); integers && entry < integers->size()) {
    Integers changed = *integers;
    changed[entry] = extreme;
    return Attribute(std::move(changed));
  }
  if (auto* shape = attribute.get_if<Shape>(); shape && entry < shape->rank()) {
    Shape changed = *shape;
    changed[entry] = extreme;
    return Attribute(std::move(changed));
  }
  return std::nullopt;
}

template <class Function>
void expect_result_or_error(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
  }
}

/// Compiled and bound to its sizes.
void prepare(const Graph& graph, const SymbolValues& known) {
  std::vector<std::vector<int64_t>> shapes;
  for (const Type& type : graph.input_types()) shapes.push_back(type.shape.evaluate(known));
  compile(graph, core_ops(), {.memory_limit = 1 << 24})->prepare(shapes);
}

/// One call, its batching and its derivative; `known` stand for the symbols.
void call(const OpDef& op, const std::vector<Type>& types, Attributes attributes,
          const SymbolValues& known, bool compiled) {
  Graph graph;
  expect_result_or_error([&] {
    Build build(graph, core_ops());
    std::vector<Value> inputs;
    for (const Type& type : types) inputs.push_back(build.input("x", type));
    std::vector<ValueId> outputs;
    for (const Value& value : build.call_multi(op, inputs, std::move(attributes)))
      outputs.push_back(value.id());
    graph.set_outputs(std::move(outputs));
    verify(graph);
    to_text(graph);
  });
  if (graph.outputs().empty()) return;
  if (compiled) expect_result_or_error([&] { prepare(graph, known); });
  expect_result_or_error([&] {
    auto batched = vmap(graph, core_ops(), {.size = 3});
    verify(*batched);
    if (compiled) prepare(*batched, known);
  });
  if (!is_differentiable(op) || op.name == "while") return;
  expect_result_or_error([&] {
    auto pulled = vjp(graph, core_ops());
    verify(*pulled);
    if (compiled) prepare(*pulled, known);
  });
}

/// All axes of one size with another, as ops ask for.
std::vector<Type> with_size(std::vector<Type> types, const Dim& old, const Dim& size) {
  for (Type& type : types) {
    for (size_t d = 0; d < type.rank(); ++d) {
      if (type.dim(d) == old) type.shape[d] = size;
    }
  }
  return types;
}

class Extremes : public testing::TestWithParam<const OpDef*> {};

std::vector<const OpDef*> all_ops() {
  std::vector<const OpDef*> ops;
  for (const auto& op : core_ops().all()) ops.push_back(op.get());
  return ops;
}

INSTANTIATE_TEST_SUITE_P(Ops, Extremes, testing::ValuesIn(all_ops()),
                         [](const auto& param) { return param.param->name; });

TEST_P(Extremes, OfAttributesAreResultsOrErrors) {
  const OpDef& op = *GetParam();
  for (const SampleCase& sample : sample_cases(op)) {
    for (const auto& [name, attribute] : sample.sample->attributes) {
      for (size_t entry = 0; with_extreme(attribute, entry, 0); ++entry) {
        for (int64_t extreme : kExtremes) {
          SCOPED_TRACE(sample.name() + ": " + name + " " + std::to_string(extreme));
          Attributes changed = sample.sample->attributes;
          changed.set(name, *with_extreme(attribute, entry, extreme));
          call(op, sample.symbolic, changed, sample.symbols, sample.index == 0);
        }
      }
    }
  }
}

TEST_P(Extremes, OfSizesAreResultsOrErrors) {
  const OpDef& op = *GetParam();
  for (const SampleCase& sample : sample_cases(op)) {
    for (size_t i = 0; i < sample.types.size(); ++i) {
      for (size_t axis = 0; axis < sample.types[i].rank(); ++axis) {
        for (int64_t extreme : {int64_t{1} << 31, int64_t{1} << 59, INT64_MAX}) {
          SCOPED_TRACE(sample.name() + ": size " + std::to_string(extreme));
          const std::vector<Type> types =
              with_size(sample.types, sample.types[i].dim(axis), extreme);
          const Attributes& attributes = sample.sample->attributes;
          const bool compiled = sample.index == 0;
          call(op, types, attributes, sample.symbols, compiled);
          // 3 * extreme leaves 64 bits only once the symbol is a number.
          SymbolValues symbols = sample.symbols;
          symbols["s"] = 3;
          call(op, with_size(types, extreme, Dim::symbol("s") * extreme), attributes, symbols,
               compiled);
          // No elements, and yet an axis as long as before.
          for (const Dim& other : types[i].shape) {
            if (!other.is(extreme))
              call(op, with_size(types, other, 0), attributes, sample.symbols, compiled);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace tenon
