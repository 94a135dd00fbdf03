// Control flow over tensors: traced regions become the graphs of cond, while, scan and custom_vjp
// calls. What the regions use from outside becomes an operand of the call.

#include <unordered_map>

#include <fmt/format.h>

#include "tenon/graph/build.h"
#include "tenon/ops/control_flow.h"
#include "tenon/ops/known_op.h"
#include "tenon/ops/registry.h"
#include "tenon/tensor/apply.h"
#include "tenon/tensor/node.h"
#include "tenon/tensor/tracing.h"
#include "tenon/tensor/transforms.h"

namespace tenon::detail {

namespace {

std::vector<Type> types_of(std::span<const Tensor> tensors, std::string_view what) {
  std::vector<Type> types;
  for (const Tensor& tensor : tensors) types.push_back(require(tensor, what)->type);
  return types;
}

/// Tensors from outside that several regions use, each once.
class Captures {
 public:
  void add(const Traced& traced) {
    for (const Tensor& tensor : traced.captures) {
      if (places_.try_emplace(tensor.node().get(), tensors_.size()).second)
        tensors_.push_back(tensor);
    }
  }
  size_t index_of(const Tensor& tensor) const { return places_.at(tensor.node().get()); }
  const std::vector<Tensor>& tensors() const { return tensors_; }

 private:
  std::vector<Tensor> tensors_;
  std::unordered_map<const TensorNode*, size_t> places_;
};

/// Builds the graph of a region from one that was traced, with inputs in the order that its call
/// wants.
class Region {
 public:
  explicit Region(const Traced& traced)
      : traced_(traced),
        graph_(std::make_shared<Graph>(traced.graph->name())),
        build_(*graph_, core_ops()),
        arguments_(traced.graph->inputs().size()) {}

  size_t own_arguments() const { return arguments_.size() - traced_.captures.size(); }

  /// The next inputs stand for arguments [first, first + count) of the traced function.
  void take_arguments(size_t first, size_t count) {
    for (size_t i = first; i < first + count; ++i)
      arguments_[i] = build_.input(traced_.graph->input_names()[i], type_of(i));
  }
  /// The next inputs stand for all tensors of `captures`, whether this region uses them or not.
  void take_captures(const Captures& captures) {
    for (const Tensor& tensor : captures.tensors())
      captured_.push_back(build_.input(fmt::format("captured{}", captured_.size()), tensor.type()));
    for (size_t i = 0; i < traced_.captures.size(); ++i)
      arguments_[own_arguments() + i] = captured_[captures.index_of(traced_.captures[i])];
  }
  std::vector<Value> results() { return build_.inline_graph(*traced_.graph, arguments_); }
  const std::vector<Value>& captured() const { return captured_; }
  Build& build() { return build_; }

  GraphRef finish(std::span<const Value> results) {
    std::vector<ValueId> outputs;
    for (const Value& value : results) outputs.push_back(value.id());
    graph_->set_outputs(std::move(outputs));
    return graph_;
  }

 private:
  const Type& type_of(size_t input) const {
    return traced_.graph->type(traced_.graph->inputs()[input]);
  }

  const Traced& traced_;
  std::shared_ptr<Graph> graph_;
  Build build_;
  std::vector<Value> arguments_;
  std::vector<Value> captured_;
};

/// All captures first, then arguments.
GraphRef loop_region(const Traced& traced, const Captures& captures) {
  Region region(traced);
  region.take_captures(captures);
  region.take_arguments(0, region.own_arguments());
  return region.finish(region.results());
}

/// Arguments first, then all captures.
GraphRef region_of(const Traced& traced, const Captures& captures, bool return_captures = false) {
  Region region(traced);
  region.take_arguments(0, region.own_arguments());
  region.take_captures(captures);
  std::vector<Value> results = region.results();
  if (return_captures)
    results.insert(results.end(), region.captured().begin(), region.captured().end());
  return region.finish(results);
}

void append(std::vector<Tensor>& to, std::span<const Tensor> from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

std::vector<Tensor> flat_cond(const Tensor& predicate, const FlatFunction& then,
                              const FlatFunction& otherwise, std::span<const Tensor> operands) {
  static constinit KnownOp op("cond");
  std::vector<Type> types = types_of(operands, "cond: operand");
  Traced traced_then = trace(then, types, "then");
  Traced traced_otherwise = trace(otherwise, types, "otherwise");
  Captures captures;
  captures.add(traced_then);
  captures.add(traced_otherwise);
  std::vector<Tensor> inputs = {predicate};
  append(inputs, operands);
  append(inputs, captures.tensors());
  return apply_multi(op.get(), inputs,
                     {{"then", region_of(traced_then, captures)},
                      {"otherwise", region_of(traced_otherwise, captures)}});
}

std::vector<Tensor> flat_while(const FlatFunction& condition, const FlatFunction& body,
                               std::span<const Tensor> start) {
  static constinit KnownOp op("while");
  std::vector<Type> types = types_of(start, "while_loop: state");
  Traced traced_condition = trace(condition, types, "condition");
  Traced traced_body = trace(body, types, "body");
  Captures captures;
  captures.add(traced_condition);
  captures.add(traced_body);
  std::vector<Tensor> inputs = captures.tensors();
  append(inputs, start);
  return apply_multi(op.get(), inputs,
                     {{"condition", loop_region(traced_condition, captures)},
                      {"body", loop_region(traced_body, captures)},
                      {"constants", static_cast<int64_t>(captures.tensors().size())}});
}

std::vector<Tensor> flat_scan(const FlatFunction& body, std::span<const Tensor> carries,
                              std::span<const Tensor> xs, bool reverse) {
  static constinit KnownOp op("scan");
  std::vector<Type> types = types_of(carries, "scan: carry");
  if (xs.empty()) fail(ErrorCode::invalid_argument, "scan: there is nothing to scan over");
  Dim length;
  for (const Tensor& x : xs) {
    Type slice = require(x, "scan: sequence")->type;
    if (slice.rank() == 0)
      fail(ErrorCode::shape_mismatch, "scan: a sequence is {}, which has no axis 0",
           slice.to_string());
    length = slice.dim(0);
    slice.shape.erase(0);
    types.push_back(std::move(slice));
  }
  Traced traced = trace(body, types, "body");
  Captures captures;
  captures.add(traced);
  std::vector<Tensor> inputs = captures.tensors();
  append(inputs, carries);
  append(inputs, xs);
  const Scan call{.body = loop_region(traced, captures),
                  .constants = captures.tensors().size(),
                  .carries = carries.size(),
                  .xs = xs.size(),
                  .length = length,
                  .reverse = reverse};
  return apply_multi(op.get(), inputs, call.attributes());
}

std::vector<Tensor> flat_custom_vjp(const FlatFunction& f, const FlatFunction& forward,
                                    const FlatFunction& backward,
                                    std::span<const Tensor> arguments) {
  static constinit KnownOp op("custom_vjp");
  std::vector<Type> types = types_of(arguments, "custom_vjp: argument");
  Traced primal = trace(f, types, "primal");
  Traced traced_forward = trace(forward, types, "forward");
  std::vector<Type> outputs = primal.graph->output_types();
  std::vector<Type> residuals = traced_forward.graph->output_types();
  if (residuals.size() < outputs.size())
    fail(ErrorCode::type_mismatch, "custom_vjp: forward returns {} tensors, the function {}",
         residuals.size(), outputs.size());
  residuals.erase(residuals.begin(), residuals.begin() + static_cast<ptrdiff_t>(outputs.size()));
  std::vector<Type> backward_types = residuals;
  backward_types.insert(backward_types.end(), outputs.begin(), outputs.end());
  Traced traced_backward = trace(backward, backward_types, "backward");

  Captures captures;
  captures.add(primal);
  captures.add(traced_forward);
  captures.add(traced_backward);
  // The backward pass sees what the forward pass passes on, captures included.
  GraphRef forward_graph = region_of(traced_forward, captures, true);
  Region region(traced_backward);
  region.take_arguments(0, residuals.size());
  region.take_captures(captures);
  region.take_arguments(residuals.size(), outputs.size());
  std::vector<Value> cotangents = region.results();
  if (cotangents.size() != arguments.size())
    fail(ErrorCode::type_mismatch, "custom_vjp: backward returns {} cotangents for {} arguments",
         cotangents.size(), arguments.size());
  // Rules give no derivative by what they use from outside.
  for (const Tensor& tensor : captures.tensors())
    cotangents.push_back(region.build().full(tensor.type(), 0));
  std::vector<Tensor> inputs(arguments.begin(), arguments.end());
  append(inputs, captures.tensors());
  return apply_multi(op.get(), inputs,
                     {{"primal", region_of(primal, captures)},
                      {"forward", forward_graph},
                      {"backward", region.finish(cotangents)}});
}

}  // namespace tenon::detail
