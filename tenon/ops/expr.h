// Scalar expressions that compute one element of a tensor.
//
//   ExprPool pool;
//   Expr x = pool.argument(DType::f32, 0);
//   Expr y = select(x > 0.0, x, 0.1 * x);        // leaky relu
//   std::string text = to_string(y);             // "select(a0 > 0, a0, a0*0.1)"
//
// An Expr is a handle (pool, 32-bit id). Equal expressions have equal ids, constants are folded and
// simple identities applied when a node is made. f16 and bf16 are storage types: they can be
// loaded, cast and bit-cast, never computed with; cast to f32 first.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tenon/graph/dtype.h"

namespace tenon {

enum class ExprOp : uint8_t {
  constant,    // bits hold the value
  argument,    // aux: position among the scalar inputs of an op definition
  loop_index,  // aux: variable; its extent is known to the pool
  symbol,      // aux: position among the pool's symbol names (a dimension)
  local,       // aux: local of a kernel; operand 0: element
  load,        // aux: buffer of a kernel; operand 0: element offset
  add,
  sub,
  mul,
  div,        // floating point only
  floor_div,  // integers; x / 0 is 0
  floor_mod,  // integers, sign of the divisor; x mod 0 is x
  fma,        // a*b + c rounded once
  min,        // NaN if either is NaN; logical and on booleans
  max,        // NaN if either is NaN; logical or on booleans
  neg,
  abs,
  sqrt,
  floor,
  ceil,
  trunc,
  round_even,
  equal,
  not_equal,
  less,
  less_equal,
  select,  // select(condition, a, b): both sides are evaluated
  guard,   // guard(condition, a, b): loads in a happen only if the condition is true
  rare,    // rare(condition, a, b): a is computed only if some lane needs it
  bit_and,
  bit_or,
  bit_xor,
  bit_not,
  shift_left,
  shift_right,          // arithmetic for signed types
  shift_right_logical,  // zero fill
  cast,                 // to the node's dtype; float to integer truncates and saturates, NaN is 0
  bitcast,              // same size
};

using ExprId = uint32_t;
inline constexpr ExprId kNoExpr = 0xffffffffu;

struct ExprNode {
  ExprOp op = ExprOp::constant;
  DType dtype = DType::f32;
  uint32_t aux = 0;
  ExprId operands[3] = {kNoExpr, kNoExpr, kNoExpr};
  uint64_t bits = 0;

  bool operator==(const ExprNode&) const = default;
  int operand_count() const;
};

class ExprPool;

/// A handle to one node of a pool. Cheap to copy; valid as long as the pool lives.
class Expr {
 public:
  Expr() = default;
  Expr(ExprPool* pool, ExprId id) : pool_(pool), id_(id) {}

  bool valid() const { return pool_ != nullptr; }
  ExprPool* pool_or_null() const { return pool_; }
  ExprPool& pool() const { return *pool_; }
  ExprId id() const { return id_; }
  const ExprNode& node() const;
  DType dtype() const;
  Expr operand(int i) const { return {pool_, node().operands[i]}; }

  bool is_constant() const;
  /// The value if this is a constant integer (or boolean).
  std::optional<int64_t> as_integer() const;
  /// The value if this is a constant of any type, as a double.
  std::optional<double> as_double() const;

  bool same_as(Expr other) const { return pool_ == other.pool_ && id_ == other.id_; }

 private:
  ExprPool* pool_ = nullptr;
  ExprId id_ = kNoExpr;
};

/// Owns the nodes. Append only: ids never change. Not thread-safe while it grows.
class ExprPool {
 public:
  /// A constant; the value is converted to the dtype (f16 and bf16 included).
  Expr constant(DType dtype, double value);
  Expr integer(DType dtype, int64_t value);
  Expr index(int64_t value) { return integer(DType::i64, value); }
  Expr constant_bits(DType dtype, uint64_t bits);

  Expr argument(DType dtype, uint32_t position);
  /// A fresh loop variable that runs from 0 to extent - 1 (i64).
  Expr loop_index(const std::string& name, Expr extent);
  /// A dimension by name (i64, never negative). The same name gives the same node.
  Expr symbol(std::string_view name);
  Expr local(DType dtype, uint32_t local, Expr element);
  Expr load(DType dtype, uint32_t buffer, Expr offset);

  /// Makes a node from its parts: folds, simplifies, shares. The free functions below use it.
  Expr make(ExprOp op, DType dtype, std::span<const Expr> operands, uint32_t aux = 0);
  /// The node as given, shared but not simplified.
  Expr raw(ExprOp op, DType dtype, std::span<const Expr> operands, uint32_t aux = 0);

  Expr at(ExprId id) { return {this, id}; }
  const ExprNode& node(ExprId id) const { return nodes_[id]; }
  size_t size() const { return nodes_.size(); }

  const std::vector<std::string>& symbol_names() const { return symbols_; }
  size_t variable_count() const { return variables_.size(); }
  const std::string& variable_name(uint32_t variable) const { return variables_[variable].name; }
  ExprId variable_extent(uint32_t variable) const { return variables_[variable].extent; }

 private:
  struct Variable {
    std::string name;
    ExprId extent;
  };
  struct NodeHash {
    size_t operator()(const ExprNode& n) const;
  };

  Expr intern(const ExprNode& node);

  std::deque<ExprNode> nodes_;  // references to nodes stay valid while it grows
  std::unordered_map<ExprNode, ExprId, NodeHash> ids_;
  std::vector<std::string> symbols_;
  std::vector<Variable> variables_;
};

inline const ExprNode& Expr::node() const { return pool_->node(id_); }
inline DType Expr::dtype() const { return node().dtype; }
inline bool Expr::is_constant() const { return node().op == ExprOp::constant; }

// Arithmetic. Both sides have the same dtype; a number takes the dtype of the other side.
Expr operator+(Expr a, Expr b);
Expr operator-(Expr a, Expr b);
Expr operator*(Expr a, Expr b);
Expr operator/(Expr a, Expr b);  // floating point; integers use floor_div
Expr operator-(Expr a);
Expr operator+(Expr a, double b);
Expr operator-(Expr a, double b);
Expr operator*(Expr a, double b);
Expr operator/(Expr a, double b);
Expr operator+(double a, Expr b);
Expr operator-(double a, Expr b);
Expr operator*(double a, Expr b);
Expr operator/(double a, Expr b);
Expr floor_div(Expr a, Expr b);
Expr floor_mod(Expr a, Expr b);
Expr fma(Expr a, Expr b, Expr c);
Expr fma(Expr a, Expr b, double c);
Expr fma(Expr a, double b, Expr c);
Expr fma(Expr a, double b, double c);
Expr min(Expr a, Expr b);
Expr max(Expr a, Expr b);
Expr min(Expr a, double b);
Expr max(Expr a, double b);
Expr abs(Expr a);
Expr sqrt(Expr a);
Expr floor(Expr a);
Expr ceil(Expr a);
Expr trunc(Expr a);
Expr round_even(Expr a);

// Comparisons give booleans. NaN compares unequal to everything.
Expr equal(Expr a, Expr b);
Expr not_equal(Expr a, Expr b);
Expr operator<(Expr a, Expr b);
Expr operator<=(Expr a, Expr b);
Expr operator>(Expr a, Expr b);
Expr operator>=(Expr a, Expr b);
Expr operator<(Expr a, double b);
Expr operator<=(Expr a, double b);
Expr operator>(Expr a, double b);
Expr operator>=(Expr a, double b);
Expr equal(Expr a, double b);
Expr is_nan(Expr a);

// Choice.
Expr select(Expr condition, Expr a, Expr b);
Expr select(Expr condition, Expr a, double b);
Expr select(Expr condition, double a, Expr b);
Expr guard(Expr condition, Expr a, Expr b);
Expr rare(Expr condition, Expr a, Expr b);

// Bits: integers and booleans; shifts take a count of the same dtype in [0, width).
Expr operator&(Expr a, Expr b);
Expr operator|(Expr a, Expr b);
Expr operator^(Expr a, Expr b);
Expr operator~(Expr a);
Expr operator!(Expr a);
Expr shift_left(Expr a, int count);
Expr shift_left(Expr a, Expr count);
Expr shift_right(Expr a, int count);
Expr shift_right(Expr a, Expr count);
Expr shift_right_logical(Expr a, int count);
Expr shift_right_logical(Expr a, Expr count);
Expr cast(Expr a, DType to);
Expr bitcast(Expr a, DType to);

/// The type arithmetic on values of a dtype happens in: f32 for f16 and bf16, else itself.
DType compute_type(DType dtype);

/// Replaces arguments, loop variables, loads and so on: `replace` is asked for every node of the
/// expression from the leaves up, with operands already rewritten, and gives a new node or none.
class ExprRewriter {
 public:
  virtual ~ExprRewriter() = default;
  /// The pool that results live in.
  explicit ExprRewriter(ExprPool& target) : target_(target) {}
  Expr rewrite(Expr e);

 protected:
  virtual std::optional<Expr> replace(Expr original) = 0;
  ExprPool& target_;

 private:
  std::unordered_map<ExprId, Expr> done_;
};

/// Copies an expression with its arguments replaced (`argument(i)` becomes `arguments[i]`).
Expr substitute_arguments(Expr e, std::span<const Expr> arguments);
/// Replaces one loop variable.
Expr substitute(Expr e, Expr loop_index, Expr value);

/// The factor of a variable in an i64 expression that is affine in it: e = c*v + rest, with c and
/// rest free of v. None if it is not affine.
std::optional<Expr> coefficient(Expr e, Expr variable);
/// Whether the value depends on the node (a loop variable, a symbol …).
bool depends_on(Expr e, Expr on);
/// Whether 0 <= a < b is certain from the extents of loop variables (symbols are >= 0).
bool certainly_in_range(Expr a, Expr b);

/// The value of an expression without loads or locals, for tests and constant folding. Bits of
/// arguments are given in the argument's dtype.
uint64_t evaluate_bits(Expr e, std::span<const uint64_t> argument_bits);
double evaluate(Expr e, std::span<const double> arguments);

std::string to_string(Expr e);

}  // namespace tenon
