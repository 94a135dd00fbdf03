// Evaluation: the pending calls behind some tensors become a plan, which is run once for all of
// them. Plans are kept, so the same calls on other values of the same types compile nothing.

#include <unordered_map>

#include <fmt/format.h>

#include "tenon/tensor/plans.h"
#include "tenon/tensor/transforms.h"

namespace tenon {

namespace detail {

namespace {

/// Longer programs are run in pieces: compile time stays linear, and the pieces of a loop share
/// their plans.
constexpr size_t kMaxCalls = 512;
constexpr size_t kMaxPlans = 4096;

struct PlanCache {
  std::unordered_map<Hash128, std::shared_ptr<const Executable>> plans;
};

/// Under walk_mutex().
PlanCache& plan_cache() {
  static auto* cache = new PlanCache;  // never destroyed: threads may evaluate until the very end
  return *cache;
}

/// An argument of the innermost function that a value depends on.
std::string argument_behind(const NodeRef& value) {
  std::scoped_lock lock(walk_mutex());
  Section section;
  const NodeRef* root = &value;
  collect(section, std::span(&root, 1), SIZE_MAX,
          [](const TensorNode& node) { return node.is_evaluated() || !node.call; });
  for (const NodeRef* leaf : section.leaves) {
    const TensorNode& node = **leaf;
    if (node.trace != 0 && node.level == value->level)
      return argument_name(node.name, node.argument);
  }
  return "an argument";
}

[[noreturn]] void fail_unknown(const NodeRef& node) {
  std::string name = describe(*node), value = node->type.to_string();
  if (!name.empty()) value += " " + name;
  // No open function can have made it.
  if (node->level > trace_depth() || !is_tracing()) {
    throw make_error(ErrorCode::invalid_argument,
                     "{} was made inside a function that was traced and has returned", value)
        .note("it has no value: return it from that function as a part of the result");
  }
  throw make_error(ErrorCode::invalid_argument, "the value of {} is not known yet", value)
      .note("it depends on {} of a function that is being traced by jit, grad, vmap, …",
            argument_behind(node))
      .note("use cond, where or while_loop where the value decides, or look at it outside");
}

/// Whether it is cheaper to compute again than to keep: zeros, ranges, broadcast numbers.
bool is_generator(const PendingCall& call) {
  for (const NodeRef& input : call.inputs) {
    if (!input->is_number) return false;
  }
  return true;
}

struct Work {
  Section section;
  std::vector<const NodeRef*> roots;
  std::vector<const NodeRef*> outputs;
};

/// What the plan gives: the roots, and whatever else somebody holds, so that nothing is computed
/// twice.
void choose_outputs(Work& work) {
  const Section& section = work.section;
  work.outputs.clear();
  constexpr uint32_t kRoot = 1;
  for (const NodeRef* root : work.roots) {
    if ((*root)->mark.walk == section.walk) (*root)->mark.index = kRoot;
  }
  for (const NodeRef* ref : section.results) {
    const TensorNode& node = **ref;
    if (!section.computes(node)) continue;
    bool is_root = node.mark.index == kRoot;
    bool held = static_cast<uint64_t>(ref->use_count()) > node.mark.uses;
    if (is_root || (held && (!section.complete || !is_generator(*node.call))))
      work.outputs.push_back(ref);
  }
}

Graph graph_of(const Section& section, std::span<const NodeRef* const> outputs) {
  Graph graph("eager");
  std::vector<ValueId> leaves;
  leaves.reserve(section.leaves.size());
  for (const NodeRef* leaf : section.leaves)
    leaves.push_back(graph.add_input(fmt::format("x{}", leaves.size()), (*leaf)->type));
  std::vector<ValueId> calls = emit_calls(graph, section, leaves);
  std::vector<ValueId> results;
  for (const NodeRef* output : outputs)
    results.push_back(value_of(section, **output, leaves, calls));
  graph.set_outputs(std::move(results));
  return graph;
}

/// Evaluates the roots, or as much of what they need as one plan may hold; true when all are done.
bool evaluate_section(Work& work) {
  std::unique_lock lock(walk_mutex());
  std::erase_if(work.roots, [](const NodeRef* root) { return (*root)->is_evaluated(); });
  if (work.roots.empty()) return true;
  collect(work.section, work.roots, kMaxCalls,
          [](const TensorNode& node) { return node.is_evaluated(); });
  choose_outputs(work);
  Hash128 key = structural_key(work.section, work.outputs);
  std::vector<Buffer> inputs;
  inputs.reserve(work.section.leaves.size());
  for (const NodeRef* leaf : work.section.leaves) inputs.push_back((*leaf)->buffer);
  std::vector<NodeRef> outputs;
  outputs.reserve(work.outputs.size());
  for (const NodeRef* output : work.outputs) outputs.push_back(*output);

  auto& plans = plan_cache().plans;
  auto found = plans.find(key);
  std::shared_ptr<const Executable> plan;
  if (found != plans.end()) {
    plan = found->second;
    lock.unlock();
  } else {
    Graph graph = graph_of(work.section, work.outputs);
    lock.unlock();
    plan = make_plan(graph);
    lock.lock();
    if (plans.size() >= kMaxPlans) plans.clear();
    plans.emplace(key, plan);
    lock.unlock();
  }
  bool complete = work.section.complete;

  std::vector<Buffer> results = plan->run(std::move(inputs));
  std::vector<std::shared_ptr<PendingCall>> done;  // dropped after the lock is
  done.reserve(results.size());
  lock.lock();
  for (size_t i = 0; i < results.size(); ++i) {
    TensorNode& node = *outputs[i];
    if (node.is_evaluated()) continue;  // another thread was faster
    node.buffer = std::move(results[i]);
    node.evaluated.store(true, std::memory_order_release);
    done.push_back(std::move(node.call));
  }
  lock.unlock();
  return complete;
}

void evaluate(Work& work) {
  while (!work.roots.empty() && !evaluate_section(work)) {
  }
}

/// The calls behind the roots cut into pieces: for each piece, its results that later ones read.
/// Evaluated piece by piece, no walk goes further back than to the piece before. What is cheap to
/// compute again is left out, so that pieces of a loop are alike.
std::vector<std::vector<NodeRef>> pieces_before(Work& work) {
  // Half as long as a plan may be, which leaves room for what is computed again.
  constexpr uint32_t kPiece = kMaxCalls / 2;
  std::scoped_lock lock(walk_mutex());
  Section& section = work.section;
  collect(section, work.roots, SIZE_MAX,
          [](const TensorNode& node) { return node.is_evaluated(); });
  for (uint32_t user = 0; user < section.calls.size(); ++user) {
    for (const NodeRef& input : section.calls[user]->inputs) {
      if (section.computes(*input)) input->mark.index = user;  // the last one stays
    }
  }
  std::vector<std::vector<NodeRef>> pieces(section.calls.size() / kPiece + 1);
  for (const NodeRef* ref : section.results) {
    const uint32_t piece = (*ref)->call->mark.index / kPiece;
    if ((*ref)->mark.index / kPiece > piece && !is_generator(*(*ref)->call))
      pieces[piece].push_back(*ref);
  }
  return pieces;
}

void check_can_evaluate(const NodeRef& node) {
  if (node->level > 0 || (!is_tracing() && !node->type.shape.is_constant())) fail_unknown(node);
  if (!node->type.shape.is_constant())
    fail(ErrorCode::invalid_argument,
         "the value of {} is not known yet: a dimension is symbolic while a function is traced",
         node->type.to_string());
}

}  // namespace
}  // namespace detail

void eval(std::span<const Tensor> tensors) {
  thread_local detail::Work scratch;  // keeps its memory from call to call
  detail::Work work = std::move(scratch);
  work.roots.clear();
  for (const Tensor& tensor : tensors) {
    const detail::NodeRef& node = detail::require(tensor, "eval");
    if (node->is_evaluated()) continue;
    detail::check_can_evaluate(node);
    work.roots.push_back(&node);
  }
  if (!work.roots.empty() && !detail::evaluate_section(work)) {
    std::vector<const detail::NodeRef*> roots = work.roots;
    for (std::vector<detail::NodeRef>& piece : detail::pieces_before(work)) {
      work.roots.clear();
      for (const detail::NodeRef& node : piece) work.roots.push_back(&node);
      detail::evaluate(work);
      piece.clear();  // what nobody reads any more need not stay
    }
    work.roots = roots;
    detail::evaluate(work);
  }
  scratch = std::move(work);
}

void eval(std::initializer_list<Tensor> tensors) {
  eval(std::span<const Tensor>(tensors.begin(), tensors.size()));
}

}  // namespace tenon
