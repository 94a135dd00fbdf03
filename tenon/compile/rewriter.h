// Derives a new graph from an old one, node by node; passes are written with it.
//
//   given: bool is_identity(const Node& node);
//   std::unique_ptr<Graph> without_identities(const Graph& graph, const OpRegistry& ops) {
//     Rewriter rewrite(graph, ops);
//     for (NodeId id = 0; id < graph.node_count(); ++id) {
//       if (is_identity(graph.node(id))) rewrite.replace(id, {rewrite[graph.node(id).inputs[0]]});
//       else rewrite.keep(id);
//     }
//     return rewrite.finish();
//   }
#pragma once

#include <memory>
#include <vector>

#include "tenon/graph/build.h"

namespace tenon {

class Rewriter {
 public:
  /// The new graph starts with the same name, inputs and symbol bounds.
  Rewriter(const Graph& from, const OpRegistry& ops);

  Build& build() { return build_; }
  /// The new value for a value of the old graph.
  Value operator[](ValueId old) const { return map_[old.index]; }
  std::vector<Value> inputs_of(const Node& node) const;
  /// Copies a node with its inputs replaced.
  void keep(NodeId id);
  void replace(NodeId id, const std::vector<Value>& outputs);
  /// The new graph, with the old one's outputs.
  std::unique_ptr<Graph> finish();

 private:
  const Graph& from_;
  std::unique_ptr<Graph> to_;
  Build build_;
  std::vector<Value> map_;
};

}  // namespace tenon
