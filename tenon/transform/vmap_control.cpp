#include "tenon/base/error.h"
#include "tenon/graph/op.h"
#include "tenon/ops/value_functions.h"
#include "tenon/transform/batch.h"
#include "tenon/transform/control_dependence.h"
#include "tenon/transform/joint.h"
#include "tenon/transform/subgraph.h"
#include "tenon/transform/values.h"

namespace tenon::detail {

namespace {

Flags batched_flags(std::span<const Batched> values) {
  Flags flags;
  for (const Batched& value : values) flags.push_back(value.batched);
  return flags;
}

/// Which outputs of `f` may differ between examples: they depend on flagged inputs, differentiably
/// or not, or on a collective over the batch.
Flags batched_outputs(const BatchScope& scope, const Graph& f, const Flags& inputs) {
  std::vector<ValueId> sources;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i]) sources.push_back(f.inputs()[i]);
  }
  for (const Node& node : f.nodes()) {
    if (scope.concerns(node))
      sources.insert(sources.end(), node.outputs.begin(), node.outputs.end());
  }
  return pick(depends_on(f, sources), f.outputs());
}

/// Lets the batch travel from carry to carry until nothing changes; the carries are inputs from
/// `first` on.
Flags spread_over_carries(const BatchScope& scope, const Graph& body, size_t first, size_t carries,
                          Flags inputs) {
  return settle_forwards(first, carries, std::move(inputs), [&](const Flags& batched) {
    return batched_outputs(scope, body, batched);
  });
}

/// The inputs with a batch where flags ask for one.
std::vector<Value> with_batch(const BatchScope& scope, std::span<const Batched> inputs,
                              const Flags& flags) {
  std::vector<Value> values;
  for (size_t i = 0; i < inputs.size(); ++i) {
    values.push_back(flags[i] ? scope.spread(inputs[i]) : inputs[i].value);
  }
  return values;
}

std::vector<Batched> marked(const std::vector<Value>& values, const Flags& flags) {
  std::vector<Batched> results;
  for (size_t i = 0; i < values.size(); ++i) results.push_back({values[i], flags[i]});
  return results;
}

std::vector<Value> values_of(const std::vector<Batched>& batched) {
  std::vector<Value> values;
  for (const Batched& one : batched) values.push_back(one.value);
  return values;
}

/// select(predicate, a, b) where the predicate is bool[batch] and the others have further axes.
Value select_examples(const Value& predicate, const Value& on_true, const Value& on_false) {
  return select(broadcast(predicate, on_true.shape(), {0}), on_true, on_false);
}

/// Whether it holds a loop that goes on for as long as its values say.
bool may_be_endless(const Graph& f) {
  for (const Node& node : f.nodes()) {
    if (control_of(*node.op) == Control::while_loop) return true;
    for (const auto& [name, attribute] : node.attributes) {
      const GraphRef* region = attribute.get_if<GraphRef>();
      if (region && may_be_endless(**region)) return true;
    }
  }
  return false;
}

/// The values with those of an example that takes part in place of the others': on numbers that a
/// graph was never meant for it may give NaN, whose derivative is NaN even where the result is not
/// used, or never end. `taken` is bool[batch]. Derivatives end at what is put in; and where no
/// example takes part, at all values.
std::vector<Batched> only_taken(Build& build, const Value& taken, std::span<const Batched> values) {
  Value position = iota(build, DType::i64, taken.shape(), 0);
  Value one = reduce_max(select(taken, position, 0.0), {0});
  Value any = build.call("reduce_or", {taken}, {{"axes", Integers{0}}});
  std::vector<Batched> results;
  for (const Batched& value : values) {
    const Value& x = value.value;
    if (value.batched) {
      Integers others;
      for (size_t i = 1; i < x.rank(); ++i) others.push_back(static_cast<int64_t>(i));
      Value other = broadcast(gather(x, one, 0, 0), x.shape(), others);
      results.push_back({select_examples(taken, x, stop_gradient(other)), true});
    } else if (is_floating(x.dtype())) {
      results.push_back({select(broadcast(any, x.shape(), {}), x, stop_gradient(x)), false});
    } else {
      results.push_back(value);
    }
  }
  return results;
}

std::vector<Batched> batch_call(const BatchCall& call) {
  const Attributes& attributes = call.node.attributes;
  GraphRef body = attributes.graph("body");
  if (!attributes.boolean("remat")) {
    return vmap_inline(call.build, call.scope, *body, call.inputs);
  }
  Flags inputs = batched_flags(call.inputs);
  Flags outputs = batched_outputs(call.scope, *body, inputs);
  Attributes changed = attributes;
  const OpRegistry& ops = call.build.ops();
  changed.set("body", GraphRef(vmap_region_graph(*body, ops, call.scope, inputs, outputs)));
  std::vector<Value> values = with_batch(call.scope, call.inputs, inputs);
  return marked(call.build.call_multi(*call.node.op, values, changed), outputs);
}

/// A graph of the same inputs and outputs that gives zeros.
GraphRef zeros_instead_of(const Graph& f, const OpRegistry& ops) {
  auto zeros = std::make_shared<Graph>(f.name() + "_zeros");
  copy_symbol_bounds(*zeros, f);
  Build build(*zeros, ops);
  std::vector<ValueId> outputs;
  for (size_t i = 0; i < f.inputs().size(); ++i)
    build.input(f.input_names()[i], f.type(f.inputs()[i]));
  for (ValueId output : f.outputs()) outputs.push_back(build.full(f.type(output), 0.0).id());
  zeros->set_outputs(std::move(outputs));
  return zeros;
}

/// One branch of a conditional for the examples that take it; what the others get is not used.
std::vector<Batched> batch_branch(const BatchCall& call, const Graph& branch, const Value& taken) {
  std::span<const Batched> given = call.inputs.subspan(1);
  // Who does not take a branch still is a participant of its collectives.
  if (call.scope.concerns(call.node)) return vmap_inline(call.build, call.scope, branch, given);
  std::vector<Batched> operands = only_taken(call.build, taken, given);
  if (!may_be_endless(branch)) return vmap_inline(call.build, call.scope, branch, operands);
  // It may not run at all where nobody takes it.
  Flags inputs = batched_flags(operands);
  Flags outputs = batched_outputs(call.scope, branch, inputs);
  const OpRegistry& ops = call.build.ops();
  GraphRef batched = vmap_region_graph(branch, ops, call.scope, inputs, outputs);
  Cond cond{batched, zeros_instead_of(*batched, ops)};
  Value any = call.build.call("reduce_or", {taken}, {{"axes", Integers{0}}});
  return marked(cond.emit(call.build, any, with_batch(call.scope, operands, inputs)), outputs);
}

std::vector<Batched> batch_cond(const BatchCall& call) {
  Cond cond = Cond::of(call.node);
  std::span<const Batched> operands = call.inputs.subspan(1);
  if (call.inputs[0].batched) {
    // Examples go different ways: both are taken.
    auto yes = batch_branch(call, *cond.then, call.inputs[0].value);
    auto no = batch_branch(call, *cond.otherwise, logical_not(call.inputs[0].value));
    for (size_t i = 0; i < yes.size(); ++i) {
      yes[i] = {select_examples(call.inputs[0].value, call.scope.spread(yes[i]),
                                call.scope.spread(no[i])),
                true};
    }
    return yes;
  }
  Flags inputs = batched_flags(operands);
  Flags outputs = batched_outputs(call.scope, *cond.then, inputs);
  Flags others = batched_outputs(call.scope, *cond.otherwise, inputs);
  for (size_t i = 0; i < outputs.size(); ++i) outputs[i] = outputs[i] || others[i];
  const OpRegistry& ops = call.build.ops();
  Cond batched{vmap_region_graph(*cond.then, ops, call.scope, inputs, outputs),
               vmap_region_graph(*cond.otherwise, ops, call.scope, inputs, outputs)};
  std::vector<Value> values = with_batch(call.scope, operands, inputs);
  return marked(batched.emit(call.build, call.inputs[0].value, values), outputs);
}

std::vector<Batched> batch_scan(const BatchCall& call) {
  Scan scan = Scan::of(call.node);
  size_t first = scan.constants;
  Flags inputs =
      spread_over_carries(call.scope, *scan.body, first, scan.carries, batched_flags(call.inputs));
  Flags outputs = batched_outputs(call.scope, *scan.body, inputs);
  for (size_t i = 0; i < scan.carries; ++i) outputs[i] = inputs[first + i];
  Scan batched = scan;
  const OpRegistry& ops = call.build.ops();
  batched.body = vmap_region_graph(*scan.body, ops, call.scope, inputs, outputs);
  std::vector<Value> values = with_batch(call.scope, call.inputs, inputs);
  // The step stays the first axis of what is sliced and stacked.
  for (size_t i = 0; i < values.size(); ++i) {
    if (scan.is_x(i) && inputs[i]) values[i] = move_axis(values[i], 0, 1);
  }
  std::vector<Value> results = batched.emit(call.build, values);
  for (size_t i = scan.carries; i < results.size(); ++i) {
    if (outputs[i]) results[i] = move_axis(results[i], 1, 0);
  }
  return marked(results, outputs);
}

/// A loop whose condition differs between examples: it goes on until all are done, and examples
/// that are done keep their states. All states have the batch; `inputs` says which constants do.
While run_until_all_done(const BatchCall& call, const While& loop, const Flags& inputs) {
  BatchScope& scope = call.scope;
  const OpRegistry& ops = call.build.ops();
  auto goes_on = vmap_region_graph(*loop.condition, ops, scope, inputs, {true});
  auto step = vmap_region_graph(*loop.body, ops, scope, inputs, Flags(loop.states(), true));

  auto make = [&](const std::string& name, auto outputs_of) {
    auto graph = std::make_shared<Graph>(name);
    Build build(*graph, ops);
    std::vector<Value> arguments;
    for (size_t i = 0; i < inputs.size(); ++i) {
      arguments.push_back(build.input(step->input_names()[i], step->type(step->inputs()[i])));
    }
    std::vector<ValueId> ids;
    for (const Value& value : outputs_of(build, arguments)) ids.push_back(value.id());
    graph->set_outputs(std::move(ids));
    return graph;
  };
  While until{.constants = loop.constants};
  until.condition = make(goes_on->name(), [&](Build& build, std::vector<Value>& arguments) {
    Value each = build.inline_graph(*goes_on, arguments)[0];
    return std::vector<Value>{build.call("reduce_or", {each}, {{"axes", Integers{0}}})};
  });
  until.body = make(step->name(), [&](Build& build, std::vector<Value>& arguments) {
    Value each = build.inline_graph(*goes_on, arguments)[0];
    // A loop inside might not end on the states of examples that are done.
    std::vector<Value> taken = arguments;
    if (may_be_endless(*step))
      taken = values_of(only_taken(build, each, marked(arguments, inputs)));
    std::vector<Value> next = build.inline_graph(*step, taken);
    for (size_t i = 0; i < next.size(); ++i) {
      next[i] = select_examples(each, next[i], arguments[loop.constants + i]);
    }
    return next;
  });
  return until;
}

std::vector<Batched> batch_while(const BatchCall& call) {
  const While loop = While::of(call.node);
  Flags inputs = spread_over_carries(call.scope, *loop.body, loop.constants, loop.states(),
                                     batched_flags(call.inputs));
  const auto first_state = inputs.begin() + static_cast<std::ptrdiff_t>(loop.constants);
  const OpRegistry& ops = call.build.ops();
  While batched{.constants = loop.constants};
  if (batched_outputs(call.scope, *loop.condition, inputs)[0]) {
    std::fill(first_state, inputs.end(), true);
    batched = run_until_all_done(call, loop, inputs);
  } else {
    batched.condition = vmap_region_graph(*loop.condition, ops, call.scope, inputs, {false});
    batched.body =
        vmap_region_graph(*loop.body, ops, call.scope, inputs, Flags(first_state, inputs.end()));
  }
  return marked(batched.emit(call.build, with_batch(call.scope, call.inputs, inputs)),
                Flags(first_state, inputs.end()));
}

/// Cotangents of inputs that are the same for all examples are summed over the batch.
GraphRef batched_backward(const BatchCall& call, const CustomVjp& custom, const Flags& inputs,
                          const Flags& given) {
  const OpRegistry& ops = call.build.ops();
  Flags all(inputs.size(), true);
  auto each = vmap_region_graph(*custom.backward, ops, call.scope, given, all);
  Build build(*each, ops);
  std::vector<ValueId> outputs = each->outputs();
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (inputs[i]) continue;
    Value cotangent = build.value(outputs[i]);
    // Integers have no cotangent: whatever is there is as good for one example as for another.
    bool real = is_floating(cotangent.dtype());
    Value one = real ? reduce_sum(cotangent, {0}) : squeeze(slice_axis(cotangent, 0, 0, 1), 0);
    outputs[i] = one.id();
  }
  each->set_outputs(std::move(outputs));
  return each;
}

std::vector<Batched> batch_custom_vjp(const BatchCall& call) {
  CustomVjp custom = CustomVjp::of(call.node);
  const OpRegistry& ops = call.build.ops();
  Flags inputs = batched_flags(call.inputs);
  size_t results = call.node.outputs.size();
  Flags kept = batched_outputs(call.scope, *custom.forward, inputs);
  // primal and forward agree on which results are batched.
  Flags outputs(results, true);
  for (size_t i = 0; i < results; ++i) kept[i] = true;
  Flags given(kept.begin() + static_cast<std::ptrdiff_t>(results), kept.end());
  given.insert(given.end(), outputs.begin(), outputs.end());
  CustomVjp batched{vmap_region_graph(*custom.primal, ops, call.scope, inputs, outputs),
                    vmap_region_graph(*custom.forward, ops, call.scope, inputs, kept),
                    batched_backward(call, custom, inputs, given)};
  return marked(batched.emit(call.build, with_batch(call.scope, call.inputs, inputs)), outputs);
}

}  // namespace

std::vector<Batched> batch_region(const BatchCall& call) {
  switch (control_of(*call.node.op)) {
    case Control::call:
      return batch_call(call);
    case Control::cond:
      return batch_cond(call);
    case Control::scan:
      return batch_scan(call);
    case Control::while_loop:
      return batch_while(call);
    case Control::custom_vjp:
      return batch_custom_vjp(call);
    case Control::other:
      break;
  }
  fail(ErrorCode::internal, "vmap: no rule for {}", describe_call(call.graph, call.node));
}

}  // namespace tenon::detail
