// Elementwise ops where formulas break: infinities, zeros, ties, the largest and smallest numbers
// of each dtype, and where exponentials leave its range. Values and derivatives are held to exact
// ones (tests/reference/make_special_values.py), in the reference, in compiled code, and in the
// expansion that it is made of.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "element_evaluate.h"
#include "samples.h"
#include "tenon/compile/codegen/codegen.h"
#include "tenon/graph/build.h"
#include "tenon/interpret/interpret.h"
#include "tenon/transform/jvp.h"
#include "tenon/transform/vjp.h"
#include "tests/run.h"
#include "tests/special_values.h"

namespace tenon {
namespace {

struct Point {
  std::vector<double> inputs;
  std::vector<MaybeNumber> wanted;  // the value, then the derivative by each input
};
using Points = std::vector<Point>;

Points points_of(const std::string& op) {
  static const auto all = [] {
    std::map<std::string, Points> blocks;
    std::string word, name;
    size_t arity = 0;
    for (const std::string& line : special_lines("elementwise")) {
      if (line.rfind("op ", 0) == 0) {
        std::istringstream(line) >> word >> name >> arity;
        continue;
      }
      std::vector<MaybeNumber> numbers = parse_numbers(line);
      Point point;
      for (size_t i = 0; i < arity; ++i) point.inputs.push_back(numbers.at(i).value());
      point.wanted.assign(numbers.begin() + static_cast<std::ptrdiff_t>(arity), numbers.end());
      blocks[name].push_back(std::move(point));
    }
    return blocks;
  }();
  auto found = all.find(op);
  return found == all.end() ? Points() : found->second;
}

/// What an op is allowed: so many spacings of the wanted number, and of 1 beside it where its
/// formula or that of its derivative subtracts numbers near 1, as those of PyTorch do.
struct Allowance {
  double spacings = 8;
  double of_one = 0;
};

Allowance allowance_of(const std::string& op, DType dtype) {
  static const std::set<std::string> near_one = {"expm1",       "tanh",
                                                 "logistic",    "atan",
                                                 "asinh",       "elu",
                                                 "selu",        "softplus",
                                                 "silu",        "mish",
                                                 "log_sigmoid", "hard_swish",
                                                 "atan2",       "binary_cross_entropy_with_logits"};
  // math_expand.h states how far off f64 is where y log x is large.
  if (op == "power" && dtype == DType::f64) return {.spacings = 400};
  // The derivative is exp(y^2), which makes much of the last digit of y.
  if (op == "erf_inv") return {.spacings = 100};
  // Far out in the tails: the exponent of an exponential function in its last digit.
  if (op == "gelu" || op == "gelu_tanh" || op == "normal_cdf")
    return {.spacings = dtype == DType::f64 || dtype == DType::f32 ? 1000.0 : 8.0};
  return {.of_one = near_one.contains(op) ? 8.0 : 0.0};
}

class SpecialValues : public testing::TestWithParam<const OpDef*> {
 protected:
  const OpDef& op() const { return *GetParam(); }

  void check(const char* by, DType dtype, const Points& points, size_t output, const Literal& got) {
    const Allowance allowance = allowance_of(op().name, dtype);
    for (size_t i = 0; i < points.size(); ++i) {
      const MaybeNumber& exact = points[i].wanted[output];
      if (!exact) continue;
      const bool real = is_floating(got.dtype());
      const double wanted = real ? rounded_to(dtype, *exact) : *exact;
      const double value = got.to_double(static_cast<int64_t>(i));
      const double allowed =
          allowance.spacings * spacing(dtype, wanted) + allowance.of_one * spacing(dtype, 1);
      if (is_within(value, wanted, allowed)) continue;
      const std::string what =
          output == 0 ? "value" : fmt::format("derivative by input {}", output - 1);
      ADD_FAILURE() << fmt::format("{}: {} of {}({}) in {} is {}, not {}", by, what, op().name,
                                   fmt::join(points[i].inputs, ", "), name_of(dtype), value,
                                   wanted);
    }
  }
};

/// The value, the derivatives in reverse mode, then those in forward mode.
Graph graph_of(const OpDef& op, DType dtype, const Dim& count) {
  Graph call("call");
  {
    Build build(call, core_ops());
    std::vector<Value> inputs;
    for (size_t i = 0; i < op.inputs.size(); ++i)
      inputs.push_back(build.input("x" + std::to_string(i), {dtype, {count}}));
    call.set_outputs({build.call(op.name, inputs).id()});
  }
  Graph graph("special");
  Build build(graph, core_ops());
  std::vector<Value> inputs;
  for (size_t i = 0; i < op.inputs.size(); ++i)
    inputs.push_back(build.input("x" + std::to_string(i), {dtype, {count}}));
  Value one = build.input("one", {dtype, {count}});
  std::vector<ValueId> outputs = {build.inline_graph(call, inputs)[0].id()};
  if (is_differentiable(op)) {
    std::vector<Value> with_one = inputs;
    with_one.push_back(one);
    std::vector<Value> pulled = build.inline_graph(*vjp(call, core_ops()), with_one);
    for (size_t i = 1; i < pulled.size(); ++i) outputs.push_back(pulled[i].id());
    for (size_t i = 0; i < inputs.size(); ++i) {
      auto pushed = jvp(call, core_ops(), {.wrt = {{i}}, .outputs = {}});
      outputs.push_back(build.inline_graph(*pushed, with_one)[1].id());
    }
  }
  graph.set_outputs(std::move(outputs));
  return graph;
}

/// What the op's expansion gives as bytecode, which runs where there is no LLVM.
Literal run_as_bytecode(const OpDef& op, std::vector<Literal> inputs, const Type& result) {
  const DType dtype = compute_type(inputs[0].dtype());
  Kernel kernel(op.name);
  ExprPool& pool = kernel.pool();
  const Expr n = pool.symbol("n"), i = pool.loop_index("i", n);
  std::vector<Expr> arguments;
  std::vector<void*> buffers;
  for (Literal& input : inputs) {
    const uint32_t buffer = kernel.add_buffer({.name = "x", .dtype = input.dtype(), .size = n});
    arguments.push_back(cast(kernel.load(buffer, i), dtype));
    buffers.push_back(input.data());
  }
  Literal output(result.dtype, inputs[0].shape());
  const uint32_t y = kernel.add_buffer(
      {.name = "y", .dtype = result.dtype, .size = n, .role = BufferRole::output});
  buffers.push_back(output.data());
  const Expr value = cast(op.expand(pool, arguments, {}), result.dtype);
  kernel.body = {parallel_loop(i, LoopKind::vector, {store(y, i, value)})};
  CodeGeneratorOptions options;
  options.backend = CodeGeneratorOptions::Backend::bytecode;
  options.cache_directory.clear();
  const int64_t count = output.size();
  make_code_generator(options)->compile(std::span(&kernel, 1))[0]->run(buffers.data(), &count, 0,
                                                                       count);
  return output;
}

TEST_P(SpecialValues, AreExact) {
  const Points all = points_of(op().name);
  for (DType dtype : {DType::f64, DType::f32, DType::bf16, DType::f16}) {
    Points points;
    for (const Point& point : all) {
      bool exact = true;
      for (double x : point.inputs) exact = exact && is_exact(dtype, x);
      if (exact) points.push_back(point);
    }
    const auto count = static_cast<int64_t>(points.size());
    std::vector<Literal> inputs(op().inputs.size() + 1, Literal(dtype, {count}));
    for (int64_t i = 0; i < count; ++i) {
      for (size_t k = 0; k < op().inputs.size(); ++k)
        inputs[k].set_double(i, points[static_cast<size_t>(i)].inputs[k]);
      inputs.back().set_double(i, 1);
    }
    Graph graph = graph_of(op(), dtype, count);
    const size_t arity = op().inputs.size();
    auto check_all = [&](const std::string& by, const std::vector<Literal>& outputs) {
      check(by.c_str(), dtype, points, 0, outputs[0]);
      for (size_t k = 1; k < outputs.size(); ++k) {
        std::string mode = k <= arity ? by + ", reverse mode" : by + ", forward mode";
        check(mode.c_str(), dtype, points, 1 + (k - 1) % arity, outputs[k]);
      }
    };
    check_all("reference", interpret(graph, inputs));
    check_all("compiled", run(*compile(graph, core_ops()), inputs, 1));
    if (!op().expand) continue;
    std::vector<Literal> given(inputs.begin(), inputs.end() - 1);
    Attributes attributes;
    if (auto folded = evaluate_element(op(), attributes, given, graph.output_types()[0]))
      check("expansion", dtype, points, 0, *folded);
    check("bytecode", dtype, points, 0, run_as_bytecode(op(), given, graph.output_types()[0]));
  }
}

bool takes_reals(const OpDef& op) {
  for (const InputSchema& input : op.inputs) {
    for (DType dtype : {DType::f64, DType::f32}) {
      if (input.dtypes.contains(dtype)) return true;
    }
  }
  return false;
}

std::vector<const OpDef*> elementwise_ops() {
  std::vector<const OpDef*> ops;
  for (const auto& op : core_ops().all()) {
    if (!points_of(op->name).empty()) ops.push_back(op.get());
  }
  return ops;
}

INSTANTIATE_TEST_SUITE_P(Ops, SpecialValues, testing::ValuesIn(elementwise_ops()),
                         [](const auto& param) { return param.param->name; });

TEST(SpecialValues, CoverEveryElementwiseOp) {
  const std::map<std::string, std::string> elsewhere = {
      {"select", "chooses, and computes nothing"},
      {"clamp", "three inputs: Elementwise.TiesShareTheDerivative"},
      {"stop_gradient", "gives what it gets"},
      {"bitcast", "gives the bits that it gets"},
      {"cast", "moves numbers between dtypes: elementwise_test.cpp"},
  };
  for (const auto& op : core_ops().all()) {
    if (!op->is_elementwise || !takes_reals(*op) || elsewhere.contains(op->name)) continue;
    EXPECT_FALSE(points_of(op->name).empty())
        << op->name << " has no values where formulas break: state it in "
        << "tests/reference/make_special_values.py and run that";
  }
}

}  // namespace
}  // namespace tenon
