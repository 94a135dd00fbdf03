// Derived graphs, nested ones too, compile and give what the reference gives.
#include <gtest/gtest.h>

#include <cmath>

#include "tenon/base/files.h"
#include "tenon/graph/text.h"
#include "tenon/interpret/interpret.h"
#include "tenon/ops/registry.h"
#include "tenon/runtime/executable.h"
#include "tenon/transform/jvp.h"
#include "tenon/transform/vjp.h"
#include "tenon/transform/vmap.h"

namespace tenon {
namespace {

/// Each letter one transform: r reverse, f forward, b batch.
std::unique_ptr<Graph> transformed(const std::string& chain, const Graph& graph) {
  auto result = std::make_unique<Graph>(graph);
  for (char step : chain) {
    if (step == 'r') result = vjp(*result, core_ops());
    if (step == 'f') result = jvp(*result, core_ops());
    if (step == 'b') result = vmap(*result, core_ops(), {.size = 3});
  }
  return result;
}

Literal some_literal(const Type& type, const SymbolValues& symbols, uint32_t& state) {
  Literal literal(type.dtype, type.shape.evaluate(symbols));
  for (int64_t i = 0; i < literal.size(); ++i) {
    state = state * 1664525u + 1013904223u;
    literal.set_double(i, type.dtype == DType::boolean ? state >> 31 : state / 2147483648.0 - 1);
  }
  return literal;
}

void expect_compiled_equals_reference(const Graph& graph, const SymbolValues& symbols) {
  std::vector<Buffer> inputs;
  std::vector<RefArray> arrays;
  uint32_t state = 1;
  for (const Type& type : graph.input_types()) {
    Literal literal = some_literal(type, symbols, state);
    inputs.push_back(Buffer::copy_of(literal));
    arrays.push_back(RefArray::from(literal));
  }
  std::vector<RefArray> expected = interpret(graph, arrays);
  std::vector<Buffer> actual = compile(graph, core_ops())->run(inputs);
  for (size_t k = 0; k < expected.size(); ++k) {
    Literal literal = actual[k].to_literal();
    ASSERT_EQ(literal.size(), expected[k].size());
    for (int64_t i = 0; i < literal.size(); ++i) {
      double want = expected[k].get(i);
      EXPECT_NEAR(literal.to_double(i), want, 1e-5 * (1 + std::abs(want)))
          << "output " << k << ", element " << i;
    }
  }
}

class Compiled : public testing::TestWithParam<std::string> {};

TEST_P(Compiled, NestedTransforms) {
  std::string text = read_file("tests/golden/transform/" + GetParam() + ".ir");
  auto source = parse_graph(text.substr(0, text.find("# becomes")), core_ops());
  for (const char* chain : {"r", "f", "b", "rr", "rf", "fr", "rb", "br"}) {
    SCOPED_TRACE(chain);
    auto graph = transformed(chain, *source);
    expect_compiled_equals_reference(*graph, {{"batch", 3}, {"time", 4}});
  }
}

INSTANTIATE_TEST_SUITE_P(Graphs, Compiled,
                         testing::Values("dense_vjp", "scan_vjp", "cond_vjp", "remat_gradient"));

}  // namespace
}  // namespace tenon
