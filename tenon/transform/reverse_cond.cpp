#include <array>
#include <memory>

#include "tenon/transform/control_dependence.h"
#include "tenon/transform/joint.h"
#include "tenon/transform/reverse.h"
#include "tenon/transform/subgraph.h"
#include "tenon/transform/values.h"

namespace tenon::detail {

namespace {

/// One branch, cut in two. Both branches of a conditional have the same results, so what they save
/// shares slots.
struct Branch {
  Joint joint;
  std::vector<ValueId> residuals;
  std::vector<size_t> slots;  // one per residual

  Branch(const Graph& body, const RegionCall& call, const Flags& wanted)
      : joint(body, call.build.ops(), wanted, call.seeded) {
    Flags free(joint.graph->value_count(), false);
    for (ValueId input : joint.inputs) free[input.index] = true;
    residuals = choose_residuals(joint, free);
  }

  /// Gives each residual a slot of its type, a new one where all are taken.
  void take_slots(std::vector<Type>& slot_types) {
    std::vector<bool> taken(slot_types.size(), false);
    for (ValueId residual : residuals) {
      const Type& type = joint.graph->type(residual);
      size_t slot = 0;
      while (slot < taken.size() && (taken[slot] || slot_types[slot] != type)) ++slot;
      if (slot == taken.size()) {
        slot_types.push_back(type);
        taken.push_back(false);
      }
      taken[slot] = true;
      slots.push_back(slot);
    }
  }

  /// (operands…) -> (results…, slots…); slots of the other branch are zeros.
  std::unique_ptr<Graph> forward(const OpRegistry& ops, const std::vector<Type>& slot_types) const {
    auto graph = forward_part(joint, residuals);
    Build build(*graph, ops);
    std::vector<ValueId> outputs = graph->outputs();
    size_t results = joint.outputs.size();
    std::vector<ValueId> saved(outputs.begin() + static_cast<std::ptrdiff_t>(results),
                               outputs.end());
    outputs.resize(results);
    outputs.resize(results + slot_types.size());  // the new ones are invalid
    for (size_t i = 0; i < slots.size(); ++i) outputs[results + slots[i]] = saved[i];
    for (size_t slot = 0; slot < slot_types.size(); ++slot) {
      ValueId& output = outputs[results + slot];
      if (!output.valid()) output = build.full(slot_types[slot], 0.0).id();
    }
    graph->set_outputs(std::move(outputs));
    return graph;
  }

  /// (operands…, slots…, cotangents of seeded results…) -> (cotangents of flagged operands…).
  std::unique_ptr<Graph> backward(const OpRegistry& ops, const std::vector<Type>& slot_types,
                                  const Flags& given) const {
    std::vector<ValueId> saved = joint.inputs;
    saved.insert(saved.end(), residuals.begin(), residuals.end());
    auto part = backward_part(joint, saved);

    auto graph = std::make_unique<Graph>(part->name());
    copy_symbol_bounds(*graph, *part);
    Build build(*graph, ops);
    std::vector<ValueId> arguments;
    size_t operands = joint.inputs.size();
    auto input = [&](size_t i) {
      std::string name = unused_input_name(*graph, part->input_names()[i]);
      return graph->add_input(std::move(name), part->type(part->inputs()[i]));
    };
    for (size_t i = 0; i < operands; ++i) arguments.push_back(input(i));
    std::vector<ValueId> of_slot;
    for (size_t i = 0; i < slot_types.size(); ++i) {
      std::string name = unused_input_name(*graph, "saved" + std::to_string(i));
      of_slot.push_back(graph->add_input(std::move(name), slot_types[i]));
    }
    for (size_t slot : slots) arguments.push_back(of_slot[slot]);
    for (size_t i = arguments.size(); i < part->inputs().size(); ++i) arguments.push_back(input(i));

    std::vector<ValueId> map = copy_nodes(*graph, *part, arguments);
    std::vector<ValueId> outputs;
    size_t next = 0;
    for (size_t i = 0; i < operands; ++i) {
      bool valid = joint.input_cotangents[i].valid();
      ValueId cotangent = valid ? map[part->outputs()[next++].index] : ValueId();
      if (!given[i]) continue;
      if (!valid) cotangent = build.full(graph->type(arguments[i]), 0.0).id();
      outputs.push_back(cotangent);
    }
    graph->set_outputs(std::move(outputs));
    return graph;
  }
};

}  // namespace

RegionForward forward_cond(const RegionCall& call) {
  Cond cond = Cond::of(call.node);
  Flags wanted(call.wanted.begin() + 1, call.wanted.end());
  std::array branches = {Branch(*cond.then, call, wanted), Branch(*cond.otherwise, call, wanted)};
  std::vector<Type> slot_types;
  for (Branch& branch : branches) branch.take_slots(slot_types);

  const OpRegistry& ops = call.build.ops();
  Value predicate = call.inputs[0];
  std::vector<Value> operands(call.inputs.begin() + 1, call.inputs.end());
  Cond forward{branches[0].forward(ops, slot_types), branches[1].forward(ops, slot_types)};
  std::vector<Value> outputs = forward.emit(call.build, predicate, operands);
  size_t results = call.node.outputs.size();
  std::vector<Value> saved(outputs.begin() + static_cast<std::ptrdiff_t>(results), outputs.end());
  outputs.resize(results);

  Flags given(operands.size(), false);
  for (size_t i = 0; i < given.size(); ++i) {
    for (const Branch& branch : branches)
      given[i] = given[i] || branch.joint.input_cotangents[i].valid();
  }
  Cond backward{branches[0].backward(ops, slot_types, given),
                branches[1].backward(ops, slot_types, given)};
  Build& build = call.build;
  std::vector<Type> types;
  for (const Value& output : outputs) types.push_back(output.type());
  auto pull = [=, &build, seeded = call.seeded](std::span<const Value> cotangents) {
    std::vector<Value> arguments = operands;
    arguments.insert(arguments.end(), saved.begin(), saved.end());
    for (size_t i = 0; i < types.size(); ++i) {
      if (seeded[i]) arguments.push_back(or_zeros(build, cotangents[i], types[i]));
    }
    std::vector<Value> pulled = backward.emit(build, predicate, arguments);
    std::vector<Value> result(given.size() + 1);
    size_t next = 0;
    for (size_t i = 0; i < given.size(); ++i) {
      if (given[i]) result[i + 1] = pulled[next++];
    }
    return result;
  };
  return {std::move(outputs), std::move(pull)};
}

}  // namespace tenon::detail
