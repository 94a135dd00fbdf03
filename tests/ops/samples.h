// What the generated tests run on: for every op and each of its samples, a one-node graph and
// inputs that are the same on every machine.
//
//   for (const SampleCase& sample : sample_cases(op)) {
//     auto graph = sample_graph(sample, core_ops());
//     std::vector<Literal> y = interpret(*graph, sample_inputs(sample));
//   }
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/graph/literal.h"
#include "tenon/graph/op.h"

namespace tenon {

struct SampleCase {
  const OpDef* op;
  const Sample* sample;
  size_t index;
  std::vector<Type> symbolic;  // input types as stated
  std::vector<Type> types;     // with numbers for symbols
  SymbolValues symbols;

  std::string name() const { return op->name + "_" + std::to_string(index); }
};

/// Whether its derivative may be asked for.
bool is_differentiable(const OpDef& op);

std::vector<SampleCase> sample_cases(const OpDef& op);

/// "f32[2,3], i32[n]" as types.
std::vector<Type> parse_types(std::string_view text);

enum class SampleShapes { symbolic, concrete };
/// The graph with one call of the op.
std::unique_ptr<Graph> sample_graph(const SampleCase& sample, const OpRegistry& ops,
                                    SampleShapes shapes = SampleShapes::concrete);
/// The same with floating inputs in f64, for finite differences. Null where the op takes none or
/// not in f64.
std::unique_ptr<Graph> sample_graph_f64(const SampleCase& sample, const OpRegistry& ops);

/// Inputs in the ranges that the sample or the op states, from Philox.
std::vector<Literal> sample_inputs(const SampleCase& sample, uint64_t seed = 0);
/// The same values in the dtypes of `graph`'s inputs.
std::vector<Literal> sample_inputs_as(const SampleCase& sample, const Graph& graph,
                                      uint64_t seed = 0);

/// Values in [low, high): reals, integers, or bools from the lowest bit.
Literal random_literal(DType dtype, std::vector<int64_t> shape, double low, double high,
                       uint64_t seed);

/// How far a result of this dtype may be from the reference, relative to max(1, |reference|).
double tolerance_of(DType dtype);

/// Compares element by element, NaN equal to NaN; an empty string, or where and how they differ.
std::string difference(const Literal& got, const Literal& wanted, double tolerance);

}  // namespace tenon
