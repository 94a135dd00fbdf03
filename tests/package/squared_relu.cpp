#include "squared_relu.h"

#include <tenon/extension.h>

#include <algorithm>
#include <stdexcept>

namespace squared {

using namespace tenon;

std::atomic<int> kernel_runs = 0;

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
  Rewriter rewrite(graph, context.ops);
  bool found = false;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    const Node* operand = node.op->name == "multiply" && node.inputs[0] == node.inputs[1]
                              ? graph.producer(node.inputs[0])
                              : nullptr;
    if (operand && operand->op->name == "relu") {
      rewrite.build().set_label(node.label);
      rewrite.replace(id, {rewrite.build().call("squared_relu", {rewrite[operand->inputs[0]]})});
      found = true;
    } else {
      rewrite.keep(id);
    }
  }
  return found ? rewrite.finish() : nullptr;
}

}  // namespace

void load() {
  tenon::load({.name = "squared",
               .ops = state,
               .kernels = {kernel()},
               .passes = {{{"find-squares", find_squares}, "inline"}}});
}

Tensor squared_relu(const Tensor& x) { return apply("squared_relu", {x}); }
Tensor wrongly_stated(const Tensor& x) { return apply("wrongly_stated", {x}); }

}  // namespace squared
