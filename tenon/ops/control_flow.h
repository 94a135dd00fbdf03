// Structured access to control-flow calls: the only place that knows the order of their
// inputs.
//
//   Scan scan = Scan::of(node);
//   scan.is_carry(input);
//   std::vector<Value> results = scan.emit(build, inputs);
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "tenon/graph/build.h"
#include "tenon/graph/op.h"

namespace tenon {

enum class Control : uint8_t { call, cond, while_loop, scan, custom_vjp, other };
Control control_of(const OpDef& op);

/// The attributes of a call with `change` applied to its regions; none if it has no regions or
/// `change` returns null for each of them.
std::optional<Attributes> with_regions(
    const Node& node, const std::function<std::unique_ptr<Graph>(const Graph&)>& change);

/// scan: body (constants…, carries…, slices of xs…) -> (carries…, ys…), once per step. The call's
/// inputs are in the same order.
struct Scan {
  GraphRef body;
  size_t constants = 0;
  size_t carries = 0;
  size_t xs = 0;
  Dim length;
  bool reverse = false;

  static Scan of(const Node& node);
  /// Of a call with this number of inputs.
  static Scan of(const Attributes& attributes, size_t inputs);
  /// Of a call with this body.
  Attributes attributes() const;
  std::vector<Value> emit(Build& build, std::span<const Value> inputs) const;

  size_t inputs() const { return constants + carries + xs; }
  size_t ys() const { return body->outputs().size() - carries; }
  bool is_constant(size_t input) const { return input < constants; }
  bool is_carry(size_t input) const { return !is_constant(input) && !is_x(input); }
  bool is_x(size_t input) const { return input >= constants + carries; }
};

/// while: condition (constants…, states…) -> bool[], body (constants…, states…) -> (states…). The
/// call's inputs are in the same order.
struct While {
  GraphRef condition;
  GraphRef body;
  size_t constants = 0;

  static While of(const Node& node);
  std::vector<Value> emit(Build& build, std::span<const Value> inputs) const;

  size_t states() const { return body->outputs().size(); }
};

/// cond: branches (operands…) -> (results…), chosen by a bool[].
struct Cond {
  GraphRef then;
  GraphRef otherwise;

  static Cond of(const Node& node);
  std::vector<Value> emit(Build& build, const Value& predicate,
                          std::span<const Value> operands) const;
};

/// custom_vjp: primal (inputs…) -> (outputs…), forward (inputs…) -> (outputs…, residuals…),
/// backward (residuals…, cotangents of outputs…) -> (cotangents of inputs…).
struct CustomVjp {
  GraphRef primal;
  GraphRef forward;
  GraphRef backward;

  struct Forward {
    std::vector<Value> outputs, residuals;
  };

  static CustomVjp of(const Node& node);
  /// Puts `forward` in the place of a call.
  Forward inline_forward(Build& build, std::span<const Value> inputs) const;
  std::vector<Value> emit(Build& build, std::span<const Value> inputs) const;
};

}  // namespace tenon
