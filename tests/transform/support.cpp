#include "support.h"

#include <cmath>
#include <random>

#include "tenon/transform/jvp.h"
#include "tenon/transform/vjp.h"
#include "tenon/transform/vmap.h"

namespace tenon::test {

std::unique_ptr<Graph> make_graph(const std::vector<std::string>& types, const Body& body,
                                  std::string name) {
  auto graph = std::make_unique<Graph>(std::move(name));
  Build build(*graph, core_ops());
  Values inputs;
  for (const std::string& type : types) {
    inputs.push_back(build.input("x" + std::to_string(inputs.size()), Type::parse(type)));
  }
  std::vector<ValueId> outputs;
  for (const Value& value : body(build, inputs)) outputs.push_back(value.id());
  graph->set_outputs(std::move(outputs));
  return graph;
}

GraphRef make_region(const std::vector<std::string>& types, const Body& body, std::string name) {
  return make_graph(types, body, std::move(name));
}

Literal reals(std::vector<int64_t> shape, std::vector<double> values) {
  return Literal::of<double>(std::move(shape), values);
}

Literal scalar(double value) { return Literal::scalar(DType::f64, value); }

Literal some_reals(std::vector<int64_t> shape, uint32_t seed) {
  std::mt19937 random(seed);
  Literal result(DType::f64, std::move(shape));
  for (double& value : result.values<double>())
    value = static_cast<double>(random()) / 2147483648.0 - 1.0;
  return result;
}

std::vector<Literal> some_inputs(const Graph& graph, uint32_t seed) {
  std::vector<Literal> inputs;
  for (const Type& type : graph.input_types()) {
    inputs.push_back(some_reals(type.shape.constants(), seed++));
  }
  return inputs;
}

std::vector<Literal> run(const Graph& graph, const std::vector<Literal>& inputs) {
  verify(graph);
  std::string text = to_text(graph);
  EXPECT_EQ(to_text(*parse_graph(text, core_ops())), text);
  return interpret(graph, inputs);
}

std::vector<double> numbers(const Literal& literal) {
  std::vector<double> values;
  for (int64_t i = 0; i < literal.size(); ++i) values.push_back(literal.to_double(i));
  return values;
}

void expect_near(const Literal& actual, const Literal& expected, double tolerance) {
  ASSERT_EQ(actual.type().to_string(), expected.type().to_string());
  for (int64_t i = 0; i < actual.size(); ++i) {
    double want = expected.to_double(i);
    EXPECT_NEAR(actual.to_double(i), want, tolerance * (1 + std::abs(want))) << "element " << i;
  }
}

namespace {

double dot(const std::vector<Literal>& a, const std::vector<Literal>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    for (int64_t k = 0; k < a[i].size(); ++k) sum += a[i].to_double(k) * b[i].to_double(k);
  }
  return sum;
}

std::vector<Literal> moved(const std::vector<Literal>& from, const std::vector<Literal>& direction,
                           double step) {
  std::vector<Literal> result = from;
  for (size_t i = 0; i < from.size(); ++i) {
    for (int64_t k = 0; k < from[i].size(); ++k) {
      result[i].set_double(k, from[i].to_double(k) + step * direction[i].to_double(k));
    }
  }
  return result;
}

std::vector<Literal> joined(std::vector<Literal> a, const std::vector<Literal>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<Literal> tail(const std::vector<Literal>& values, size_t count) {
  return {values.end() - static_cast<std::ptrdiff_t>(count), values.end()};
}

}  // namespace

void expect_derivatives_agree(const Graph& f) { expect_derivatives_agree(f, some_inputs(f)); }

void expect_derivatives_agree(const Graph& f, const std::vector<Literal>& inputs,
                              double tolerance) {
  constexpr double kStep = 1e-5;
  std::vector<Literal> u;
  for (const Literal& input : inputs) {
    u.push_back(some_reals(input.shape(), 100 + static_cast<uint32_t>(u.size())));
  }
  std::vector<Literal> outputs = run(f, inputs);
  std::vector<Literal> v;
  for (const Literal& output : outputs) {
    v.push_back(some_reals(output.shape(), 200 + static_cast<uint32_t>(v.size())));
  }
  double above = dot(v, run(f, moved(inputs, u, kStep)));
  double below = dot(v, run(f, moved(inputs, u, -kStep)));
  double numeric = (above - below) / (2 * kStep);

  std::vector<Literal> forward = run(*jvp(f, core_ops()), joined(inputs, u));
  std::vector<Literal> backward = run(*vjp(f, core_ops()), joined(inputs, v));
  for (size_t i = 0; i < outputs.size(); ++i) {
    expect_near(forward[i], outputs[i]);
    expect_near(backward[i], outputs[i]);
  }
  double scale = 1 + std::abs(numeric);
  double by_jvp = dot(v, tail(forward, outputs.size()));
  double by_vjp = dot(u, tail(backward, inputs.size()));
  EXPECT_NEAR(by_jvp, numeric, tolerance * scale) << "jvp against finite differences";
  EXPECT_NEAR(by_vjp, by_jvp, 1e-10 * scale) << "vjp against jvp";
}

void expect_vmap_is_a_loop(const Graph& f, const std::vector<std::optional<int64_t>>& in_axes,
                           int64_t batch) {
  auto batched = vmap(f, core_ops(), {.in_axes = in_axes, .size = batch});
  std::vector<Literal> inputs = some_inputs(*batched);
  std::vector<Literal> all = run(*batched, inputs);
  for (int64_t example = 0; example < batch; ++example) {
    std::vector<Literal> one = inputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!in_axes[i]) continue;
      ASSERT_EQ(*in_axes[i], 0) << "this check takes the batch from axis 0";
      std::vector<int64_t> shape(inputs[i].shape().begin() + 1, inputs[i].shape().end());
      one[i] = Literal(inputs[i].dtype(), shape);
      int64_t size = one[i].size();
      for (int64_t k = 0; k < size; ++k)
        one[i].set_double(k, inputs[i].to_double(example * size + k));
    }
    std::vector<Literal> expected = run(f, one);
    for (size_t i = 0; i < expected.size(); ++i) {
      int64_t size = expected[i].size();
      ASSERT_EQ(all[i].size(), size * batch);
      for (int64_t k = 0; k < size; ++k) {
        EXPECT_NEAR(all[i].to_double(example * size + k), expected[i].to_double(k), 1e-9)
            << "output " << i << ", example " << example << ", element " << k;
      }
    }
  }
}

size_t count_ops(const Graph& graph, std::string_view op) {
  size_t count = 0;
  for (const Node& node : graph.nodes()) count += node.op->name == op ? 1 : 0;
  return count;
}

}  // namespace tenon::test
