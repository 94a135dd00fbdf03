#pragma once

// Control-flow calls taken apart and put together again, so that one place knows how their inputs
// are ordered. Private to transform/.

#include <span>
#include <vector>

#include "tenon/graph/build.h"
#include "tenon/transform/reach.h"

namespace tenon::detail {

enum class Control { call, cond, while_loop, scan, custom_vjp, other };
Control control_of(const OpDef& op);

/// scan: body (invariants…, carries…, slices of xs…) -> (carries…, ys…), once a step.
struct Scan {
  GraphRef body;
  size_t invariants = 0;
  size_t carries = 0;
  size_t xs = 0;
  Dim length;
  bool reverse = false;

  static Scan of(const Node& node);
  std::vector<Value> emit(Build& build, std::span<const Value> inputs) const;

  size_t inputs() const { return invariants + carries + xs; }
  size_t ys() const { return body->outputs().size() - carries; }
  bool is_invariant(size_t input) const { return input < invariants; }
  bool is_carry(size_t input) const { return !is_invariant(input) && !is_x(input); }
  bool is_x(size_t input) const { return input >= invariants + carries; }
};

/// while: condition (states…) -> bool[], body (states…) -> (states…).
struct While {
  GraphRef condition;
  GraphRef body;

  static While of(const Node& node);
  std::vector<Value> emit(Build& build, std::span<const Value> states) const;
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

  static CustomVjp of(const Node& node);
  std::vector<Value> emit(Build& build, std::span<const Value> inputs) const;
};

/// Flags of a call's outputs that depend differentiably on flagged inputs, and the other way round.
Flags region_reached_from(const Node& node, const Flags& inputs);
Flags region_reaching(const Node& node, const Flags& outputs);

/// Flags of a loop body's inputs once flags have travelled from carry to carry until nothing
/// changes; carries are the body's first outputs, and its inputs from `first` on.
Flags settle_forwards(const Graph& body, size_t first, size_t carries, Flags inputs);
/// And backwards: flags of the body's outputs.
Flags settle_backwards(const Graph& body, size_t first, size_t carries, Flags outputs);

/// `f` with its inputs and outputs in another order: input i of the result is input `inputs[i]` of
/// f.
std::unique_ptr<Graph> permuted(const Graph& f, std::span<const size_t> inputs,
                                std::span<const size_t> outputs);

}  // namespace tenon::detail
