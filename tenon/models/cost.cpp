#include "tenon/models/cost.h"

#include "tenon/compile/pass.h"
#include "tenon/ops/control_flow.h"
#include "tenon/ops/convolution.h"
#include "tenon/ops/dot.h"
#include "tenon/ops/registry.h"
#include "tenon/tensor/tracing.h"

namespace tenon::models {

namespace {

/// So that every composite is opened down to dots and convolutions.
class NoKernels : public KernelOracle {
 public:
  bool has_kernel(const Graph&, const Node&) const override { return false; }
};

int64_t size_of(const Dim& dim) { return dim.is_constant() ? dim.constant() : 1; }

int64_t elements(const Type& type) {
  int64_t count = 1;
  for (const Dim& dim : type.shape) count *= size_of(dim);
  return count;
}

int64_t of_node(const Graph& graph, const Node& node) {
  const Control control = control_of(*node.op);
  if (control == Control::scan) {
    const Scan scan = Scan::of(node);
    return size_of(scan.length) * multiply_adds(*scan.body);
  }
  if (control == Control::cond) {
    const Cond cond = Cond::of(node);
    return std::max(multiply_adds(*cond.then), multiply_adds(*cond.otherwise));
  }
  if (control == Control::while_loop) return multiply_adds(*While::of(node).body);
  if (control == Control::custom_vjp) return multiply_adds(*CustomVjp::of(node).primal);
  if (node.op->is(CoreOp::dot)) {
    const Type &lhs = graph.type(node.inputs[0]), &rhs = graph.type(node.inputs[1]);
    int64_t count = elements(graph.type(node.outputs[0]));
    for (int64_t axis : dot_axes(node.attributes, lhs.rank(), rhs.rank()).lhs_contract)
      count *= size_of(lhs.shape[static_cast<size_t>(axis)]);
    return count;
  }
  if (node.op->is(CoreOp::convolution)) {
    // Each result is a sum over the kernel and the channels of its group.
    const Type& filter = graph.type(node.inputs[1]);
    return elements(graph.type(node.outputs[0])) * elements(filter) /
           size_of(filter.shape[filter.rank() - 1]);
  }
  return 0;
}

}  // namespace

int64_t multiply_adds(const Graph& graph) {
  const NoKernels oracle;
  const PassContext context{core_ops(), oracle};
  PassManager passes(context, {});
  const std::unique_ptr<Graph> opened = passes.run(graph, {{"inline", inline_calls},
                                                           {"decompose", decompose_composites},
                                                           {"dead", eliminate_dead_code}});
  int64_t count = 0;
  for (const Node& node : opened->nodes()) count += of_node(*opened, node);
  return count;
}

Cost cost_of(const nn::ModelFunction& model, const nn::Signature& inputs) {
  const nn::Variables variables = nn::declare(model, inputs);
  Cost cost;
  std::vector<Type> types;
  for (const nn::NamedType& input : inputs) types.push_back(input.type);
  auto add = [&](const Tree& tree, int64_t& numbers) {
    for_each_leaf(tree, [&](const std::string&, const Tensor& leaf) {
      types.push_back(leaf.type());
      numbers += elements(leaf.type());
    });
  };
  add(variables.parameters, cost.parameters);
  add(variables.state, cost.state);
  auto f = [&](std::vector<Tensor> arguments) {
    std::span<const Tensor> all(arguments);
    const size_t count = inputs.size(), parameters = variables.parameters.leaf_count();
    nn::Variables traced{with_leaves(variables.parameters, all.subspan(count, parameters)),
                         with_leaves(variables.state, all.subspan(count + parameters))};
    const auto end = arguments.begin() + static_cast<std::ptrdiff_t>(count);
    return leaves_of(nn::apply(model, traced, nn::tree_of(inputs, {arguments.begin(), end})));
  };
  cost.multiply_adds = multiply_adds(*trace(f, types, "cost").graph);
  return cost;
}

}  // namespace tenon::models
