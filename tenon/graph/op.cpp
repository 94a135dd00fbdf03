#include "tenon/graph/op.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/graph/graph.h"

namespace tenon {

bool is_constant(const Node& node) { return node.op->is(CoreOp::constant); }
bool is_reshape(const Node& node) { return node.op->is_view && !node.op->is_opaque; }
const Integers& broadcast_dims(const Node& node) { return node.attributes.integers("dims"); }

int64_t IndexInput::axis_of(const Attributes& attributes, size_t rank) const {
  const int64_t at = axis_attribute.empty() ? axis : attributes.integer(axis_attribute);
  return at < 0 ? at + static_cast<int64_t>(rank) : at;
}

const AttributeSchema* OpDef::find_attribute(std::string_view attribute) const {
  for (const AttributeSchema& schema : attributes) {
    if (schema.name == attribute) return &schema;
  }
  return nullptr;
}

namespace {

bool has_attribute(const OpDef& op, std::string_view name, AttributeKind kind) {
  const AttributeSchema* schema = op.find_attribute(name);
  return schema && schema->kind == kind;
}

/// What the fields that the rest of the system reads need, or an empty string.
std::string what_a_property_lacks(const OpDef& op) {
  const auto has_input = [&](size_t i) { return i < op.inputs.size(); };
  if (op.is_broadcast && !has_attribute(op, "dims", AttributeKind::integers))
    return "the attribute dims of a broadcast, a list of integers";
  if ((op.is_view || op.is_transparent || op.is_broadcast) && !has_input(0))
    return "the input that it passes on";
  if ((op.comparison || op.is_shift) && op.inputs.size() != 2)
    return "two inputs to compare or shift";
  if (!op.indices) return "";
  if (!has_input(op.indices->input) || op.inputs[op.indices->input].optional)
    return "the input that holds indices, which is never left out";
  const std::string& axis = op.indices->axis_attribute;
  if (!axis.empty() && !has_attribute(op, axis, AttributeKind::integer))
    return fmt::format("the attribute {} of its indices, an integer", axis);
  return "";
}

/// Why a definition cannot be registered, or an empty string.
std::string what_is_missing(const OpDef& op) {
  if (op.name.empty()) return "a name";
  if (op.doc.empty()) return "a doc";
  if (!op.infer) return "type inference";
  if (op.samples.empty()) return "samples";
  if (op.kind == OpKind::composite && !op.decomposition) return "a decomposition";
  if (op.kind == OpKind::primitive && !op.reference) return "reference semantics";
  if (op.batch_class == BatchClass::rule && !op.batch) return "a batching rule";
  if (std::string missing = what_a_property_lacks(op); !missing.empty()) return missing;
  switch (op.derivative_class) {
    case DerivativeClass::none:
    case DerivativeClass::refused:
      return op.why_not_differentiable.empty() ? "a derivative, or a reason why it has none" : "";
    case DerivativeClass::elementwise:
      return op.partials ? "" : "partial derivatives";
    case DerivativeClass::linear:
      return op.transpose ? "" : "a transpose";
    case DerivativeClass::custom:
      if (op.jvp) return op.vjp ? "" : "vjp beside its jvp";
      return op.vjp ? "jvp beside its vjp" : "jvp and vjp";
    case DerivativeClass::decompose:
      return op.decomposition ? "" : "a decomposition";
    case DerivativeClass::region:
      return "";
  }
  return "";
}

}  // namespace

namespace {

/// As graphs are printed and parsed.
bool is_op_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return std::ranges::all_of(name, fits) && (name[0] < '0' || name[0] > '9');
}

}  // namespace

const OpDef& OpRegistry::add(OpDef op) {
  std::string missing = what_is_missing(op);
  if (!missing.empty())
    fail(ErrorCode::invalid_argument, "op '{}' ({}) lacks {}", op.name, op.family, missing);
  if (!is_op_name(op.name)) {
    fail(ErrorCode::invalid_argument,
         "op '{}' ({}): a name is letters, digits and _, with no digit first", op.name, op.family);
  }
  if (by_name_.contains(op.name))
    fail(ErrorCode::already_exists, "op '{}' is defined twice", op.name);
  op.core = core_op_named(op.name);
  ops_.push_back(std::make_unique<OpDef>(std::move(op)));
  const OpDef& added = *ops_.back();
  by_name_.emplace(added.name, &added);
  return added;
}

const OpDef* OpRegistry::find(std::string_view name) const {
  auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

const OpDef& OpRegistry::get(std::string_view name) const {
  const OpDef* op = find(name);
  if (op) return *op;
  std::vector<std::string> names;
  for (const auto& known : ops_) names.push_back(known->name);
  throw make_error(ErrorCode::not_found, "there is no op '{}'", name).note("{}", hint(name, names));
}

namespace {

void check_inputs(const OpDef& op, std::span<const Type> inputs) {
  size_t required = 0;
  bool variadic = false;
  for (const InputSchema& schema : op.inputs) {
    if (schema.variadic) {
      variadic = true;
    } else if (!schema.optional) {
      ++required;
    }
  }
  if (inputs.size() < required || (!variadic && inputs.size() > op.inputs.size())) {
    bool exact = !variadic && required == op.inputs.size();
    fail(ErrorCode::invalid_argument, "takes {}{} input{}, not {}", exact ? "" : "at least ",
         required, required == 1 ? "" : "s", inputs.size());
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const InputSchema& schema = op.inputs[std::min(i, op.inputs.size() - 1)];
    if (schema.dtypes.contains(inputs[i].dtype)) continue;
    std::string accepted;
    for (DType dtype : kAllDTypes) {
      if (schema.dtypes.contains(dtype))
        accepted += (accepted.empty() ? "" : ", ") + std::string(name_of(dtype));
    }
    fail(ErrorCode::type_mismatch, "input '{}' is {}; accepted: {}", schema.name,
         inputs[i].to_string(), accepted);
  }
}

/// Numbers written without a point may stand for reals, an empty list for any list.
bool coerce(Attribute& value, AttributeKind wanted) {
  if (value.kind() == wanted) return true;
  if (wanted == AttributeKind::real && value.kind() == AttributeKind::integer) {
    value = Attribute(static_cast<double>(*value.get_if<int64_t>()));
    return true;
  }
  if (auto* integers = value.get_if<Integers>()) {
    if (wanted == AttributeKind::shape) {
      value = Attribute(Shape::of(*integers));
      return true;
    }
    if (wanted == AttributeKind::reals) {
      value = Attribute(Reals(integers->begin(), integers->end()));
      return true;
    }
  }
  return false;
}

void check_attributes(const OpDef& op, Attributes& attributes) {
  for (const auto& [name, value] : attributes) {
    if (op.find_attribute(name)) continue;
    std::vector<std::string> known;
    for (const AttributeSchema& schema : op.attributes) known.push_back(schema.name);
    throw make_error(ErrorCode::invalid_argument, "has no attribute '{}'", name)
        .note("{}", hint(name, known));
  }
  for (const AttributeSchema& schema : op.attributes) {
    const Attribute* given = attributes.find(schema.name);
    if (!given) {
      if (!schema.fallback)
        fail(ErrorCode::invalid_argument, "attribute '{}' ({}) is missing", schema.name,
             schema.doc);
      attributes.set(schema.name, *schema.fallback);
      continue;
    }
    if (given->kind() == schema.kind) continue;
    Attribute value = *given;
    if (!coerce(value, schema.kind)) {
      fail(ErrorCode::invalid_argument, "attribute '{}' is of kind {}, not {}", schema.name,
           name_of(schema.kind), name_of(value.kind()));
    }
    attributes.set(schema.name, std::move(value));
  }
}

/// No dimension is negative, and the elements can be counted.
void check_result(const Type& type) {
  for (const Dim& dim : type.shape) {
    if (dim.is_constant() && dim.constant() < 0)
      fail(ErrorCode::shape_mismatch, "the result would be {}", type.to_string());
  }
  type.bytes();
}

/// A view has the dtype and the number of elements of what it views.
void check_view(std::span<const Type> inputs, std::span<const Type> results) {
  for (size_t i = 0; i < results.size(); ++i) {
    if (i < inputs.size() && results[i].dtype == inputs[i].dtype &&
        results[i].shape.element_count() == inputs[i].shape.element_count())
      continue;
    fail(ErrorCode::shape_mismatch,
         "states that it is a view, but result {} is {}, unlike its input", i,
         results[i].to_string());
  }
}

}  // namespace

std::string operand_note(std::string_view role, const Type& type, std::string_view name) {
  if (name.empty()) return fmt::format("{:<8} {}", role, type.to_string());
  return fmt::format("{:<8} {:<20} {}", role, type.to_string(), name);
}

std::vector<Type> check_call(const OpDef& op, std::span<const Type> inputs, Attributes& attributes,
                             const std::function<std::string(size_t)>& describe) {
  try {
    check_inputs(op, inputs);
    check_attributes(op, attributes);
    InferContext context{inputs, attributes};
    std::vector<Type> results = op.infer(context);
    for (const Type& result : results) check_result(result);
    if (op.is_view) check_view(inputs, results);
    return results;
  } catch (const Error& error) {
    Error named(error.code(), op.name + ": " + error.message());
    for (size_t i = 0; i < inputs.size(); ++i) {
      const InputSchema* schema =
          op.inputs.empty() ? nullptr : &op.inputs[std::min(i, op.inputs.size() - 1)];
      named.add_note(
          operand_note(schema ? schema->name : "input", inputs[i], describe ? describe(i) : ""));
    }
    for (const std::string& note : error.notes()) named.add_note(note);
    throw named;
  }
}

}  // namespace tenon
