#include "tenon/interpret/interpret.h"

#include "tenon/base/error.h"
#include "tenon/graph/bind.h"
#include "tenon/graph/build.h"
#include "tenon/ops/opening.h"

namespace tenon {

namespace {

class Interpreter {
 public:
  Interpreter(const Graph& graph, const OpRegistry& ops, const SymbolValues& symbols)
      : graph_(graph), ops_(ops), symbols_(symbols), values_(graph.value_count()) {}

  std::vector<RefArray> run(std::vector<RefArray> inputs) {
    for (size_t i = 0; i < inputs.size(); ++i)
      values_[graph_.inputs()[i].index] = std::move(inputs[i]);
    for (const Node& node : graph_.nodes()) {
      std::vector<RefArray> outputs = run_labelled(node);
      for (size_t i = 0; i < outputs.size(); ++i)
        values_[node.outputs[i].index] = std::move(outputs[i]);
    }
    std::vector<RefArray> results;
    for (ValueId output : graph_.outputs()) results.push_back(values_[output.index]);
    return results;
  }

 private:
  std::vector<RefArray> run_labelled(const Node& node) {
    try {
      return run_node(node);
    } catch (Error& error) {
      if (!node.label.empty()) error.note("in {}", node.label);
      throw;
    }
  }

  std::vector<RefArray> run_node(const Node& node) {
    if (!symbols_.empty()) check_sizes(graph_, node, symbols_);
    std::vector<RefArray> inputs;
    for (ValueId input : node.inputs) inputs.push_back(values_[input.index]);
    Attributes attributes = evaluate_attributes(node.attributes, symbols_);
    if (!node.op->reference) return run_composite(*node.op, attributes, std::move(inputs));

    std::vector<RefArray> outputs;
    for (ValueId output : node.outputs) {
      const Type& type = graph_.type(output);
      outputs.emplace_back(type.dtype, type.shape.evaluate(symbols_));
    }
    auto evaluate = [this](const Graph& region, std::vector<RefArray> arguments) {
      return interpret(region, std::move(arguments), ops_, symbols_);
    };
    ReferenceCall call(attributes, std::move(inputs), std::move(outputs), evaluate);
    node.op->reference(call);
    return call.take_outputs();
  }

  std::vector<RefArray> run_composite(const OpDef& op, const Attributes& attributes,
                                      std::vector<RefArray> inputs) {
    const Opening opening(op);
    Graph body(op.name);
    Build build(body, ops_);
    std::vector<Value> parameters;
    for (size_t i = 0; i < inputs.size(); ++i) {
      Type type{inputs[i].dtype(), Shape::of(inputs[i].shape())};
      parameters.push_back(build.input("x" + std::to_string(i), std::move(type)));
    }
    RuleContext context{build, attributes, parameters, {}};
    std::vector<ValueId> outputs;
    for (const Value& value : op.decomposition(context)) outputs.push_back(value.id());
    body.set_outputs(std::move(outputs));
    return interpret(body, std::move(inputs), ops_, symbols_);
  }

  const Graph& graph_;
  const OpRegistry& ops_;
  const SymbolValues& symbols_;
  std::vector<RefArray> values_;
};

}  // namespace

std::vector<RefArray> interpret(const Graph& graph, std::vector<RefArray> inputs,
                                const OpRegistry& ops, const SymbolValues& outer) {
  std::vector<std::vector<int64_t>> shapes;
  for (const RefArray& input : inputs) shapes.push_back(input.shape());
  SymbolValues symbols = bind_symbols(graph, shapes, outer);
  for (size_t i = 0; i < inputs.size(); ++i) {
    DType wanted = graph.type(graph.inputs()[i]).dtype;
    if (inputs[i].dtype() == wanted) continue;
    fail(ErrorCode::type_mismatch, "{}: input '{}' is {}, but got {}", graph.name(),
         graph.input_names()[i], name_of(wanted), name_of(inputs[i].dtype()));
  }
  return Interpreter(graph, ops, symbols).run(std::move(inputs));
}

std::vector<Literal> interpret(const Graph& graph, const std::vector<Literal>& inputs,
                               const OpRegistry& ops) {
  std::vector<RefArray> arrays;
  for (const Literal& input : inputs) arrays.push_back(RefArray::from(input));
  std::vector<Literal> results;
  for (const RefArray& output : interpret(graph, std::move(arrays), ops))
    results.push_back(output.to_literal());
  return results;
}

}  // namespace tenon
