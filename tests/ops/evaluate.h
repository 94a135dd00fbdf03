// One op on host arrays, by the reference interpreter.
//
//   auto y = evaluate("relu", {Literal::of<float>({2}, {-1, 1})});
//   numbers(y[0]);                           // {0, 1}
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tenon/graph/build.h"
#include "tenon/interpret/interpret.h"
#include "tenon/ops/registry.h"
#include "tenon/transform/vjp.h"

namespace tenon {

inline std::vector<double> numbers(const Literal& literal) {
  std::vector<double> values;
  for (int64_t i = 0; i < literal.size(); ++i) values.push_back(literal.to_double(i));
  return values;
}

inline auto close_to(const std::vector<double>& wanted, double tolerance = 1e-6) {
  return testing::Pointwise(testing::DoubleNear(tolerance), wanted);
}

inline Literal floats(std::vector<int64_t> shape, const std::vector<float>& values) {
  return Literal::of<float>(std::move(shape), values);
}

inline std::unique_ptr<Graph> graph_of_call(const std::string& op,
                                            const std::vector<Literal>& inputs,
                                            Attributes attributes) {
  auto graph = std::make_unique<Graph>(op);
  Build build(*graph, core_ops());
  std::vector<Value> values;
  for (const Literal& input : inputs) {
    values.push_back(build.input("x" + std::to_string(values.size()), input.type()));
  }
  std::vector<ValueId> outputs;
  for (const Value& value : build.call_multi(core_ops().get(op), values, std::move(attributes))) {
    outputs.push_back(value.id());
  }
  graph->set_outputs(outputs);
  return graph;
}

inline std::vector<Literal> evaluate(const std::string& op, const std::vector<Literal>& inputs,
                                     Attributes attributes = {}) {
  return interpret(*graph_of_call(op, inputs, std::move(attributes)), inputs);
}

/// The cotangents of inputs `wrt` where output 0 has the given one.
inline std::vector<Literal> pull_back(const std::string& op, const std::vector<Literal>& inputs,
                                      Attributes attributes, const Literal& cotangent,
                                      std::vector<size_t> wrt) {
  auto graph = graph_of_call(op, inputs, std::move(attributes));
  size_t outputs = graph->outputs().size();
  auto derivative = vjp(*graph, core_ops(), {.wrt = std::move(wrt), .outputs = {{0}}});
  std::vector<Literal> arguments = inputs;
  arguments.push_back(cotangent);
  std::vector<Literal> results = interpret(*derivative, arguments);
  return {results.begin() + static_cast<std::ptrdiff_t>(outputs), results.end()};
}

}  // namespace tenon
