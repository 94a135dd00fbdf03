#include "tenon/transform/control_dependence.h"

#include <algorithm>

#include "tenon/transform/subgraph.h"

namespace tenon::detail {

Flags settle_forwards(size_t first, size_t carries, Flags inputs,
                      const std::function<Flags(const Flags&)>& outputs_of) {
  for (bool changed = true; changed;) {
    changed = false;
    const Flags outputs = outputs_of(inputs);
    for (size_t i = 0; i < carries; ++i) {
      if (!outputs[i] || inputs[first + i]) continue;
      inputs[first + i] = true;
      changed = true;
    }
  }
  return inputs;
}

Flags settle_forwards(const Graph& body, size_t first, size_t carries, Flags inputs) {
  return settle_forwards(first, carries, std::move(inputs), [&body](const Flags& reached) {
    return pick(reached_from(body, reached), body.outputs());
  });
}

Flags settle_backwards(const Graph& body, size_t first, size_t carries, Flags outputs) {
  for (bool changed = true; changed;) {
    changed = false;
    Flags inputs = pick(reaching(body, outputs), body.inputs());
    for (size_t i = 0; i < carries; ++i) {
      if (!inputs[first + i] || outputs[i]) continue;
      outputs[i] = true;
      changed = true;
    }
  }
  return outputs;
}

namespace {

Flags either(Flags a, const Flags& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] = a[i] || b[i];
  return a;
}

Flags tail(const Flags& flags) { return {flags.begin() + 1, flags.end()}; }

Flags outputs_reached(const Graph& graph, const Flags& inputs) {
  return pick(reached_from(graph, inputs), graph.outputs());
}

Flags inputs_reaching(const Graph& graph, const Flags& outputs) {
  return pick(reaching(graph, outputs), graph.inputs());
}

}  // namespace

Flags region_reached_from(const Node& node, const Flags& inputs) {
  switch (control_of(*node.op)) {
    case Control::call:
      return outputs_reached(*node.attributes.graph("body"), inputs);
    case Control::cond: {
      Cond cond = Cond::of(node);
      return either(outputs_reached(*cond.then, tail(inputs)),
                    outputs_reached(*cond.otherwise, tail(inputs)));
    }
    case Control::while_loop: {
      const While loop = While::of(node);
      Flags settled = settle_forwards(*loop.body, loop.constants, loop.states(), inputs);
      return {settled.begin() + static_cast<std::ptrdiff_t>(loop.constants), settled.end()};
    }
    case Control::scan: {
      Scan scan = Scan::of(node);
      Flags settled = settle_forwards(*scan.body, scan.constants, scan.carries, inputs);
      Flags outputs = outputs_reached(*scan.body, settled);
      // A loop of no steps hands its carries through.
      for (size_t i = 0; i < scan.carries; ++i) outputs[i] = settled[scan.constants + i];
      return outputs;
    }
    default: {
      bool any = std::find(inputs.begin(), inputs.end(), true) != inputs.end();
      return Flags(node.outputs.size(), any);
    }
  }
}

Flags region_reaching(const Node& node, const Flags& outputs) {
  switch (control_of(*node.op)) {
    case Control::call:
      return inputs_reaching(*node.attributes.graph("body"), outputs);
    case Control::cond: {
      Cond cond = Cond::of(node);
      Flags inputs =
          either(inputs_reaching(*cond.then, outputs), inputs_reaching(*cond.otherwise, outputs));
      inputs.insert(inputs.begin(), false);
      return inputs;
    }
    case Control::while_loop: {
      const While loop = While::of(node);
      Flags settled = settle_backwards(*loop.body, loop.constants, loop.states(), outputs);
      Flags inputs = inputs_reaching(*loop.body, settled);
      for (size_t i = 0; i < loop.states(); ++i) inputs[loop.constants + i] = settled[i];
      return inputs;
    }
    case Control::scan: {
      Scan scan = Scan::of(node);
      Flags settled = settle_backwards(*scan.body, scan.constants, scan.carries, outputs);
      Flags inputs = inputs_reaching(*scan.body, settled);
      for (size_t i = 0; i < scan.carries; ++i) inputs[scan.constants + i] = settled[i];
      return inputs;
    }
    default:
      return Flags(node.inputs.size(), true);
  }
}

std::unique_ptr<Graph> permuted(const Graph& f, std::span<const size_t> inputs,
                                std::span<const size_t> outputs) {
  std::vector<ValueId> new_inputs;
  std::vector<ValueId> new_outputs;
  for (size_t i : inputs) new_inputs.push_back(f.inputs()[i]);
  for (size_t i : outputs) new_outputs.push_back(f.outputs()[i]);
  return extract(f, new_inputs, new_outputs, f.name());
}

}  // namespace tenon::detail
