// Builds graphs: typed calls of ops by name, with labels, broadcasting and readable errors.
//
//   given: OpRegistry ops;
//   Graph g("f");
//   Build b(g, ops);
//   Value x = b.input("x", Type::parse("f32[batch,4]"));
//   Value y = b.call("tanh", {x}) * 2.0 + 1.0;
//   g.set_outputs({y.id()});
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/graph/op.h"

namespace tenon {

/// A value of the graph under construction; cheap to copy. A default-constructed one is invalid:
/// "zero" or "absent" in derivative rules. Functions on values are in ops/value_functions.h.
class Value {
 public:
  Value() = default;
  Value(Build* build, ValueId id) : build_(build), id_(id) {}

  explicit operator bool() const { return build_ != nullptr; }
  ValueId id() const { return id_; }
  Build& build() const { return *build_; }
  const Type& type() const;
  const Shape& shape() const { return type().shape; }
  DType dtype() const { return type().dtype; }
  size_t rank() const { return type().rank(); }
  const Dim& dim(size_t axis) const { return type().shape[axis]; }

 private:
  Build* build_ = nullptr;
  ValueId id_;
};

class Build {
 public:
  Build(Graph& graph, const OpRegistry& ops) : graph_(graph), ops_(ops) {}
  Build(const Build&) = delete;
  Build& operator=(const Build&) = delete;

  Graph& graph() { return graph_; }
  const OpRegistry& ops() const { return ops_; }

  Value input(std::string name, Type type);
  Value value(ValueId id) { return {this, id}; }
  std::vector<Value> values(std::span<const ValueId> ids);

  /// Calls an op with one output. Elementwise inputs of different shapes are broadcast as in NumPy.
  Value call(std::string_view op, std::initializer_list<Value> inputs, Attributes attributes = {});
  Value call(std::string_view op, std::span<const Value> inputs, Attributes attributes = {});
  std::vector<Value> call_multi(const OpDef& op, std::span<const Value> inputs,
                                Attributes attributes = {});

  Value constant(LiteralRef literal);
  Value constant(Literal literal);
  /// A constant of `type` that has the same value everywhere.
  Value full(const Type& type, double value);
  Value full_like(const Value& like, double value) { return full(like.type(), value); }

  /// Copies the nodes of `body` into this graph, its inputs replaced by `arguments`; returns its
  /// outputs.
  std::vector<Value> inline_graph(const Graph& body, std::span<const Value> arguments);
  /// Copies one node of another graph with new inputs, unchanged otherwise.
  std::vector<Value> copy_node(const Node& node, std::span<const Value> inputs);

  /// The label of nodes added from now on.
  const std::string& label() const { return label_; }
  void set_label(std::string label) { label_ = std::move(label); }

 private:
  Graph& graph_;
  const OpRegistry& ops_;
  std::string label_;
};

/// The shape that `a` and `b` broadcast to as in NumPy, or an error that shows both.
Shape broadcast_shapes(const Shape& a, const Shape& b);

/// Broadcasts to `shape` as in NumPy: missing leading axes are added, axes of size 1 repeated.
Value broadcast_to(const Value& x, const Shape& shape);

}  // namespace tenon
