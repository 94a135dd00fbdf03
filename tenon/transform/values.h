#pragma once

// Small helpers on values under construction that derivatives share. Private to transform/.

#include <optional>
#include <string>
#include <vector>

#include "tenon/graph/build.h"

namespace tenon::detail {

/// `conv1` becomes `conv1'`, so that profiles show whose derivative a node is. Unlabelled nodes
/// stay so.
std::string derivative_label(const std::string& label);

/// Sets the label of a Build for one scope.
class LabelScope {
 public:
  LabelScope(Build& build, std::string label) : build_(build), outer_(build.label()) {
    build_.set_label(std::move(label));
  }
  ~LabelScope() { build_.set_label(std::move(outer_)); }
  LabelScope(const LabelScope&) = delete;
  LabelScope& operator=(const LabelScope&) = delete;

 private:
  Build& build_;
  std::string outer_;
};

/// derivative * partial without multiplying by one or zero. Either may be invalid: zero.
Value scaled(const Value& derivative, const Value& partial);

/// a + b, where an invalid value is zero. Sums of f16 and bf16 are f32: the derivative of a value
/// with many uses is rounded once, by `rounded`.
Value add_derivatives(const Value& a, const Value& b);
/// A sum of derivatives, cast to the dtype of the value; invalid if the sum is.
Value rounded(const Value& sum, DType dtype);

Value zeros_like(const Value& x);
/// `x`, or zeros of `type` if it is invalid.
Value or_zeros(Build& build, const Value& x, const Type& type);

/// `name`, made different from the names of all inputs by `'`.
std::string unused_input_name(const Graph& graph, std::string name);

/// "dot @encoder.fc1 (f32[8,64], f32[64,32]) -> f32[8,32]": how errors show a call.
std::string describe_call(const Graph& graph, const Node& node);
/// For calls of DerivativeClass::refused.
[[noreturn]] void fail_refused(std::string_view transform, const Graph& graph, const Node& node);

}  // namespace tenon::detail
