// What the tests of transforms share: graphs written as functions, numbers in and out, and the one
// check that every derivative has to pass.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tenon/graph/build.h"
#include "tenon/graph/text.h"
#include "tenon/graph/verify.h"
#include "tenon/interpret/interpret.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/value_functions.h"

namespace tenon::test {

using Values = std::vector<Value>;
using Body = std::function<Values(Build&, const Values&)>;

/// A graph of inputs x0, x1 … of these types.
std::unique_ptr<Graph> make_graph(const std::vector<std::string>& types, const Body& body,
                                  std::string name = "f");
GraphRef make_region(const std::vector<std::string>& types, const Body& body,
                     std::string name = "body");

/// A f64 array.
Literal reals(std::vector<int64_t> shape, std::vector<double> values);
Literal scalar(double value);
/// The same pseudo-random numbers in [-1, 1] for the same seed.
Literal some_reals(std::vector<int64_t> shape, uint32_t seed);
std::vector<Literal> some_inputs(const Graph& graph, uint32_t seed = 1);

/// Verifies, prints and parses back, and runs.
std::vector<Literal> run(const Graph& graph, const std::vector<Literal>& inputs);
std::vector<double> numbers(const Literal& literal);
void expect_near(const Literal& actual, const Literal& expected, double tolerance = 1e-9);

/// v·(J u) by central differences, by jvp and by vjp, for random directions u and v. All inputs are
/// f64.
void expect_derivatives_agree(const Graph& f, const std::vector<Literal>& inputs,
                              double tolerance = 1e-6);
void expect_derivatives_agree(const Graph& f);

/// What vmap gives equals running the examples one by one; all inputs carry the batch as axis 0.
void expect_vmap_is_a_loop(const Graph& f, const std::vector<std::optional<int64_t>>& in_axes,
                           int64_t batch = 3);

size_t count_ops(const Graph& graph, std::string_view op);

}  // namespace tenon::test
