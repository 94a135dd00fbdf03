// A program: a list of typed operations in static single assignment form, in topological order.
//
//   Graph g("square");
//   ValueId x = g.add_input("x", {DType::f32, {4}});
//   Build b(g, ops);                        // see build.h
//   g.set_outputs({(b.value(x) * b.value(x)).id()});
//   print(g);                               // see text.h
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tenon/base/hash.h"
#include "tenon/base/small_vector.h"
#include "tenon/base/stable_vector.h"
#include "tenon/graph/attributes.h"
#include "tenon/graph/condition.h"
#include "tenon/graph/type.h"

namespace tenon {

struct OpDef;

using NodeId = uint32_t;
inline constexpr NodeId kNoNode = UINT32_MAX;

/// An index into the values of one graph: its inputs and the results of its nodes.
struct ValueId {
  uint32_t index = UINT32_MAX;
  bool valid() const { return index != UINT32_MAX; }
  friend auto operator<=>(const ValueId&, const ValueId&) = default;
};

/// The inputs or outputs of a node, which mostly are few.
using ValueIds = SmallVector<ValueId, 4>;

struct Node {
  const OpDef* op = nullptr;
  Attributes attributes;
  ValueIds inputs;
  ValueIds outputs;
  std::string label;  // the user's path, such as "encoder.fc1"; may be empty
};

struct ValueInfo {
  Type type;
  NodeId producer = kNoNode;  // kNoNode for a graph input
  uint32_t output = 0;        // which result of the producer, or which graph input
};

class Graph {
 public:
  Graph() = default;
  explicit Graph(std::string name) : name_(std::move(name)) {}

  const std::string& name() const& { return name_; }
  std::string name() && { return std::move(name_); }
  void set_name(std::string name) { name_ = std::move(name); }

  ValueId add_input(std::string name, Type type);
  /// Appends a node whose inputs are values of this graph. The types are the op's inferred ones:
  /// use Build.
  NodeId add_node(const OpDef* op, Attributes attributes, ValueIds inputs,
                  std::vector<Type> output_types, std::string label);
  /// A copy of a node of another graph, with values of this graph for its inputs.
  NodeId add_copy(const Graph& from, NodeId node, ValueIds inputs);
  /// Makes room for so many nodes in all.
  void reserve_nodes(size_t count) { nodes_.reserve(count); }
  void set_outputs(std::vector<ValueId> outputs) { outputs_ = std::move(outputs); }
  void set_output_names(std::vector<std::string> names) { output_names_ = std::move(names); }

  const std::vector<ValueId>& inputs() const& { return inputs_; }
  std::vector<ValueId> inputs() && { return std::move(inputs_); }
  const std::vector<std::string>& input_names() const& { return input_names_; }
  std::vector<std::string> input_names() && { return std::move(input_names_); }
  const std::vector<ValueId>& outputs() const& { return outputs_; }
  std::vector<ValueId> outputs() && { return std::move(outputs_); }
  /// Empty, or one name per output.
  const std::vector<std::string>& output_names() const& { return output_names_; }
  std::vector<std::string> output_names() && { return std::move(output_names_); }
  size_t node_count() const { return nodes_.size(); }
  size_t value_count() const { return values_.size(); }
  const Node& node(NodeId id) const& { return nodes_[id]; }
  Node node(NodeId id) && { return std::move(nodes_[id]); }
  Node& mutable_node(NodeId id) & { return nodes_[id]; }
  const std::vector<Node>& nodes() const& { return nodes_; }
  std::vector<Node> nodes() && { return std::move(nodes_); }
  const ValueInfo& value(ValueId id) const& { return values_[id.index]; }
  ValueInfo value(ValueId id) && { return std::move(values_[id.index]); }
  const Type& type(ValueId id) const& { return values_[id.index].type; }
  Type type(ValueId id) && { return std::move(values_[id.index].type); }
  bool is_input(ValueId id) const { return values_[id.index].producer == kNoNode; }
  /// The node that computes `id`, or null for a graph input.
  const Node* producer(ValueId id) const&;
  const Node* producer(ValueId id) const&& = delete;
  /// The name of a value in messages: its label, its input name or "%12".
  std::string describe(ValueId id) const;

  std::vector<Type> input_types() const;
  std::vector<Type> output_types() const;

  /// Bounds of symbols, such as batch in [1, 256]; symbols without an entry are unbounded.
  using Bounds = std::map<std::string, SymbolBounds, std::less<>>;
  const Bounds& symbol_bounds() const& { return bounds_; }
  Bounds symbol_bounds() && { return std::move(bounds_); }
  void set_symbol_bounds(std::string symbol, SymbolBounds bounds) {
    bounds_[std::move(symbol)] = bounds;
  }
  /// Conditions on the symbols: the graph is invalid for sizes that violate them. trace() records
  /// them, bind_symbols() checks them.
  const std::vector<DimCondition>& conditions() const& { return conditions_; }
  std::vector<DimCondition> conditions() && { return std::move(conditions_); }
  void add_condition(DimCondition condition) { conditions_.push_back(std::move(condition)); }
  /// Names of all symbols in the input types, sorted.
  std::vector<std::string> symbols() const;

  /// Equal for graphs with the same operations and structure; ignores names and labels.
  Hash128 structural_hash() const;

 private:
  std::string name_ = "main";
  std::vector<Node> nodes_;
  StableVector<ValueInfo> values_;  // types stay where they are while values are added
  std::vector<ValueId> inputs_;
  std::vector<std::string> input_names_;
  std::vector<ValueId> outputs_;
  std::vector<std::string> output_names_;
  Bounds bounds_;
  std::vector<DimCondition> conditions_;
};

}  // namespace tenon
