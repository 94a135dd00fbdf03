#include "tenon/tensor/plans.h"

#include <bit>

#include <fmt/format.h>

#include "tenon/ops/registry.h"
#include "tenon/tensor/key_mixer.h"
#include "tenon/tensor/plan_store.h"

namespace tenon::detail {

namespace {

void add_dim(KeyMixer& mixer, const Dim& dim) {
  if (dim.is_constant()) {
    mixer.add(static_cast<uint64_t>(dim.constant()));
  } else {
    mixer.add(dim.to_string());
  }
}

struct AttributeMixer {
  KeyMixer& mixer;

  void operator()(bool value) const { mixer.add(uint64_t{value}); }
  void operator()(int64_t value) const { mixer.add(static_cast<uint64_t>(value)); }
  void operator()(double value) const { mixer.add(std::bit_cast<uint64_t>(value)); }
  void operator()(const std::string& value) const { mixer.add(std::string_view(value)); }
  void operator()(DType value) const { mixer.add(static_cast<uint64_t>(value)); }
  void operator()(const Integers& values) const {
    mixer.add(values.size());
    for (int64_t value : values) (*this)(value);
  }
  void operator()(const Reals& values) const {
    mixer.add(values.size());
    for (double value : values) (*this)(value);
  }
  void operator()(const Shape& shape) const {
    mixer.add(shape.rank());
    for (const Dim& dim : shape) add_dim(mixer, dim);
  }
  void operator()(const LiteralRef& literal) const {
    (*this)(literal->dtype());
    (*this)(literal->shape());
    mixer.add(literal->content_hash());
  }
  void operator()(const GraphRef& graph) const { mixer.add(graph->structural_hash()); }
  void operator()(const Types& types) const {
    mixer.add(types.size());
    for (const Type& type : types) {
      (*this)(type.dtype);
      (*this)(type.shape);
    }
  }
};

Hash128 attributes_key(PendingCall& call) {
  constexpr auto relaxed = std::memory_order_relaxed;
  if (call.attributes_hashed.load(std::memory_order_acquire))
    return {call.attributes_low.load(relaxed), call.attributes_high.load(relaxed)};
  KeyMixer mixer;
  for (const auto& [name, value] : call.attributes) {
    mixer.add(std::string_view(name));
    mixer.add(static_cast<uint64_t>(value.kind()));
    std::visit(AttributeMixer{mixer}, value.storage());
  }
  Hash128 hash = mixer.finish();
  call.attributes_low.store(hash.low, relaxed);
  call.attributes_high.store(hash.high, relaxed);
  call.attributes_hashed.store(true, std::memory_order_release);
  return hash;
}

Graph graph_of(const Section& section, std::span<const uint32_t> outputs) {
  Graph graph("eager");
  std::vector<ValueId> leaves;
  leaves.reserve(section.leaves.size());
  for (const NodeRef* leaf : section.leaves)
    leaves.push_back(graph.add_input(fmt::format("x{}", leaves.size()), (*leaf)->type));
  std::vector<ValueId> calls = emit_calls(graph, section, leaves);
  std::vector<ValueId> results;
  for (uint32_t output : outputs) results.push_back(value_of(section, output, leaves, calls));
  graph.set_outputs(std::move(results));
  return graph;
}

/// For numbers where symbols would do as well: the first program of a family, and those that have
/// no symbolic form.
PlanRef plan_with_numbers(const Section& section, std::span<const uint32_t> outputs) {
  return std::make_shared<const Plan>(Plan{make_plan(graph_of(section, outputs)), {}});
}

}  // namespace

uint64_t place_of(const Section& section, uint32_t value) {
  const Section::Value& known = section.values[value];
  if (known.is_leaf) return known.index;
  return uint64_t{1} << 63 | uint64_t{(*known.node)->output} << 32 | known.index;
}

Hash128 structural_key(const Section& section, std::span<const uint32_t> outputs) {
  KeyMixer mixer;
  mixer.add(section.leaves.size());
  for (const NodeRef* leaf : section.leaves) {
    const Type& type = (*leaf)->type;
    mixer.add(static_cast<uint64_t>(type.dtype) << 32 | type.rank());
    for (const Dim& dim : type.shape) add_dim(mixer, dim);
  }
  for (const Section::Call& call : section.calls) {
    mixer.add(call->op);
    if (!call->attributes.empty()) mixer.add(attributes_key(*call));
    // Calls that can fail while they run name their layer, which is then a part of the plan.
    if (call->op->is_opaque && !call->label.empty()) mixer.add(std::string_view(call->label));
    mixer.add(call->inputs.size());
    for (uint32_t operand : section.operands_of(call)) mixer.add(place_of(section, operand));
  }
  for (uint32_t output : outputs) mixer.add(place_of(section, output));
  return mixer.finish();
}

PlanRef plan_for(const Section& section, std::span<const uint32_t> outputs) {
  const Hash128 key = structural_key(section, outputs);
  PlanStore& store = PlanStore::shared();
  if (PlanRef plan = store.find(key)) return plan;
  const FamilyMember member = describe_member(section, outputs);
  std::shared_ptr<PlanFamily> family = store.family(member.key);
  std::scoped_lock lock(family->mutex);  // one thread compiles, others wait for its result
  if (PlanRef plan = store.find(key)) return plan;
  uint64_t compilations = 0;
  PlanRef plan = family->symbolic_plan(section, outputs, member, compilations);
  if (!plan) {
    plan = plan_with_numbers(section, outputs);
    ++compilations;
  }
  store.count_compilations(compilations);
  store.keep(key, plan, *family);
  return plan;
}

std::shared_ptr<const Executable> make_plan(const Graph& graph, CompileOptions options) {
  return compile(graph, core_ops(), std::move(options));
}

}  // namespace tenon::detail
