#include "tenon/graph/build.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/graph/broadcast.h"

namespace tenon {

const Type& Value::type() const {
  check(build_ != nullptr, "a value is used after being tested for validity");
  return build_->graph().type(id_);
}

Value Build::input(std::string name, Type type) {
  return {this, graph_.add_input(std::move(name), std::move(type))};
}

std::vector<Value> Build::values(std::span<const ValueId> ids) {
  std::vector<Value> result;
  result.reserve(ids.size());
  for (ValueId id : ids) result.emplace_back(this, id);
  return result;
}

Shape broadcast_shapes(const Shape& a, const Shape& b) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape result = longer;
  size_t offset = longer.rank() - shorter.rank();
  for (size_t i = 0; i < shorter.rank(); ++i) {
    Dim& dim = result[offset + i];
    if (dim == shorter[i] || shorter[i].is(1)) continue;
    if (!dim.is(1)) {
      fail(ErrorCode::shape_mismatch, "shapes {} and {} do not broadcast: axis {} is {} and {}",
           a.to_string(), b.to_string(), offset + i, dim.to_string(), shorter[i].to_string());
    }
    dim = shorter[i];
  }
  return result;
}

BroadcastAxes broadcast_axes(const Shape& from, const Shape& to) {
  const size_t offset = to.rank() - from.rank();
  BroadcastAxes axes;
  for (size_t i = 0; i < from.rank(); ++i) {
    if (from[i].is(1) && !to[offset + i].is(1)) continue;
    axes.dims.push_back(static_cast<int64_t>(offset + i));
    axes.kept.push_back(from[i]);
  }
  return axes;
}

Value broadcast_to(const Value& x, const Shape& shape) {
  if (x.shape().always_equals(shape)) return x;
  if (broadcast_shapes(x.shape(), shape) != shape) {
    fail(ErrorCode::shape_mismatch, "{} cannot be broadcast to {}", x.type().to_string(),
         shape.to_string());
  }
  auto [kept, dims] = broadcast_axes(x.shape(), shape);
  Build& build = x.build();
  Value source = kept == x.shape() ? x : build.call("reshape", {x}, {{"shape", kept}});
  return build.call("broadcast", {source}, {{"shape", shape}, {"dims", dims}});
}

std::vector<Value> Build::call_multi(const OpDef& op, std::span<const Value> inputs,
                                     Attributes attributes) {
  SmallVector<Value, 4> arguments(inputs.begin(), inputs.end());
  if (op.is_elementwise && arguments.size() > 1) {
    bool same = std::all_of(arguments.begin(), arguments.end(),
                            [&](const Value& v) { return v.shape() == arguments[0].shape(); });
    if (!same) {
      Shape shape = arguments[0].shape();
      try {
        for (const Value& argument : arguments) shape = broadcast_shapes(shape, argument.shape());
      } catch (const Error& error) {
        Error named(error.code(), op.name + ": " + error.message());
        for (const Value& v : arguments)
          named.note("{:<20} {}", v.type().to_string(), graph_.describe(v.id()));
        throw named;
      }
      for (Value& argument : arguments) argument = broadcast_to(argument, shape);
    }
  }
  SmallVector<Type, 4> types;
  ValueIds ids;
  types.reserve(arguments.size());
  ids.reserve(arguments.size());
  for (const Value& argument : arguments) {
    check(argument && &argument.build().graph() == &graph_,
          "the inputs of a call belong to its graph");
    types.push_back(argument.type());
    ids.push_back(argument.id());
  }
  auto describe = [&](size_t i) { return graph_.describe(ids[i]); };
  std::vector<Type> outputs = check_call(op, types, attributes, describe);
  NodeId node =
      graph_.add_node(&op, std::move(attributes), std::move(ids), std::move(outputs), label_);
  return values(graph_.node(node).outputs);
}

Value Build::call(std::string_view op, std::span<const Value> inputs, Attributes attributes) {
  std::vector<Value> outputs = call_multi(ops_.get(op), inputs, std::move(attributes));
  check(outputs.size() == 1, "call() is for ops with one result");
  return outputs[0];
}

Value Build::call(std::string_view op, std::initializer_list<Value> inputs, Attributes attributes) {
  return call(op, std::span<const Value>(inputs.begin(), inputs.size()), std::move(attributes));
}

Value Build::constant(LiteralRef literal) {
  return call("constant", std::span<const Value>(), {{"value", std::move(literal)}});
}

Value Build::constant(Literal literal) {
  return constant(std::make_shared<const Literal>(std::move(literal)));
}

Value Build::full(const Type& type, double value) {
  Value scalar = constant(Literal::scalar(type.dtype, value));
  if (type.rank() == 0) return scalar;
  return call("broadcast", {scalar}, {{"shape", type.shape}, {"dims", Integers{}}});
}

std::vector<Value> Build::copy_node(const Node& node, std::span<const Value> inputs) {
  std::string outer = std::exchange(label_, node.label);
  std::vector<Value> outputs = call_multi(*node.op, inputs, node.attributes);
  label_ = std::move(outer);
  return outputs;
}

std::vector<Value> Build::inline_graph(const Graph& body, std::span<const Value> arguments) {
  if (arguments.size() != body.inputs().size()) {
    fail(ErrorCode::invalid_argument, "graph '{}' takes {} inputs, not {}", body.name(),
         body.inputs().size(), arguments.size());
  }
  std::vector<Value> mapped(body.value_count());
  for (size_t i = 0; i < arguments.size(); ++i) mapped[body.inputs()[i].index] = arguments[i];
  std::vector<Value> inputs;
  for (const Node& node : body.nodes()) {
    inputs.clear();
    for (ValueId input : node.inputs) inputs.push_back(mapped[input.index]);
    std::vector<Value> outputs = copy_node(node, inputs);
    for (size_t i = 0; i < outputs.size(); ++i) mapped[node.outputs[i].index] = outputs[i];
  }
  std::vector<Value> results;
  for (ValueId output : body.outputs()) results.push_back(mapped[output.index]);
  return results;
}

}  // namespace tenon
