// Rewrite rules: each replaces one call with a cheaper equivalent. The simplify pass tries them on
// every node.
//
//   {"double-negate", CoreOp::negate, [](const Call& c) {
//      const Node* inner = c.made_by(0, CoreOp::negate);
//      return inner ? c.value(inner->inputs[0]) : Value();
//    }}
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tenon/graph/build.h"
#include "tenon/graph/splat.h"

namespace tenon {

/// A call about to be added to the graph under construction.
struct Call {
  Build& build;
  const OpDef& op;
  const Attributes& attributes;
  const std::vector<Value>& inputs;
  const Type& type;  // of its first result

  Value value(ValueId id) const { return build.value(id); }
  const Node* producer(const Value& v) const { return build.graph().producer(v.id()); }
  /// The node that makes input i if it is a call of `op`, else null. Valid until a node is added.
  const Node* made_by(size_t i, CoreOp op_made) const;
};

struct Rule {
  std::string name;  // as TENON_LOG=debug counts it
  CoreOp op;
  /// The replacement of the call, or an invalid value.
  std::function<Value(const Call&)> apply;
};

std::vector<Rule> arithmetic_rules();
std::vector<Rule> structure_rules();
std::vector<Rule> contraction_rules();

}  // namespace tenon
