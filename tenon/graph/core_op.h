// Ops that code outside tenon/ops/ is about: a rewrite of `transpose(transpose(x))`, the kernel of
// sorting. What holds for an op because of what it does, and so for ops of extensions too, is a
// property of its statement instead (OpDef).
//
//   given: const Node& node;
//   if (node.op->is(CoreOp::transpose)) { /* a misspelt name does not compile */ }
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace tenon {

enum class CoreOp : uint8_t {
  add,
  argmax,
  argmin,
  barrier,
  broadcast,
  call,
  cast,
  concatenate,
  cond,
  constant,
  convolution,
  convolution_filter_gradient,
  convolution_input_gradient,
  cumulative_max,
  cumulative_min,
  cumulative_product,
  cumulative_sum,
  custom_call,
  custom_vjp,
  divide,
  dot,
  linear_recurrence,
  multiply,
  negate,
  pad,
  power,
  reduce_max,
  reduce_min,
  reduce_sum,
  reshape,
  reverse,
  scan,
  scatter,
  search_sorted,
  select,
  slice,
  sort,
  subtract,
  transpose,
  while_loop,
};

/// Their names in graphs. register_core_ops fails where one of them is not stated.
inline constexpr auto kCoreOpNames = std::to_array<std::pair<CoreOp, std::string_view>>({
    {CoreOp::add, "add"},
    {CoreOp::argmax, "argmax"},
    {CoreOp::argmin, "argmin"},
    {CoreOp::barrier, "barrier"},
    {CoreOp::broadcast, "broadcast"},
    {CoreOp::call, "call"},
    {CoreOp::cast, "cast"},
    {CoreOp::concatenate, "concatenate"},
    {CoreOp::cond, "cond"},
    {CoreOp::constant, "constant"},
    {CoreOp::convolution, "convolution"},
    {CoreOp::convolution_filter_gradient, "convolution_filter_gradient"},
    {CoreOp::convolution_input_gradient, "convolution_input_gradient"},
    {CoreOp::cumulative_max, "cumulative_max"},
    {CoreOp::cumulative_min, "cumulative_min"},
    {CoreOp::cumulative_product, "cumulative_product"},
    {CoreOp::cumulative_sum, "cumulative_sum"},
    {CoreOp::custom_call, "custom_call"},
    {CoreOp::custom_vjp, "custom_vjp"},
    {CoreOp::divide, "divide"},
    {CoreOp::dot, "dot"},
    {CoreOp::linear_recurrence, "linear_recurrence"},
    {CoreOp::multiply, "multiply"},
    {CoreOp::negate, "negate"},
    {CoreOp::pad, "pad"},
    {CoreOp::power, "power"},
    {CoreOp::reduce_max, "reduce_max"},
    {CoreOp::reduce_min, "reduce_min"},
    {CoreOp::reduce_sum, "reduce_sum"},
    {CoreOp::reshape, "reshape"},
    {CoreOp::reverse, "reverse"},
    {CoreOp::scan, "scan"},
    {CoreOp::scatter, "scatter"},
    {CoreOp::search_sorted, "search_sorted"},
    {CoreOp::select, "select"},
    {CoreOp::slice, "slice"},
    {CoreOp::sort, "sort"},
    {CoreOp::subtract, "subtract"},
    {CoreOp::transpose, "transpose"},
    {CoreOp::while_loop, "while"},
});

constexpr std::string_view name_of(CoreOp op) {
  return kCoreOpNames[static_cast<size_t>(op)].second;
}

constexpr std::optional<CoreOp> core_op_named(std::string_view name) {
  for (const auto& [op, known] : kCoreOpNames) {
    if (known == name) return op;
  }
  return std::nullopt;
}

/// The names lie in the order of the enumeration, so that name_of need not search.
static_assert([] {
  for (size_t i = 0; i < kCoreOpNames.size(); ++i) {
    if (kCoreOpNames[i].first != static_cast<CoreOp>(i)) return false;
  }
  return kCoreOpNames.size() == static_cast<size_t>(CoreOp::while_loop) + 1;
}());

}  // namespace tenon
