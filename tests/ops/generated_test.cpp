// What holds for every op, proved on every sample of every op in the registry. A new op is tested
// here by being registered.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "element_evaluate.h"
#include "samples.h"
#include "tenon/base/error.h"
#include "tenon/base/random.h"
#include "tenon/graph/bind.h"
#include "tenon/graph/text.h"
#include "tenon/graph/verify.h"
#include "tenon/interpret/interpret.h"
#include "tenon/transform/jvp.h"
#include "tenon/transform/vjp.h"
#include "tenon/transform/vmap.h"

namespace tenon {
namespace {

using Arrays = std::vector<RefArray>;

class Generated : public testing::TestWithParam<const OpDef*> {
 protected:
  const OpDef& op() const { return *GetParam(); }
  const OpRegistry& ops() const { return core_ops(); }
};

std::vector<const OpDef*> all_ops() {
  std::vector<const OpDef*> ops;
  for (const auto& op : core_ops().all()) ops.push_back(op.get());
  return ops;
}

INSTANTIATE_TEST_SUITE_P(Ops, Generated, testing::ValuesIn(all_ops()),
                         [](const auto& param) { return param.param->name; });

Arrays arrays_of(const std::vector<Literal>& literals) {
  Arrays arrays;
  for (const Literal& literal : literals) arrays.push_back(RefArray::from(literal));
  return arrays;
}

TEST_P(Generated, SymbolicEqualsConcrete) {
  for (const SampleCase& sample : sample_cases(op())) {
    SCOPED_TRACE(sample.name() + ": " + sample.sample->inputs);
    auto symbolic = sample_graph(sample, ops(), SampleShapes::symbolic);
    auto concrete = sample_graph(sample, ops());
    ASSERT_NO_THROW(verify(*symbolic));
    std::vector<Type> types = symbolic->output_types();
    for (Type& type : types) type.shape = Shape::of(type.shape.evaluate(sample.symbols));
    EXPECT_EQ(types, concrete->output_types());
    std::vector<Literal> inputs = sample_inputs(sample);
    EXPECT_EQ(interpret(*symbolic, inputs, ops()), interpret(*concrete, inputs, ops()));
  }
}

TEST_P(Generated, TextRoundTrip) {
  for (const SampleCase& sample : sample_cases(op())) {
    SCOPED_TRACE(sample.name() + ": " + sample.sample->inputs);
    auto graph = sample_graph(sample, ops(), SampleShapes::symbolic);
    std::string text = to_text(*graph);
    auto parsed = parse_graph(text, ops());
    EXPECT_EQ(to_text(*parsed), text);
    EXPECT_EQ(parsed->structural_hash(), graph->structural_hash());
  }
}

/// Any text is a graph or an error for the user, never a broken invariant.
TEST_P(Generated, MutatedTextIsParsedOrRefused) {
  constexpr std::string_view kAlphabet = "0123456789-+*,.()[]{}=%:\"n\naefix";
  for (const SampleCase& sample : sample_cases(op())) {
    std::string text = to_text(*sample_graph(sample, ops(), SampleShapes::symbolic));
    RandomStream stream(RandomKey(1).fold_in(sample.name()));
    auto below = [&](size_t bound) {
      return static_cast<size_t>(stream.below(static_cast<int64_t>(bound)));
    };
    for (int trial = 0; trial < 40; ++trial) {
      std::string mutated = text;
      for (size_t edits = 1 + below(2); edits-- > 0;) {
        size_t at = below(mutated.size());
        char c = kAlphabet[below(kAlphabet.size())];
        if (below(3) == 0) {
          mutated.insert(at, 1, c);
        } else {
          mutated[at] = c;
        }
      }
      try {
        verify(*parse_graph(mutated, ops()));
      } catch (const Error& error) {
        EXPECT_NE(error.code(), ErrorCode::internal) << mutated << "\n" << error.what();
      }
    }
  }
}

/// What generated code computes with, against the reference.
TEST_P(Generated, ElementEqualsReference) {
  if (!op().element && !op().expand) GTEST_SKIP() << "has no element definition";
  for (const SampleCase& sample : sample_cases(op())) {
    SCOPED_TRACE(sample.name() + ": " + sample.sample->inputs);
    auto graph = sample_graph(sample, ops());
    if (graph->outputs().size() != 1) continue;
    std::vector<Literal> inputs = sample_inputs(sample);
    const Type& type = graph->type(graph->outputs()[0]);
    auto element = evaluate_element(op(), graph->node(0).attributes, inputs, type);
    Literal reference = interpret(*graph, inputs, ops())[0];
    EXPECT_EQ(difference(*element, reference, tolerance_of(type.dtype) * op().tolerance), "");
  }
}

double dot(const Arrays& a, const Arrays& b) {
  double sum = 0;
  for (size_t k = 0; k < a.size(); ++k) {
    for (int64_t i = 0; i < a[k].size(); ++i) sum += a[k].get(i) * b[k].get(i);
  }
  return sum;
}

Arrays floating_only(const Arrays& arrays) {
  Arrays floating;
  for (const RefArray& array : arrays) {
    if (array.is_real()) floating.push_back(array);
  }
  return floating;
}

Arrays random_like(const Arrays& arrays, uint64_t seed) {
  Arrays random;
  for (const RefArray& array : arrays) {
    Literal values = random_literal(DType::f64, array.shape(), -1, 1, seed + random.size());
    RefArray made(array.dtype(), array.shape());
    for (int64_t i = 0; i < made.size(); ++i) made.set(i, values.to_double(i));
    random.push_back(std::move(made));
  }
  return random;
}

/// inputs + step * direction, in the floating inputs.
Arrays moved(Arrays inputs, const Arrays& direction, double step) {
  size_t k = 0;
  for (RefArray& input : inputs) {
    if (!input.is_real()) continue;
    for (int64_t i = 0; i < input.size(); ++i)
      input.set(i, input.get(i) + step * direction[k].get(i));
    ++k;
  }
  return inputs;
}

Arrays joined(Arrays a, const Arrays& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Arrays tail(const Arrays& arrays, size_t first) {
  return {arrays.begin() + static_cast<std::ptrdiff_t>(first), arrays.end()};
}

/// Along a random direction v and for random weights u of the results: <u, f(x + tv)>' by finite
/// differences is <u, jvp>, which is <vjp, v>. Whether there was anything to compare.
bool check_derivatives(const Graph& f, const OpRegistry& ops, const Arrays& inputs,
                       double tolerance) {
  Arrays v = random_like(floating_only(inputs), 11);
  Arrays u = random_like(floating_only(interpret(f, inputs, ops)), 23);
  auto phi = [&](double step) {
    return dot(u, floating_only(interpret(f, moved(inputs, v, step), ops)));
  };
  if (!std::isfinite(phi(0))) return false;  // such as the maximum of nothing
  const double h = 1e-5;
  double by_differences = (phi(h) - phi(-h)) / (2 * h);
  size_t outputs = f.outputs().size();
  double by_jvp = dot(u, tail(interpret(*jvp(f, ops), joined(inputs, v), ops), outputs));
  double by_vjp = dot(v, tail(interpret(*vjp(f, ops), joined(inputs, u), ops), outputs));
  double scale = std::max(1.0, std::fabs(by_jvp));
  EXPECT_NEAR(by_differences, by_jvp, tolerance * scale);
  EXPECT_NEAR(by_jvp, by_vjp, 1e-9 * scale);
  return dot(u, u) > 0 && dot(v, v) > 0;
}

bool has_floating(const std::vector<Type>& types) {
  return std::any_of(types.begin(), types.end(),
                     [](const Type& type) { return is_floating(type.dtype); });
}

/// Whether finite differences can see through: results in half precision are steps.
bool is_smooth(const Graph& graph) {
  for (const std::vector<Type>& types : {graph.input_types(), graph.output_types()}) {
    for (const Type& type : types) {
      if (is_floating(type.dtype) && type.dtype != DType::f64) return false;
    }
  }
  return has_floating(graph.input_types()) && has_floating(graph.output_types());
}

TEST_P(Generated, DerivativesEqualFiniteDifferences) {
  if (!is_differentiable(op()))
    GTEST_SKIP() << "not differentiable: " << op().why_not_differentiable;
  if (op().name == "while") GTEST_SKIP() << "has no reverse mode";
  int checked = 0;
  bool has_derivative = false;
  for (const SampleCase& sample : sample_cases(op())) {
    SCOPED_TRACE(sample.name() + ": " + sample.sample->inputs);
    auto stated = sample_graph(sample, ops());
    has_derivative = has_derivative ||
                     (has_floating(stated->input_types()) && has_floating(stated->output_types()));
    auto graph = sample_graph_f64(sample, ops());
    if (!graph || !is_smooth(*graph)) continue;
    Arrays inputs = arrays_of(sample_inputs_as(sample, *graph));
    checked += check_derivatives(*graph, ops(), inputs, 1e-6);
  }
  EXPECT_TRUE(checked > 0 || !has_derivative) << "no sample tells whether the derivative is right";
}

TEST_P(Generated, SecondDerivativesEqualFiniteDifferences) {
  if (!is_differentiable(op()))
    GTEST_SKIP() << "not differentiable: " << op().why_not_differentiable;
  if (op().name == "while") GTEST_SKIP() << "has no reverse mode";
  for (const SampleCase& sample : sample_cases(op())) {
    SCOPED_TRACE(sample.name() + ": " + sample.sample->inputs);
    auto graph = sample_graph_f64(sample, ops());
    if (!graph || !is_smooth(*graph)) continue;
    Arrays inputs = arrays_of(sample_inputs_as(sample, *graph));
    Arrays cotangents = random_like(floating_only(interpret(*graph, inputs, ops())), 5);
    check_derivatives(*vjp(*graph, ops()), ops(), joined(inputs, cotangents), 1e-5);
  }
}

Literal stacked(const std::vector<Literal>& parts) {
  std::vector<int64_t> shape = parts[0].shape();
  shape.insert(shape.begin(), static_cast<int64_t>(parts.size()));
  Literal whole(parts[0].dtype(), shape);
  std::byte* to = whole.data();
  for (const Literal& part : parts) to = std::copy_n(part.data(), part.bytes(), to);
  return whole;
}

using Examples = std::array<std::vector<Literal>, 2>;

/// vmap with the inputs that `batched` picks, for a batch that is a symbol, against one run an
/// example.
void check_vmap(const Graph& graph, const OpRegistry& ops, Examples examples,
                const std::vector<bool>& batched) {
  BatchingOptions options;
  options.size = Dim::symbol("batch");
  std::vector<Literal> inputs;
  for (size_t i = 0; i < batched.size(); ++i) {
    if (!batched[i]) examples[1][i] = examples[0][i];
    options.in_axes.push_back(batched[i] ? std::optional<int64_t>(0) : std::nullopt);
    inputs.push_back(batched[i] ? stacked({examples[0][i], examples[1][i]}) : examples[0][i]);
  }
  auto mapped = vmap(graph, ops, options);
  ASSERT_NO_THROW(verify(*mapped));
  std::vector<Literal> all = interpret(*mapped, inputs, ops);
  auto first = interpret(graph, examples[0], ops), second = interpret(graph, examples[1], ops);
  ASSERT_EQ(all.size(), first.size());
  for (size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(difference(all[i], stacked({first[i], second[i]}), 1e-6), "") << "output " << i;
}

TEST_P(Generated, VmapEqualsLoop) {
  for (const SampleCase& sample : sample_cases(op())) {
    size_t count = sample.types.size();
    if (count == 0) continue;
    SCOPED_TRACE(sample.name() + ": " + sample.sample->inputs);
    auto graph = sample_graph(sample, ops(), SampleShapes::symbolic);
    Examples examples = {sample_inputs(sample, 0), sample_inputs(sample, 1)};
    check_vmap(*graph, ops(), examples, std::vector<bool>(count, true));
    for (size_t only = 0; count > 1 && only < count; ++only) {
      SCOPED_TRACE("batched: input " + std::to_string(only));
      std::vector<bool> batched(count, false);
      batched[only] = true;
      check_vmap(*graph, ops(), examples, batched);
    }
  }
}

/// Per-example gradients.
TEST_P(Generated, VmapOfDerivativesEqualsLoop) {
  if (!is_differentiable(op()) || op().name == "while") GTEST_SKIP() << "has no reverse mode";
  for (const SampleCase& sample : sample_cases(op())) {
    SCOPED_TRACE(sample.name() + ": " + sample.sample->inputs);
    auto graph = sample_graph_f64(sample, ops());
    if (!graph || !is_smooth(*graph)) continue;
    auto derivative = vjp(*graph, ops());
    Examples examples;
    for (size_t k = 0; k < examples.size(); ++k) {
      examples[k] = sample_inputs_as(sample, *graph, k);
      for (size_t i = examples[k].size(); i < derivative->inputs().size(); ++i) {
        const Type& type = derivative->type(derivative->inputs()[i]);
        examples[k].push_back(
            random_literal(type.dtype, type.shape.constants(), -1, 1, 10 * i + k));
      }
    }
    check_vmap(*derivative, ops(), examples, std::vector<bool>(examples[0].size(), true));
  }
}

}  // namespace
}  // namespace tenon
