// The definition of an op: one OpDef holds everything about it. Ops are defined in tenon/ops/, one
// statement each (see statement.h there); the rest of the system reads these fields. Rules about
// one of Tenon's own ops compare with a CoreOp; nothing compares names.
//
//   const OpDef& tanh = registry.get("tanh");
//   tanh.kind;                               // OpKind::primitive
//   tanh.derivative_class;                   // DerivativeClass::elementwise
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tenon/graph/attributes.h"
#include "tenon/graph/core_op.h"
#include "tenon/graph/type.h"

namespace tenon {

class Build;
class Value;
class Expr;
class ExprPool;
class ElementContext;
class ReferenceCall;
struct Node;
struct OpDef;

/// Primitives are a closed set with their own rules; composites are defined by their
/// decomposition.
enum class OpKind : uint8_t { primitive, composite };

struct AttributeSchema {
  std::string name;
  AttributeKind kind;
  std::optional<Attribute> fallback;  // required when absent
  std::string doc;
};

struct InputSchema {
  std::string name;
  DTypeSet dtypes = kAnyDType;
  bool variadic = false;  // only the last one
  bool optional = false;  // trailing inputs that may be omitted
};

/// The argument of inference, which may put attributes into a canonical form (axes counted from the
/// start) and returns the output types. It throws Error for an invalid call; the caller adds the
/// op's name and the user's labels.
struct InferContext {
  std::span<const Type> inputs;
  Attributes& attributes;
  const Type& input(size_t i) const { return inputs[i]; }
};
using InferRule = std::function<std::vector<Type>(InferContext&)>;

/// The argument of derivative and batching rules. All values are in the graph under construction.
struct RuleContext {
  Build& build;
  const Attributes& attributes;
  std::span<const Value> inputs;   // of the original call
  std::span<const Value> outputs;  // of the original call
};
struct JvpContext : RuleContext {
  std::span<const Value> tangents;  // one per input; invalid if the tangent is zero
};
struct VjpContext : RuleContext {
  std::span<const Value> cotangents;  // one per output; invalid if the cotangent is zero
  std::span<const bool> wanted;       // one per input: whether its cotangent is needed
};
struct TransposeContext : RuleContext {
  Value const& cotangent;  // of the only output
  size_t operand;          // which input is transposed
};
struct BatchContext {
  Build& build;
  const OpDef& op;
  const Attributes& attributes;
  std::span<const Value> inputs;  // batched ones carry the batch as axis 0
  std::span<const bool> batched;
  const Dim& size;
  std::string_view axis_name;  // the batch's name for collectives; may be empty
  std::string_view label;
};

/// One partial derivative per input, as values shaped like the output; an invalid Value means zero.
using PartialsRule = std::function<std::vector<Value>(RuleContext&)>;
using JvpRule = std::function<std::vector<Value>(JvpContext&)>;
using VjpRule = std::function<std::vector<Value>(VjpContext&)>;
using TransposeRule = std::function<Value(TransposeContext&)>;
/// Returns the outputs, each with the batch as axis 0, or without it if all examples share it.
using BatchRule = std::function<std::vector<Value>(BatchContext&)>;
/// A composite as primitives (or simpler composites).
using Decomposition = std::function<std::vector<Value>(RuleContext&)>;
/// Writes the outputs of one call in double precision; see ops/reference.h.
using ReferenceRule = std::function<void(ReferenceCall&)>;
/// An elementwise op in terms of machine operations; see ops/expr.h. All arguments have the op's
/// compute dtype.
using ExpandRule = std::function<Expr(ExprPool&, std::span<const Expr>, const Attributes&)>;
/// One element of the only output from the inputs' elements at computed indices; see ops/element.h.
using ElementRule = std::function<Expr(ElementContext&)>;

enum class DerivativeClass : uint8_t {
  none,         // declared non-differentiable: cotangents stop here
  refused,      // an unknown function: asking for its derivative is an error
  elementwise,  // partial derivatives
  linear,       // linear in some operands, one at a time: a transpose each
  custom,       // hand-written jvp and vjp
  decompose,    // composites: through the decomposition
  region,       // control flow: transform/ knows these
};
/// How values are combined along axes.
enum class ReduceKind : uint8_t { sum, product, maximum, minimum, logical_and, logical_or };

enum class Comparison : uint8_t { equal, not_equal, less, less_equal, greater, greater_equal };

/// An input that holds positions along one axis of input 0.
struct IndexInput {
  size_t input = 1;
  std::string axis_attribute;   // names the axis; empty: `axis`
  int64_t axis = 0;             // negative: counted from the last
  bool skips_negative = false;  // a negative index is no fault: it stands for "none"

  /// Of a call whose input 0 has so many axes.
  int64_t axis_of(const Attributes& attributes, size_t rank) const;
  /// The first index that is good.
  int64_t low() const { return skips_negative ? INT64_MIN : 0; }
};

enum class BatchClass : uint8_t { elementwise, rule, decompose, loop, region };

/// A call for the generated tests. Named dimensions are symbols in the symbolic test (each is 3 or
/// more when made concrete); integer inputs are drawn from `ranges` if the op needs
/// indices.
struct Sample {
  std::string inputs;  // "f32[2,3], f32[3,n]"
  Attributes attributes;
  std::vector<std::pair<double, double>> ranges;  // one per input, or empty: the op's domain
};

struct OpDef {
  std::string name;
  std::string family;  // the file that defines it
  std::string doc;
  OpKind kind = OpKind::primitive;
  bool is_elementwise = false;  // all inputs and the output have the same shape
  bool is_random = false;
  std::optional<ReduceKind> reduction;  // combines its only input along the attribute `axes`
  bool is_opaque = false;               // never merged with an equal call nor moved (barrier)
  /// Result i has the elements of input i in the same order, possibly in another shape: it shares
  /// that input's memory, and no kernel runs.
  bool is_view = false;
  /// Repeats its only input along new axes: its axis i is axis dims[i] of the result, where `dims`
  /// is an attribute.
  bool is_broadcast = false;
  /// Returns its input; it matters only to derivatives, and is removed once they are taken.
  bool is_transparent = false;
  bool is_shift = false;  // of bits, by input 1; a negative count gives 0
  std::optional<Comparison> comparison;
  std::optional<IndexInput> indices;
  /// Communicates with the other participants along the mapped axis named by its attribute
  /// axis_name; see ops/collective.h. A single participant gets back its input, or its index, 0.
  bool is_collective = false;
  std::vector<InputSchema> inputs;
  std::vector<AttributeSchema> attributes;
  InferRule infer;

  DerivativeClass derivative_class = DerivativeClass::none;
  std::string why_not_differentiable;
  PartialsRule partials;
  std::vector<size_t> linear_operands;
  TransposeRule transpose;
  JvpRule jvp;
  VjpRule vjp;

  BatchClass batch_class = BatchClass::loop;
  BatchRule batch;

  Decomposition decomposition;
  ReferenceRule reference;
  ExpandRule expand;
  ElementRule element;

  std::vector<std::string> onnx;
  std::pair<double, double> domain = {-2.0, 2.0};  // range of floating-point inputs of samples
  double tolerance = 1.0;                          // scales the tests' tolerance per dtype
  std::vector<Sample> samples;

  /// Which of Tenon's own ops this is, where code is about it. Set by the registry, from the name.
  std::optional<CoreOp> core;
  bool is(CoreOp op) const { return core == op; }

  const AttributeSchema* find_attribute(std::string_view attribute) const;
};

/// All ops of a program, by name; built once by register_core_ops (ops/registry.h) and passed as
/// const&.
class OpRegistry {
 public:
  /// Error invalid_argument if the definition is incomplete: no samples, no reference, no
  /// derivative class …; already_exists if there is an op of that name.
  const OpDef& add(OpDef op);
  /// Throws Error(not_found) with the closest name.
  const OpDef& get(std::string_view name) const;
  const OpDef* find(std::string_view name) const;
  const std::vector<std::unique_ptr<OpDef>>& all() const { return ops_; }

 private:
  std::vector<std::unique_ptr<OpDef>> ops_;
  std::unordered_map<std::string_view, const OpDef*> by_name_;
};

/// A line of an error about an operand: its role, its type, and the user's name for it, if any.
std::string operand_note(std::string_view role, const Type& type, std::string_view name);

bool is_constant(const Node& node);
/// Whether the result has the same elements in the same order: a view that may be merged and moved.
bool is_reshape(const Node& node);
/// Where a broadcast puts the axes of its input.
const Integers& broadcast_dims(const Node& node);

/// Fills in defaults, checks names and kinds, and infers types. Errors name the op, the inputs'
/// types and `describe(i)`.
std::vector<Type> check_call(const OpDef& op, std::span<const Type> inputs, Attributes& attributes,
                             const std::function<std::string(size_t)>& describe);

}  // namespace tenon
