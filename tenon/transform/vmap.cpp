#include "tenon/transform/vmap.h"

#include "tenon/base/error.h"
#include "tenon/base/log.h"
#include "tenon/ops/opening.h"
#include "tenon/ops/value_functions.h"
#include "tenon/transform/arguments.h"
#include "tenon/transform/batch.h"
#include "tenon/transform/rewrite.h"
#include "tenon/transform/scan_builder.h"
#include "tenon/transform/subgraph.h"
#include "tenon/transform/values.h"

namespace tenon {

namespace detail {

bool BatchScope::concerns(const Node& node) const {
  if (axis_name.empty()) return false;
  if (node.op->is_collective) return node.attributes.string("axis_name") == axis_name;
  for (const auto& [name, value] : node.attributes) {
    const GraphRef* region = value.get_if<GraphRef>();
    if (!region) continue;
    for (const Node& inner : (*region)->nodes()) {
      if (concerns(inner)) return true;
    }
  }
  return false;
}

Type BatchScope::batched(Type type) const {
  type.shape.insert(0, size);
  return type;
}

Value BatchScope::spread(const Batched& value) const {
  if (value.batched) return value.value;
  Integers dims;
  for (size_t i = 0; i < value.value.rank(); ++i) dims.push_back(static_cast<int64_t>(i) + 1);
  return broadcast(value.value, batched(value.value.type()).shape, dims);
}

namespace {

class BatchWalk {
 public:
  BatchWalk(Build& build, BatchScope& scope, const Graph& f, std::span<const Batched> inputs)
      : build_(build), scope_(scope), f_(f), values_(f.value_count()), batched_(f.value_count()) {
    for (size_t i = 0; i < inputs.size(); ++i) set(f.inputs()[i], inputs[i]);
    for (const Node& node : f.nodes()) emit(node);
  }

  std::vector<Batched> outputs() const { return values_of(f_.outputs()); }

 private:
  void emit(const Node& node) {
    bool any = scope_.concerns(node);
    for (ValueId input : node.inputs) any = any || batched_[input.index];
    if (!any) return copy_node(build_.graph(), f_, node, values_);
    LabelScope label(build_, node.label);
    std::vector<Batched> results = batch(node);
    check(results.size() == node.outputs.size(), "batching keeps the number of results");
    for (size_t i = 0; i < results.size(); ++i) {
      check_result(node, i, results[i]);
      set(node.outputs[i], results[i]);
    }
  }

  std::vector<Batched> batch(const Node& node) {
    std::vector<Batched> inputs = values_of(node.inputs);
    BatchCall call{build_, scope_, f_, node, inputs};
    // Shapes align from the end, so broadcasting already puts operands without a batch in line.
    if (node.op->is_elementwise) return call_with(node, inputs);
    switch (node.op->batch_class) {
      case BatchClass::elementwise:
        return call_with(node, inputs);
      case BatchClass::rule:
        return by_rule(node, inputs);
      case BatchClass::decompose:
        return open(node, inputs);
      case BatchClass::loop:
        return batch_by_loop(call);
      case BatchClass::region:
        return batch_region(call);
    }
    return {};
  }

  std::vector<Batched> call_with(const Node& node, std::span<const Batched> inputs) {
    std::vector<Value> values;
    for (const Batched& input : inputs) values.push_back(input.value);
    return all_batched(build_.call_multi(*node.op, values, node.attributes));
  }

  std::vector<Batched> by_rule(const Node& node, std::span<const Batched> inputs) {
    std::vector<Value> values;
    auto batched = std::make_unique<bool[]>(inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      values.push_back(inputs[i].value);
      batched[i] = inputs[i].batched;
    }
    std::span<const bool> flags(batched.get(), inputs.size());
    BatchContext context{build_, *node.op,    node.attributes,  values,
                         flags,  scope_.size, scope_.axis_name, node.label};
    std::vector<Batched> results;
    for (const Value& value : node.op->batch(context)) {
      size_t rank = f_.type(node.outputs[results.size()]).rank();
      results.push_back({value, value.rank() > rank});
    }
    return results;
  }

  /// A composite without a rule: its decomposition takes its place.
  std::vector<Batched> open(const Node& node, std::span<const Batched> inputs) {
    const Opening opening(*node.op);
    std::vector<Type> types;
    for (ValueId input : node.inputs) types.push_back(f_.type(input));
    return vmap_inline(build_, scope_, *decomposition_graph(node, types, build_.ops()), inputs);
  }

  static std::vector<Batched> all_batched(const std::vector<Value>& values) {
    std::vector<Batched> results;
    for (const Value& value : values) results.push_back({value, true});
    return results;
  }

  void set(ValueId id, const Batched& value) {
    values_[id.index] = value.value.id();
    batched_[id.index] = value.batched;
  }

  std::vector<Batched> values_of(const std::vector<ValueId>& ids) const {
    std::vector<Batched> values;
    for (ValueId id : ids) values.push_back({build_.value(values_[id.index]), batched_[id.index]});
    return values;
  }

  void check_result(const Node& node, size_t output, const Batched& result) const {
    const Type& type = f_.type(node.outputs[output]);
    Type expected = result.batched ? scope_.batched(type) : type;
    if (result.value.type() == expected) return;
    fail(ErrorCode::internal, "vmap: result {} of {}, batched by {}, is {}", output,
         describe_call(f_, node), scope_.size.to_string(), result.value.type().to_string());
  }

  Build& build_;
  BatchScope& scope_;
  const Graph& f_;
  std::vector<ValueId> values_;  // per value of f
  Flags batched_;
};

}  // namespace

std::vector<Batched> vmap_inline(Build& build, BatchScope& scope, const Graph& f,
                                 std::span<const Batched> inputs) {
  return BatchWalk(build, scope, f, inputs).outputs();
}

std::unique_ptr<Graph> vmap_region_graph(const Graph& f, const OpRegistry& ops, BatchScope& scope,
                                         const Flags& inputs, const Flags& outputs) {
  Graph g(f.name() + "_vmap");
  copy_symbol_bounds(g, f);
  Build build(g, ops);
  std::vector<Batched> values;
  for (size_t i = 0; i < f.inputs().size(); ++i) {
    Type type = f.type(f.inputs()[i]);
    if (inputs[i]) type = scope.batched(std::move(type));
    values.push_back({build.input(f.input_names()[i], std::move(type)), inputs[i]});
  }
  std::vector<Batched> results = vmap_inline(build, scope, f, values);
  std::vector<ValueId> ids;
  for (size_t i = 0; i < results.size(); ++i) {
    check(outputs[i] || !results[i].batched, "a region's results are batched where it was said");
    ids.push_back(outputs[i] ? scope.spread(results[i]).id() : results[i].value.id());
  }
  g.set_outputs(std::move(ids));
  return prune(std::move(g));
}

std::vector<Batched> batch_by_loop(const BatchCall& call) {
  ++call.scope.loops[call.node.op->name];
  ScanBuilder loop(call.build, call.node.op->name + "_loop", call.scope.size, /*reverse=*/false);
  loop.body().set_label(call.node.label);
  std::vector<Value> inputs;
  for (const Batched& input : call.inputs) {
    inputs.push_back(input.batched ? loop.x(input.value) : loop.invariant(input.value));
  }
  std::vector<size_t> ys;
  for (const Value& value : loop.body().call_multi(*call.node.op, inputs, call.node.attributes)) {
    ys.push_back(loop.y(value));
  }
  loop.finish();
  std::vector<Batched> results;
  for (size_t y : ys) results.push_back({loop.stack(y), true});
  return results;
}

namespace {

BatchingOptions::Axes checked_axes(const Graph& f, const BatchingOptions::Axes& asked,
                                   const std::vector<ValueId>& values, const char* what) {
  if (asked.empty()) return BatchingOptions::Axes(values.size(), 0);
  if (asked.size() != values.size()) {
    fail(ErrorCode::invalid_argument, "vmap: graph '{}' has {} {}s, but {} axes are given",
         f.name(), values.size(), what, asked.size());
  }
  BatchingOptions::Axes axes = asked;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (!axes[i]) continue;
    std::string name =
        std::string("vmap: the axis of ") + what + " '" + f.describe(values[i]) + "'";
    axes[i] = static_cast<int64_t>(normalise_axis(*axes[i], f.type(values[i]).rank() + 1, name));
  }
  return axes;
}

void warn_of_loops(const Graph& f, const BatchScope& scope) {
  for (const auto& [op, count] : scope.loops) {
    log_warning("vmap of '{}': {} has no batching rule; {} call{} run as a loop over the batch",
                f.name(), op, count, count == 1 ? "" : "s");
  }
}

}  // namespace

}  // namespace detail

std::unique_ptr<Graph> vmap(const Graph& f, const OpRegistry& ops, const BatchingOptions& options) {
  using namespace detail;
  BatchingOptions::Axes in_axes = checked_axes(f, options.in_axes, f.inputs(), "input");
  BatchingOptions::Axes out_axes = checked_axes(f, options.out_axes, f.outputs(), "output");
  BatchScope scope{options.size, options.axis_name, {}};
  Graph g(f.name() + "_vmap");
  copy_symbol_bounds(g, f);
  Build build(g, ops);
  std::vector<Batched> inputs;
  for (size_t i = 0; i < f.inputs().size(); ++i) {
    Type type = f.type(f.inputs()[i]);
    if (in_axes[i]) type.shape.insert(static_cast<size_t>(*in_axes[i]), options.size);
    Value input = build.input(f.input_names()[i], std::move(type));
    bool moved = in_axes[i] && *in_axes[i] != 0;
    inputs.push_back({moved ? move_axis(input, *in_axes[i], 0) : input, in_axes[i].has_value()});
  }
  std::vector<Batched> results = vmap_inline(build, scope, f, inputs);
  std::vector<ValueId> outputs;
  for (size_t i = 0; i < results.size(); ++i) {
    if (!out_axes[i] && results[i].batched) {
      throw make_error(ErrorCode::invalid_argument,
                       "vmap: output {} of graph '{}' depends on the batch, but has no axis for it",
                       output_name(f, i), f.name())
          .note("it is {} for one example", f.type(f.outputs()[i]).to_string())
          .note("hint: give it an axis in out_axes");
    }
    Value value = out_axes[i] ? scope.spread(results[i]) : results[i].value;
    if (out_axes[i] && *out_axes[i] != 0) value = move_axis(value, 0, *out_axes[i]);
    outputs.push_back(value.id());
  }
  g.set_outputs(std::move(outputs));
  g.set_output_names(f.output_names());
  warn_of_loops(f, scope);
  return prune(std::move(g));
}

}  // namespace tenon
