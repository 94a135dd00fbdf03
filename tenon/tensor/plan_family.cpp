#include "tenon/tensor/plan_family.h"

#include <algorithm>

#include "tenon/graph/condition.h"
#include "tenon/tensor/key_mixer.h"

namespace tenon::detail {

namespace {

constexpr size_t kMaxSamples = 4;
constexpr size_t kMaxVersions = 4;
constexpr int kMaxAttempts = 8;

/// Writes what members of a family have in common to the key, and their sizes to the list.
class MemberWriter {
 public:
  explicit MemberWriter(FamilyMember& member) : member_(member) {}

  KeyMixer mixer;

  void add_size(const Dim& size) {
    if (!size.is_constant()) {
      member_.has_numbers_only = false;
      mixer.add(size.to_string());
      return;
    }
    const int64_t number = size.constant();
    member_.sizes.push_back(number);
    // 0 and 1 are themselves; all other sizes are alike, but never negative ones and positive ones.
    mixer.add(static_cast<uint64_t>(std::clamp<int64_t>(number, -1, 2)));
  }
  void add_shape(const Shape& shape) {
    mixer.add(shape.rank());
    for (const Dim& size : shape) add_size(size);
  }
  void add_type(const Type& type) {
    mixer.add(static_cast<uint64_t>(type.dtype));
    add_shape(type.shape);
  }
  void add_attributes(const Attributes& attributes) {
    for (const auto& [name, value] : attributes) {
      mixer.add(std::string_view(name));
      if (const auto* shape = value.get_if<Shape>()) {
        add_shape(*shape);
      } else if (const auto* types = value.get_if<Types>()) {
        mixer.add(types->size());
        for (const Type& type : *types) add_type(type);
      } else if (const auto* graph = value.get_if<GraphRef>()) {
        add_graph(**graph);
      } else {
        Hasher hasher;
        value.hash(hasher);
        mixer.add(hasher.finish());
      }
    }
  }

 private:
  void add_graph(const Graph& graph) {
    mixer.add(graph.inputs().size());
    for (ValueId input : graph.inputs()) add_type(graph.type(input));
    for (const Node& node : graph.nodes()) {
      mixer.add(node.op);
      add_attributes(node.attributes);
      mixer.add(node.inputs.size());
      for (ValueId input : node.inputs) mixer.add(uint64_t{input.index});
      for (ValueId output : node.outputs) add_type(graph.type(output));
    }
    for (ValueId output : graph.outputs()) mixer.add(uint64_t{output.index});
  }

  FamilyMember& member_;
};

std::vector<std::vector<int64_t>> input_shapes(const Section& section,
                                               const std::vector<Buffer>& sizes) {
  std::vector<std::vector<int64_t>> shapes;
  for (const NodeRef* leaf : section.leaves) shapes.push_back((*leaf)->type.shape.constants());
  for (const Buffer& size : sizes) shapes.push_back(size.shape());
  return shapes;
}

}  // namespace

FamilyMember describe_member(const Section& section, std::span<const uint32_t> outputs) {
  FamilyMember member;
  MemberWriter writer(member);
  writer.mixer.add(section.leaves.size());
  for (const NodeRef* leaf : section.leaves) writer.add_type((*leaf)->type);
  for (const Section::Call& call : section.calls) {
    writer.mixer.add(call->op);
    writer.add_attributes(call->attributes);
    if (call->op->is_opaque) writer.mixer.add(std::string_view(call->label));
    writer.mixer.add(call->inputs.size());
    for (uint32_t operand : section.operands_of(call)) writer.mixer.add(place_of(section, operand));
    writer.mixer.add(place_of(section, call.reached));
    writer.add_type(section.type_of(call.reached));
  }
  for (uint32_t output : outputs) writer.mixer.add(place_of(section, output));
  member.key = writer.mixer.finish();
  return member;
}

PlanRef PlanFamily::find_version(const Section& section, const FamilyMember& member) {
  for (auto version = versions_.begin(); version != versions_.end(); ++version) {
    std::optional<SymbolValues> values = version->form.values_for(member.sizes);
    if (!values) continue;
    std::vector<Buffer> sizes = version->form.size_inputs(*values);
    try {
      version->program->prepare(input_shapes(section, sizes));
    } catch (const Error&) {
      // No kernel for these sizes, or no memory: with numbers there may be, or an error that tells
      // of the program as it was written.
      return nullptr;
    }
    return std::make_shared<const Plan>(Plan{version->program, std::move(sizes)});
  }
  return nullptr;
}

bool PlanFamily::add_version(const Section& section, std::span<const uint32_t> outputs,
                             const FamilyMember& member, uint64_t& compilations) {
  std::vector<Sizes> samples = samples_;
  samples.push_back(member.sizes);
  // What is tried here is nothing that a function which is being traced asked.
  ConditionPause pause;
  std::optional<SymbolicForm> form = find_symbolic_form(section, outputs, samples);
  const bool serves_all = form.has_value();
  if (!form && samples.size() > 2)
    form = find_symbolic_form(section, outputs, std::span(samples).last(2));
  if (!form) return false;
  std::shared_ptr<const Executable> program;
  try {
    program = make_plan(form->graph);
  } catch (const Error&) {
    return false;  // the compiler needs numbers here
  }
  ++compilations;
  if (serves_all) versions_.clear();
  if (versions_.size() == kMaxVersions) versions_.pop_back();
  versions_.insert(versions_.begin(), {std::move(*form), std::move(program)});
  return true;
}

PlanRef PlanFamily::symbolic_plan(const Section& section, std::span<const uint32_t> outputs,
                                  const FamilyMember& member, uint64_t& compilations) {
  if (!member.has_numbers_only) return nullptr;
  if (PlanRef plan = find_version(section, member)) return plan;
  if (std::ranges::find(samples_, member.sizes) != samples_.end()) return nullptr;
  PlanRef plan;
  if (!samples_.empty() && attempts_ < kMaxAttempts) {
    ++attempts_;
    if (add_version(section, outputs, member, compilations)) plan = find_version(section, member);
  }
  if (samples_.size() == kMaxSamples) samples_.pop_back();
  samples_.push_back(member.sizes);
  return plan;
}

}  // namespace tenon::detail
