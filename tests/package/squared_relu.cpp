#include "squared_relu.h"

#include <tenon/extension.h>

#include <algorithm>
#include <stdexcept>

namespace squared {

using namespace tenon;

std::atomic<int> kernel_runs = 0;
std::atomic<size_t> steps_of_last_program = 0;

namespace {

void state(OpFamily& ops) {
  ops.add(composite("squared_relu")
              .doc("max(x, 0)^2.")
              .input("x", kFloating)
              .infer([](InferContext& c) { return std::vector<Type>{c.input(0)}; })
              .decompose([](RuleContext& c) {
                Value x = c.inputs[0];
                Value positive = c.build.call("relu", {x});
                return std::vector<Value>{positive * positive};
              })
              .samples({"f32[3,5]", "f32[n]", "f64[7]"}));
  ops.add(primitive("joined")
              .doc("All elements of x in one axis.")
              .input("x")
              .infer([](InferContext& c) {
                return std::vector<Type>{
                    {c.input(0).dtype, Shape{c.input(0).shape.element_count()}}};
              })
              .view()
              .linear({0},
                      [](TransposeContext& c) { return reshape(c.cotangent, c.inputs[0].shape()); })
              .batch([](BatchContext& c) {
                return std::vector<Value>{reshape(c.inputs[0], Shape{c.size, -1})};
              })
              .samples({"f32[3,4]", "f64[2,n]"}));
  ops.add(elementwise("plus_times", 2)
              .doc("a + factor * b.")
              .dtypes(kFloating)
              .attribute("factor", AttributeKind::real, 1.0, "of b")
              .scalar([](std::span<const double> x, const Attributes& attributes) {
                return x[0] + attributes.real("factor") * x[1];
              })
              .derivative(PartialsRule([](RuleContext& c) {
                Value one = c.build.full_like(c.inputs[0], 1.0);
                return std::vector<Value>{one, one * c.attributes.real("factor")};
              }))
              .expand([](ExprPool& pool, std::span<const Expr> x, const Attributes& attributes) {
                return x[0] + x[1] * pool.constant(x[1].dtype(), attributes.real("factor"));
              })
              .samples({"f32[3,5], f32[3,5]", "f64[n], f64[n]"}));
  ops.add(primitive("rows_at")
              .doc("Rows of x [n, m] by their numbers.")
              .input("x", kFloating)
              .input("numbers", kIndex)
              .infer([](InferContext& c) {
                return std::vector<Type>{
                    {c.input(0).dtype, Shape{c.input(1).dim(0), c.input(0).dim(1)}}};
              })
              .indexes({.input = 1, .axis = 0})
              .reference([](ReferenceCall& call) {
                const int64_t width = call.input(0).shape()[1];
                for (int64_t i = 0; i < call.output(0).size(); ++i) {
                  const int64_t row = call.input(1).get_int(i / width);
                  call.output(0).copy_element(i, call.input(0), row * width + i % width);
                }
              })
              .non_differentiable("the example stops here")
              .batch_by_loop()
              .element([](ElementContext& c) {
                const Expr row = cast(c.input(1, std::vector{c.index()[0]}), DType::i64);
                const Expr inside = (row >= 0.0) & (row < c.dim(c.input_type(0).dim(0)));
                const Expr x = c.input(0, std::vector{row, c.index()[1]});
                return guard(inside, x, c.pool().constant(x.dtype(), 0));
              })
              .samples({{"f32[4,3], i32[5]", {}, {{-2, 2}, {0, 4}}}}));
  ops.add(composite("wrongly_stated")
              .doc("A sum that claims to have the type of its operand.")
              .input("x", kFloating)
              .infer([](InferContext& c) { return std::vector<Type>{c.input(0)}; })
              .decompose([](RuleContext& c) {
                return std::vector<Value>{
                    c.build.call("reduce_sum", {c.inputs[0]}, {{"axes", Integers{0}}})};
              })
              .samples({"f32[3]"}));
}

constexpr int64_t kLargest = 1000;
constexpr int64_t kUnlucky = 13;

class SquaredRelu : public OpKernel {
 public:
  explicit SquaredRelu(int64_t size) : size_(size) {}

  void run(void* const* inputs, void* const* outputs, void*) const override {
    const auto* x = static_cast<const float*>(inputs[0]);
    auto* y = static_cast<float*>(outputs[0]);
    for (int64_t i = 0; i < size_; ++i) {
      const float positive = std::max(x[i], 0.0f);
      y[i] = positive * positive;
    }
    ++kernel_runs;
  }
  std::string description() const override { return "squared relu in one go"; }

 private:
  int64_t size_;
};

KernelEntry kernel() {
  KernelEntry entry;
  entry.op = "squared_relu";
  entry.name = "squared relu in one go";
  entry.claims = [](const Graph& graph, const Node& node) {
    return graph.type(node.inputs[0]).dtype == DType::f32;
  };
  entry.make = [](const KernelRequest& request, std::string& why_not) -> std::unique_ptr<OpKernel> {
    if (request.inputs[0].dtype != DType::f32) {
      why_not = "only f32";
      return nullptr;
    }
    if (request.inputs[0].size() > kLargest) {
      why_not = "too large";
      return nullptr;
    }
    if (request.inputs[0].size() == kUnlucky) throw std::runtime_error("the device is gone");
    return std::make_unique<SquaredRelu>(request.inputs[0].size());
  };
  return entry;
}

/// relu(x) * relu(x) becomes squared_relu(x).
std::unique_ptr<Graph> find_squares(const Graph& graph, const PassContext& context) {
  const OpDef& relu = context.ops.get("relu");  // throws where there is no such op
  Rewriter rewrite(graph, context.ops);
  bool found = false;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    const Node* operand = node.op->is(CoreOp::multiply) && node.inputs[0] == node.inputs[1]
                              ? graph.producer(node.inputs[0])
                              : nullptr;
    if (operand && operand->op == &relu) {
      rewrite.build().set_label(node.label);
      rewrite.replace(id, {rewrite.build().call("squared_relu", {rewrite[operand->inputs[0]]})});
      found = true;
    } else {
      rewrite.keep(id);
    }
  }
  return found ? rewrite.finish() : nullptr;
}

/// Changes nothing: what is left after fusion is what runs.
std::unique_ptr<Graph> count_steps(const Graph& graph, const PassContext&) {
  steps_of_last_program = graph.node_count();
  return nullptr;
}

}  // namespace

void load() {
  tenon::load({.name = "squared",
               .ops = state,
               .kernels = {kernel()},
               .passes = {{{"find-squares", find_squares}, "inline"},
                          {{"count-steps", count_steps}, "fuse"}}});
}

Tensor squared_relu(const Tensor& x) { return apply("squared_relu", {x}); }
Tensor joined(const Tensor& x) { return apply("joined", {x}); }
Tensor plus_times(const Tensor& a, const Tensor& b, double factor) {
  return apply("plus_times", {a, b}, {{"factor", factor}});
}
Tensor rows_at(const Tensor& x, const Tensor& numbers) { return apply("rows_at", {x, numbers}); }
Tensor wrongly_stated(const Tensor& x) { return apply("wrongly_stated", {x}); }

}  // namespace squared
