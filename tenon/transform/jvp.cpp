#include "tenon/transform/jvp.h"

#include "tenon/base/error.h"
#include "tenon/graph/build.h"
#include "tenon/ops/opening.h"
#include "tenon/ops/value_functions.h"
#include "tenon/transform/arguments.h"
#include "tenon/transform/forward.h"
#include "tenon/transform/rewrite.h"
#include "tenon/transform/subgraph.h"
#include "tenon/transform/values.h"

namespace tenon {

namespace detail {

namespace {

/// Emits one graph node by node, with tangents where there are some.
class ForwardWalk {
 public:
  ForwardWalk(Build& build, const Graph& f, std::span<const Value> inputs,
              std::span<const Value> tangents)
      : build_(build), f_(f), values_(f.value_count()), tangents_(f.value_count()) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      values_[f.inputs()[i].index] = inputs[i].id();
      tangents_[f.inputs()[i].index] = tangents[i];
    }
    for (const Node& node : f.nodes()) emit(node);
  }

  Tangents results() const {
    Tangents results;
    for (ValueId output : f_.outputs()) {
      results.outputs.push_back(build_.value(values_[output.index]));
      results.tangents.push_back(tangents_[output.index]);
    }
    return results;
  }

 private:
  void emit(const Node& node) {
    std::vector<Value> tangents;
    bool any = false;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      bool passes = passes_derivative(*node.op, i);
      tangents.push_back(passes ? tangents_[node.inputs[i].index] : Value());
      any = any || tangents.back();
    }
    if (!any) return copy_node(build_.graph(), f_, node, values_);

    const OpDef& op = *node.op;
    if (op.derivative_class == DerivativeClass::region) {
      std::vector<Value> inputs = values_of(node.inputs);
      LabelScope label(build_, node.label);
      return set(node, jvp_region({build_, f_, node, inputs, tangents}));
    }
    if (op.derivative_class == DerivativeClass::decompose && !op.jvp) return open(node, tangents);

    copy_node(build_.graph(), f_, node, values_);
    LabelScope label(build_, derivative_label(node.label));
    std::vector<Value> of_outputs = push(node, tangents);
    for (size_t i = 0; i < of_outputs.size(); ++i) {
      check_tangent(node, i, of_outputs[i]);
      tangents_[node.outputs[i].index] = of_outputs[i];
    }
  }

  /// A composite without a rule: its decomposition takes its place.
  void open(const Node& node, std::span<const Value> tangents) {
    const Opening opening(*node.op);
    std::vector<Type> types;
    for (ValueId input : node.inputs) types.push_back(f_.type(input));
    auto body = decomposition_graph(node, types, build_.ops());
    std::vector<Value> inputs = values_of(node.inputs);
    set(node, jvp_inline(build_, *body, inputs, tangents));
  }

  std::vector<Value> push(const Node& node, std::span<const Value> tangents) {
    std::vector<Value> inputs = values_of(node.inputs);
    std::vector<Value> outputs = values_of(node.outputs);
    if (node.op->jvp) {
      JvpContext context{{build_, node.attributes, inputs, outputs}, tangents};
      return node.op->jvp(context);
    }
    if (node.op->derivative_class == DerivativeClass::elementwise) {
      RuleContext context{build_, node.attributes, inputs, outputs};
      std::vector<Value> partials = node.op->partials(context);
      Value sum;
      for (size_t i = 0; i < partials.size(); ++i) {
        sum = add_derivatives(sum, scaled(tangents[i], partials[i]));
      }
      return {rounded(sum, outputs[0].dtype())};
    }
    if (node.op->derivative_class == DerivativeClass::linear) {
      Value sum;
      for (size_t operand : node.op->linear_operands) {
        if (operand >= inputs.size() || !tangents[operand]) continue;
        std::vector<Value> changed = inputs;
        changed[operand] = tangents[operand];
        sum = add_derivatives(sum, build_.call_multi(*node.op, changed, node.attributes)[0]);
      }
      return {rounded(sum, outputs[0].dtype())};
    }
    if (node.op->derivative_class == DerivativeClass::refused) fail_refused("jvp", f_, node);
    fail(ErrorCode::internal, "jvp: there is no forward-mode rule for {}", describe_call(f_, node));
  }

  void set(const Node& node, const Tangents& results) {
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      values_[node.outputs[i].index] = results.outputs[i].id();
      if (results.tangents[i]) check_tangent(node, i, results.tangents[i]);
      tangents_[node.outputs[i].index] = results.tangents[i];
    }
  }

  std::vector<Value> values_of(const std::vector<ValueId>& ids) const {
    std::vector<Value> values;
    values.reserve(ids.size());
    for (ValueId id : ids) values.push_back(build_.value(values_[id.index]));
    return values;
  }

  void check_tangent(const Node& node, size_t output, const Value& tangent) const {
    if (!tangent) return;
    const Type& expected = f_.type(node.outputs[output]);
    if (tangent.type() == expected) return;
    fail(ErrorCode::internal, "jvp: the tangent of output {} of {} is {}", output,
         describe_call(f_, node), tangent.type().to_string());
  }

  Build& build_;
  const Graph& f_;
  std::vector<ValueId> values_;  // per value of f
  std::vector<Value> tangents_;
};

}  // namespace

Tangents jvp_inline(Build& build, const Graph& f, std::span<const Value> inputs,
                    std::span<const Value> tangents) {
  return ForwardWalk(build, f, inputs, tangents).results();
}

namespace {

std::unique_ptr<Graph> build_jvp(const Graph& f, const OpRegistry& ops, std::string name,
                                 const std::vector<size_t>& wrt,
                                 const std::vector<size_t>& outputs) {
  Graph g(std::move(name));
  copy_symbol_bounds(g, f);
  Build build(g, ops);
  std::vector<Value> inputs;
  std::vector<Value> tangents(f.inputs().size());
  for (size_t i = 0; i < f.inputs().size(); ++i) {
    inputs.push_back(build.input(f.input_names()[i], f.type(f.inputs()[i])));
  }
  for (size_t i : wrt) {
    tangents[i] =
        build.input(unused_input_name(g, f.input_names()[i] + "'"), f.type(f.inputs()[i]));
  }
  Tangents results = jvp_inline(build, f, inputs, tangents);
  std::vector<ValueId> ids;
  std::vector<std::string> names;
  for (size_t i = 0; i < f.outputs().size(); ++i) {
    ids.push_back(results.outputs[i].id());
    names.push_back(output_name(f, i));
  }
  for (size_t i : outputs) {
    ids.push_back(or_zeros(build, results.tangents[i], f.type(f.outputs()[i])).id());
    names.push_back(output_name(f, i) + "'");
  }
  g.set_outputs(std::move(ids));
  g.set_output_names(std::move(names));
  return prune(std::move(g));
}

std::vector<size_t> indices_of(const Flags& flags) {
  std::vector<size_t> indices;
  for (size_t i = 0; i < flags.size(); ++i) {
    if (flags[i]) indices.push_back(i);
  }
  return indices;
}

}  // namespace

std::unique_ptr<Graph> jvp_region_graph(const Graph& f, const OpRegistry& ops, const Flags& inputs,
                                        const Flags& outputs) {
  return build_jvp(f, ops, f.name() + "_jvp", indices_of(inputs), indices_of(outputs));
}

}  // namespace detail

std::unique_ptr<Graph> jvp(const Graph& f, const OpRegistry& ops, const JvpOptions& options) {
  std::vector<size_t> wrt = detail::differentiated_inputs(f, options.wrt, "jvp");
  std::vector<size_t> outputs = detail::differentiated_outputs(f, options.outputs, "jvp");
  return detail::build_jvp(f, ops, f.name() + "_jvp", wrt, outputs);
}

}  // namespace tenon
