#include "tenon/runtime/instance_builder.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <list>
#include <map>
#include <ranges>
#include <unordered_map>

#include <fmt/format.h>

#include "tenon/base/error.h"
#include "tenon/base/log.h"
#include "tenon/base/strings.h"
#include "tenon/compile/fusion.h"
#include "tenon/graph/bind.h"
#include "tenon/ops/control_flow.h"
#include "tenon/runtime/views.h"

namespace tenon {

namespace {

/// What symbols left open, such as whether a slice lies inside its axis, shows once they are
/// numbers: kernels would read and write whatever is there.
void check_sizes(const Graph& graph, const SymbolValues& symbols) {
  for (const Node& node : graph.nodes()) {
    if (node.op == &fusion_op()) {
      check_sizes(fusion_body(node), symbols);
      continue;
    }
    try {
      check_sizes(graph, node, symbols);
    } catch (Error& error) {
      if (!node.label.empty()) error.note("in {}", node.label);
      throw;
    }
  }
}

/// Kernels multiply sizes of axes, add to them, round them up and count the bytes of several such
/// arrays, and do so with the axes of an array without elements, too: as in NumPy, an empty axis
/// does not make the others boundless.
void check_axes(const std::vector<int64_t>& shape) {
  constexpr int64_t kMost = int64_t{1} << 56;  // no address space has more
  int64_t count = 1;
  bool beyond = false, empty = false;
  for (int64_t axis : shape) {
    empty |= axis == 0;
    beyond |= axis != 0 && (__builtin_mul_overflow(count, axis, &count) || count > kMost);
  }
  if (!beyond) return;
  fail(ErrorCode::out_of_range, "an array {} has{} more elements than memory can ever hold",
       Shape::of(shape).to_string(), empty ? ", its empty axes left out," : "");
}

/// Donated inputs of one type that no output has taken yet, in order: a tree finds the first one
/// that is read early enough.
class DonatedInputs {
 public:
  static constexpr size_t kNone = std::numeric_limits<size_t>::max();

  void add(size_t input, int32_t last_read) {
    inputs_.push_back(input);
    reads_.push_back(last_read);
  }
  /// After the last add().
  void finish() {
    leaves_ = std::bit_ceil(inputs_.size());
    earliest_.assign(2 * leaves_, kTaken);
    std::ranges::copy(reads_, earliest_.begin() + static_cast<std::ptrdiff_t>(leaves_));
    for (size_t node = leaves_; node-- > 1;) update(node);
  }

  size_t first_read_before(int32_t step) const {
    if (earliest_[1] >= step) return kNone;
    size_t node = 1;
    while (node < leaves_) node = 2 * node + (earliest_[2 * node] >= step);
    return inputs_[node - leaves_];
  }
  bool contains(size_t input) const {
    const size_t place = place_of(input);
    return place < inputs_.size() && inputs_[place] == input &&
           earliest_[leaves_ + place] != kTaken;
  }
  void remove(size_t input) {
    size_t node = leaves_ + place_of(input);
    earliest_[node] = kTaken;
    while (node > 1) update(node /= 2);
  }

 private:
  static constexpr int32_t kTaken = std::numeric_limits<int32_t>::max();
  size_t place_of(size_t input) const {
    return static_cast<size_t>(std::ranges::lower_bound(inputs_, input) - inputs_.begin());
  }
  void update(size_t node) {
    earliest_[node] = std::min(earliest_[2 * node], earliest_[2 * node + 1]);
  }

  std::vector<size_t> inputs_;  // ascending
  std::vector<int32_t> reads_;
  size_t leaves_ = 1;
  std::vector<int32_t> earliest_;  // of a binary tree: the least last read below a node
};

}  // namespace

InstanceBuilder::InstanceBuilder(Instance& instance, const SymbolValues& symbols,
                                 const InstanceOptions& options, const KnownValues& known)
    : instance_(instance),
      program_(instance.program_),
      graph_(*program_.graph),
      symbols_(symbols),
      options_(options),
      known_(known) {}

ConcreteType InstanceBuilder::concrete(const Type& type) const {
  ConcreteType result{type.dtype, type.shape.evaluate(symbols_)};
  check_axes(result.shape);
  return result;
}

int64_t InstanceBuilder::bytes_of(ValueId value) const {
  int64_t& bytes = bytes_[value.index];
  if (bytes < 0) bytes = concrete(graph_.type(value)).bytes();
  return bytes;
}

void InstanceBuilder::build() {
  bytes_.assign(graph_.value_count(), -1);
  if (!symbols_.empty()) check_sizes(graph_, symbols_);
  for (ValueId input : graph_.inputs())
    instance_.input_types_.push_back(concrete(graph_.type(input)));
  for (ValueId output : graph_.outputs())
    instance_.output_types_.push_back(concrete(graph_.type(output)));
  resolve_views();
  find_steps();
  number_steps();
  assign_outputs();
  donate_inputs();
  reuse_dying_inputs();
  prepared_.resize(order_.size());
  for (size_t i = 0; i < order_.size(); ++i) {
    ++now_;
    prepare_node(order_[i], prepared_[i]);
  }
  assign_arena();
  for (size_t i = 0; i < order_.size(); ++i) make_steps(order_[i], prepared_[i]);
  copy_remaining_outputs();
}

std::optional<Literal> InstanceBuilder::known_value(ValueId value) const {
  const ValueId root = root_of(value);
  if (auto found = known_.find(root); found != known_.end()) return found->second;
  const Node* const producer = graph_.producer(root);
  if (producer == nullptr || !is_constant(*producer)) return std::nullopt;
  return *producer->attributes.literal("value");
}

/// Whether a node needs no step, since its results are there.
bool InstanceBuilder::is_known(const Node& node) const {
  return is_constant(node) ||
         std::ranges::any_of(node.outputs, [&](ValueId output) { return known_.contains(output); });
}

uint32_t InstanceBuilder::add_constant(std::shared_ptr<const void> owner, const std::byte* data) {
  instance_.constants_.push_back({std::move(owner), const_cast<std::byte*>(data)});
  return static_cast<uint32_t>(instance_.constants_.size() - 1);
}

void InstanceBuilder::resolve_views() {
  root_.resize(graph_.value_count());
  for (ValueId input : graph_.inputs()) root_[input.index] = input;
  for (const Node& node : graph_.nodes()) {
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      root_[node.outputs[i].index] = node.op->is_view ? root_of(node.inputs[i]) : node.outputs[i];
    }
  }
}

/// Not views, nor what is known, nor what only that was made from.
void InstanceBuilder::find_steps() {
  has_step_.assign(graph_.node_count(), false);
  std::vector<bool> read(graph_.value_count(), false);
  for (ValueId output : graph_.outputs()) read[output.index] = true;
  for (NodeId id = static_cast<NodeId>(graph_.node_count()); id-- > 0;) {
    const Node& node = graph_.node(id);
    const bool needed =
        node.outputs.empty() ||
        std::ranges::any_of(node.outputs, [&](ValueId output) { return read[output.index]; });
    if (!needed || is_known(node)) continue;
    for (ValueId input : node.inputs) read[input.index] = true;
    has_step_[id] = !node.op->is_view;
  }
}

/// Step 0 is the state before the first instruction: inputs are written there.
void InstanceBuilder::number_steps() {
  first_.assign(graph_.value_count(), 0);
  last_.assign(graph_.value_count(), 0);
  int32_t step = 0;
  for (NodeId id = 0; id < graph_.node_count(); ++id) {
    const Node& node = graph_.node(id);
    if (!has_step_[id]) continue;
    order_.push_back(id);
    ++step;
    for (ValueId output : node.outputs) first_[output.index] = last_[output.index] = step;
    for (ValueId input : node.inputs) {
      int32_t& last = last_[root_of(input).index];
      last = std::max(last, step);
    }
  }
  int32_t end = step + 1;
  for (ValueId output : graph_.outputs()) last_[root_of(output).index] = end;
}

void InstanceBuilder::assign_outputs() {
  storage_.assign(graph_.value_count(), {Storage::Kind::arena, kNone});
  for (size_t i = 0; i < graph_.inputs().size(); ++i) {
    storage_[graph_.inputs()[i].index] = {Storage::Kind::input, static_cast<uint32_t>(i)};
  }
  for (const Node& node : graph_.nodes()) {
    if (!is_known(node)) continue;
    for (ValueId output : node.outputs) {
      const std::optional<Literal> value = known_value(output);
      if (!value) continue;  // nobody reads it
      const Literal& literal = *value;
      storage_[output.index] = {Storage::Kind::constant,
                                add_constant(literal.blob(), literal.data())};
    }
  }
  for (size_t i = 0; i < graph_.outputs().size(); ++i) {
    Storage& storage = storage_[root_of(graph_.outputs()[i]).index];
    bool free = storage.kind == Storage::Kind::arena;
    if (free) storage = {Storage::Kind::output, static_cast<uint32_t>(i)};
  }
}

/// Whether the kernel that writes `result` reads each element of `input` no later than it writes
/// the same place.
bool InstanceBuilder::may_overwrite(const Node& node, ValueId result, ValueId input) const {
  const FusionCode* const code = program_.code_of(graph_.value(result).producer);
  if (code == nullptr) return false;
  size_t output = graph_.value(result).output;
  for (const FusionCode::Step& step : code->steps) {
    for (size_t buffer = 0; buffer < step.operands.size(); ++buffer) {
      uint32_t operand = step.operands[buffer];
      bool reads = operand < node.inputs.size() && root_of(node.inputs[operand]) == input;
      if (operand != node.inputs.size() + output && !reads) continue;
      if (reads) {
        // Another launch may read it only if it does not write the result's memory before.
        if (code->steps.size() > 1) return false;
        continue;
      }
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        if (root_of(node.inputs[i]) != input) continue;
        const auto& shared = step.may_share[buffer];
        if (std::find(shared.begin(), shared.end(), static_cast<uint32_t>(i)) == shared.end())
          return false;
      }
    }
  }
  return true;
}

void InstanceBuilder::donate_inputs() {
  instance_.donated_input_.assign(graph_.outputs().size(), -1);
  std::vector<bool> taken(graph_.inputs().size(), false);
  for (ValueId output : graph_.outputs()) {
    // An input that is itself returned keeps its memory.
    const Storage& storage = storage_[root_of(output).index];
    if (storage.kind == Storage::Kind::input) taken[storage.index] = true;
  }
  // Donated inputs that are left, by what has to be equal.
  std::map<std::pair<DType, int64_t>, DonatedInputs> left;
  for (size_t d = 0; d < graph_.inputs().size(); ++d) {
    if (d >= options_.donated.size() || !options_.donated[d] || taken[d]) continue;
    const ConcreteType& type = instance_.input_types_[d];
    left[{type.dtype, type.bytes()}].add(d, last_[graph_.inputs()[d].index]);
  }
  for (auto& [type, inputs] : left) inputs.finish();
  for (size_t i = 0; i < graph_.outputs().size(); ++i) {
    ValueId root = root_of(graph_.outputs()[i]);
    const Storage& storage = storage_[root.index];
    if (storage.kind != Storage::Kind::output || storage.index != i) continue;
    const ConcreteType& type = instance_.output_types_[i];
    auto alike = left.find({type.dtype, type.bytes()});
    if (alike == left.end()) continue;
    const Node& node = *graph_.producer(root);
    const int32_t written = first_[root.index];
    DonatedInputs& inputs = alike->second;
    // The first that was read before, or that this very node reads and may overwrite.
    size_t chosen = inputs.first_read_before(written);
    for (ValueId operand : node.inputs) {
      const ValueId input = root_of(operand);
      if (!graph_.is_input(input) || last_[input.index] != written) continue;
      const size_t d = graph_.value(input).output;
      if (d < chosen && inputs.contains(d) && may_overwrite(node, root, input)) chosen = d;
    }
    if (chosen == DonatedInputs::kNone) continue;
    instance_.donated_input_[i] = static_cast<int>(chosen);
    inputs.remove(chosen);
  }
}

/// A kernel may write its result over an intermediate that it is the last to read.
void InstanceBuilder::reuse_dying_inputs() {
  for (NodeId id : order_) {
    const Node& node = graph_.node(id);
    if (!program_.code_of(id)) continue;
    std::vector<ValueId> taken;
    for (ValueId output : node.outputs) {
      if (storage_[output.index].kind != Storage::Kind::arena) continue;
      for (ValueId operand : node.inputs) {
        ValueId input = root_of(operand);
        bool dies = storage_[input.index].kind == Storage::Kind::arena &&
                    last_[input.index] == first_[output.index];
        bool same = dies && bytes_of(input) == bytes_of(output) &&
                    graph_.type(input).dtype == graph_.type(output).dtype;
        bool free = std::find(taken.begin(), taken.end(), input) == taken.end();
        if (!same || !free || !may_overwrite(node, output, input)) continue;
        taken.push_back(input);
        root_[output.index] = input;
        last_[input.index] = last_[output.index];
        break;
      }
    }
  }
}

uint32_t InstanceBuilder::add_arena_buffer(int64_t bytes, int32_t first, int32_t last) {
  arena_.push_back({bytes, first, last});
  return static_cast<uint32_t>(arena_.size() - 1);
}

void InstanceBuilder::prepare_node(NodeId id, Prepared& prepared) {
  if (const FusionCode* const code = program_.code_of(id)) {
    for (const Type& type : code->temporaries)
      prepared.scratch.push_back(add_scratch(concrete(type).bytes()));
    return;
  }
  program_.regions.contains(id) ? prepare_regions(id, prepared) : prepare_kernel(id, prepared);
}

/// Of the inputs of a region, which a loop passes on unchanged where they are its constants.
KnownValues InstanceBuilder::known_in_region(const Node& node, const Graph& graph) const {
  const Control control = control_of(*node.op);
  const size_t first = control == Control::cond ? 1 : 0;  // the predicate
  size_t constants = node.inputs.size() - first;
  if (control == Control::scan) constants = Scan::of(node).constants;
  if (control == Control::while_loop) constants -= node.outputs.size();
  KnownValues known;
  for (size_t i = 0; i < constants; ++i) {
    if (std::optional<Literal> value = known_value(node.inputs[first + i]))
      known.emplace(graph.inputs()[i], std::move(*value));
  }
  return known;
}

void InstanceBuilder::prepare_regions(NodeId id, Prepared& prepared) {
  const Node& node = graph_.node(id);
  int64_t arena = 0;
  for (const Program& region : program_.regions.at(id)) {
    const KnownValues known = known_in_region(node, *region.graph);
    InstanceOptions options{.exact_convolutions = options_.exact_convolutions};
    if (control_of(*node.op) == Control::scan)
      options.repeated.resize(Scan::of(node).constants, true);
    instance_.regions_.push_back(std::make_unique<Instance>(region, symbols_, options, known));
    const Instance& made = *instance_.regions_.back();
    prepared.regions.push_back(&made);
    arena = std::max(arena, made.arena_bytes());
    instance_.packed_bytes_ += made.packed_bytes();
  }
  prepared.scratch.push_back(add_scratch(arena));
  const Control control = control_of(*node.op);
  if (control == Control::cond) return;
  // The second set of buffers of the state that goes round; stacked results need none.
  size_t state = control == Control::scan ? Scan::of(node).carries : node.outputs.size();
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    prepared.scratch.push_back(add_scratch(i < state ? bytes_of(node.outputs[i]) : 0));
  }
  prepared.scratch.push_back(add_scratch(1));
}

void InstanceBuilder::prepare_kernel(NodeId id, Prepared& prepared) {
  const Node& node = graph_.node(id);
  prepared.attributes = evaluate_attributes(node.attributes, symbols_);
  KernelRequest request{.op = *node.op,
                        .attributes = prepared.attributes,
                        .generator = program_.generator,
                        .exact_convolutions = options_.exact_convolutions};
  std::vector<bool> known, fixed;  // in every run; in the runs of a loop as well
  for (ValueId input : node.inputs) {
    known.push_back(known_value(input).has_value());
    fixed.push_back(known.back() || repeated_input(input).has_value());
  }
  request.known = fixed;
  try {
    for (ValueId input : node.inputs) request.inputs.push_back(concrete(graph_.type(input)));
    for (ValueId output : node.outputs) request.outputs.push_back(concrete(graph_.type(output)));
    prepared.kernel = make_kernel(request);
    const auto allocates = [&](size_t i) {
      const auto packing = prepared.kernel.kernel->packing(i);
      return !known[i] && packing && packing->allocates;
    };
    if (std::ranges::any_of(std::views::iota(size_t{0}, fixed.size()), allocates)) {
      request.known = known;  // a run allocates nothing
      prepared.kernel = make_kernel(request);
    }
  } catch (Error& error) {
    if (!node.label.empty()) error.note("in {}", node.label);
    throw;
  }
  pack_inputs(id, prepared);
  prepared.scratch.push_back(add_scratch(prepared.kernel.kernel->scratch_bytes()));
}

std::optional<size_t> InstanceBuilder::repeated_input(ValueId value) const {
  const auto& inputs = graph_.inputs();
  const auto found = std::ranges::find(inputs, root_of(value));
  const auto index = static_cast<size_t>(found - inputs.begin());
  if (index >= options_.repeated.size() || !options_.repeated[index]) return std::nullopt;
  return index;
}

/// Known ones now, those that a loop repeats in Instance::pack.
void InstanceBuilder::pack_inputs(NodeId id, Prepared& prepared) {
  const Node& node = graph_.node(id);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const std::optional<Packing> packing = prepared.kernel.kernel->packing(i);
    if (!packing) continue;
    if (const std::optional<Literal> known = known_value(node.inputs[i])) {
      const std::shared_ptr<const PackedOperand> packed = packed_operand(*known, *packing);
      prepared.packed.emplace_back(i, add_constant(packed, packed->memory->data()));
      instance_.packed_bytes_ += static_cast<int64_t>(packing->bytes);
      prepared.kernel.reasons += fmt::format(", input {} packed", i);
    } else if (repeated_input(node.inputs[i])) {
      const auto end = static_cast<int32_t>(order_.size()) + 1;
      prepared.repeated.emplace_back(
          i, add_arena_buffer(static_cast<int64_t>(packing->bytes), 0, end));
      prepared.kernel.reasons += fmt::format(", input {} packed once for all steps", i);
    }
  }
}

void InstanceBuilder::assign_arena() {
  arena_buffer_.assign(graph_.value_count(), kNone);
  for (const NodeId id : order_) {
    for (ValueId output : graph_.node(id).outputs) {
      if (storage_[output.index].kind != Storage::Kind::arena || root_of(output) != output)
        continue;
      arena_buffer_[output.index] =
          add_arena_buffer(bytes_of(output), first_[output.index], last_[output.index]);
    }
  }
  plan_ = plan_memory(arena_);
  instance_.arena_bytes_ = plan_.bytes;
  if (log_level() > LogLevel::debug) return;
  for (size_t i = 0; i < arena_.size(); ++i) {
    if (arena_[i].bytes < plan_.bytes / 50) continue;
    log_debug("arena of {}: {} at {} for steps {} to {}",
              format_bytes(static_cast<uint64_t>(plan_.bytes)),
              format_bytes(static_cast<uint64_t>(arena_[i].bytes)), plan_.offsets[i],
              arena_[i].first, arena_[i].last);
  }
}

Location InstanceBuilder::arena_location(uint32_t buffer) const {
  return {0, plan_.offsets[buffer]};
}

Location InstanceBuilder::location(ValueId value) const {
  ValueId root = root_of(value);
  const Storage& storage = storage_[root.index];
  auto inputs = static_cast<uint32_t>(graph_.inputs().size());
  switch (storage.kind) {
    case Storage::Kind::arena:
      return arena_location(arena_buffer_[root.index]);
    case Storage::Kind::input:
      return {1 + storage.index, 0};
    case Storage::Kind::output:
      return {1 + inputs + storage.index, 0};
    case Storage::Kind::constant:
      return constant_location(storage.index);
  }
  return {};
}

Location InstanceBuilder::constant_location(uint32_t constant) const {
  const size_t before = 1 + graph_.inputs().size() + graph_.outputs().size();
  return {static_cast<uint32_t>(before) + constant, 0};
}

std::vector<Location> InstanceBuilder::locations(std::span<const ValueId> values) const {
  std::vector<Location> result;
  result.reserve(values.size());
  for (ValueId value : values) result.push_back(location(value));
  return result;
}

void InstanceBuilder::add_step(std::unique_ptr<Step> step, const Node& node) {
  step->label = node.label;
  for (ValueId input : node.inputs) step->bytes += static_cast<double>(bytes_of(input));
  for (ValueId output : node.outputs) step->bytes += static_cast<double>(bytes_of(output));
  instance_.steps_.push_back(std::move(step));
}

double InstanceBuilder::flops_of(const Graph& body) const {
  double flops = 0;
  for (const Node& node : body.nodes()) {
    bool reduces = node.op->reduction.has_value();
    if (!is_floating(body.type(node.outputs[0]).dtype) || !(node.op->is_elementwise || reduces))
      continue;
    const Type& counted = body.type(reduces ? node.inputs[0] : node.outputs[0]);
    flops += static_cast<double>(counted.shape.element_count().evaluate(symbols_));
  }
  return flops;
}

void InstanceBuilder::make_fusion_steps(NodeId id, const FusionCode& code,
                                        const Prepared& prepared) {
  const Node& node = graph_.node(id);
  const size_t operand_count = node.inputs.size() + node.outputs.size() + prepared.scratch.size();
  std::vector<Location> all;
  std::vector<int64_t> sizes;
  all.reserve(operand_count);
  sizes.reserve(operand_count);
  for (ValueId input : node.inputs) all.push_back(location(input));
  for (ValueId output : node.outputs) all.push_back(location(output));
  for (uint32_t buffer : prepared.scratch) all.push_back(arena_location(buffer));
  for (ValueId input : node.inputs) sizes.push_back(bytes_of(input));
  for (ValueId output : node.outputs) sizes.push_back(bytes_of(output));
  for (uint32_t buffer : prepared.scratch) sizes.push_back(arena_[buffer].bytes);
  double flops = flops_of(fusion_body(node));
  for (const FusionCode::Step& step : code.steps) {
    std::vector<Location> operands;
    operands.reserve(step.operands.size());
    double bytes = 0;
    for (uint32_t operand : step.operands) {
      operands.push_back(all.at(operand));
      bytes += static_cast<double>(sizes.at(operand));
    }
    std::vector<int64_t> values;
    for (const std::string& symbol : step.kernel->symbol_names())
      values.push_back(Dim::parse(symbol).evaluate(symbols_));
    double work = bytes * (1 + step.operations / 64);
    add_step(
        std::make_unique<GeneratedStep>(step.kernel, std::move(operands), std::move(values), work),
        node);
    instance_.steps_.back()->flops = std::exchange(flops, 0);  // all of it in the first kernel
  }
}

void InstanceBuilder::make_control_step(NodeId id, const Prepared& prepared) {
  const Node& node = graph_.node(id);
  std::vector<Location> inputs = locations(node.inputs);
  std::vector<Location> outputs = locations(node.outputs);
  Location arena = arena_location(prepared.scratch[0]);
  auto region = [&](std::string_view attribute) -> const Instance& {
    size_t index = 0;
    for (const auto& [name, value] : node.attributes) {
      if (!value.get_if<GraphRef>()) continue;
      if (name == attribute) return *prepared.regions[index];
      ++index;
    }
    fail(ErrorCode::internal, "{} has no region '{}'", node.op->name, attribute);
  };
  const Control control = control_of(*node.op);
  if (control == Control::cond) {
    add_step(
        std::make_unique<CondStep>(region("then"), region("otherwise"), inputs, outputs, arena),
        node);
    return;
  }
  std::vector<Location> other;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    other.push_back(arena_location(prepared.scratch[1 + i]));
  }
  if (control == Control::while_loop) {
    Location flag = arena_location(prepared.scratch.back());
    add_step(std::make_unique<WhileStep>(region("condition"), region("body"), inputs, outputs,
                                         other, flag, arena),
             node);
    return;
  }
  check(control == Control::scan, "control flow is cond, while or scan");
  const Scan scan = Scan::of(node);
  ScanStep::Layout layout;
  layout.constants = scan.constants;
  layout.carries = scan.carries;
  layout.length = scan.length.evaluate(symbols_);
  layout.reverse = scan.reverse;
  const std::vector<ValueId>& results = region("body").graph().outputs();
  std::unordered_map<uint32_t, int> stacked;  // by result of the body
  for (size_t y = layout.carries; y < results.size(); ++y)
    stacked[results[y].index] = static_cast<int>(y);
  for (size_t carry = 0; carry < layout.carries; ++carry) {
    const auto found = stacked.find(results[carry].index);
    layout.stacked.push_back(found == stacked.end() ? -1 : found->second);
  }
  add_step(std::make_unique<ScanStep>(region("body"), layout, inputs, outputs, other, arena), node);
}

void InstanceBuilder::make_steps(NodeId id, Prepared& prepared) {
  const Node& node = graph_.node(id);
  if (const FusionCode* const code = program_.code_of(id))
    return make_fusion_steps(id, *code, prepared);
  if (program_.regions.contains(id)) return make_control_step(id, prepared);
  std::vector<Location> inputs = locations(node.inputs);
  for (const auto& [input, packed] : prepared.packed) inputs[input] = constant_location(packed);
  for (const auto& [input, buffer] : prepared.repeated) {
    inputs[input] = arena_location(buffer);
    instance_.repeated_.push_back({*repeated_input(node.inputs[input]),
                                   *prepared.kernel.kernel->packing(input), plan_.offsets[buffer]});
  }
  add_step(
      std::make_unique<LibraryStep>(std::move(prepared.kernel), std::move(inputs),
                                    locations(node.outputs), arena_location(prepared.scratch[0])),
      node);
}

/// Outputs that are inputs, constants or another output's memory.
void InstanceBuilder::copy_remaining_outputs() {
  auto inputs = static_cast<uint32_t>(graph_.inputs().size());
  for (size_t i = 0; i < graph_.outputs().size(); ++i) {
    Location from = location(graph_.outputs()[i]);
    Location to{1 + inputs + static_cast<uint32_t>(i), 0};
    if (from.base == to.base) continue;
    instance_.steps_.push_back(
        std::make_unique<CopyStep>(from, to, instance_.output_types_[i].bytes()));
  }
}

}  // namespace tenon
