// Evaluation: the pending calls behind some tensors become a plan, which is run once for all of
// them. Plans are kept, so the same calls on other values of the same types compile nothing.

#include <fmt/format.h>

#include "tenon/tensor/claim.h"
#include "tenon/tensor/plans.h"
#include "tenon/tensor/transforms.h"

namespace tenon {

namespace detail {

namespace {

/// Longer programs are run in pieces: compile time stays linear, and the pieces of a loop share
/// their plans.
constexpr size_t kMaxCalls = 512;

/// An argument of the innermost function that a value depends on.
std::string argument_behind(const NodeRef& value) {
  Section section;
  const NodeRef* root = &value;
  collect(section, std::span(&root, 1), SIZE_MAX);
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

struct Work {
  Section section;
  std::vector<const NodeRef*> roots;
  std::vector<uint32_t> outputs;  // values of the section
};

/// What the plan gives: the roots, and whatever else somebody holds, so that nothing is computed
/// twice.
void choose_outputs(Work& work) {
  const Section& section = work.section;
  work.outputs.clear();
  for (uint32_t value = 0; value < section.values.size(); ++value) {
    if (!section.computes(value)) continue;
    const Section::Value& known = section.values[value];
    bool held = static_cast<uint64_t>(known.node->use_count()) > known.uses;
    if (known.is_root ||
        (held && (!section.complete || !is_generator(*section.calls[known.index]))))
      work.outputs.push_back(value);
  }
}

/// Evaluates the roots, or as much of what they need as one plan may hold; true when all are done.
bool evaluate_section(Work& work) {
  const Section& section = work.section;
  Claim claim;
  do {
    std::erase_if(work.roots, [](const NodeRef* root) { return (*root)->is_evaluated(); });
    if (work.roots.empty()) return true;
    collect(work.section, work.roots, kMaxCalls);
  } while (!claim.take(section));
  // Others may have evaluated the roots while their calls were collected.
  if (section.calls.empty()) return section.complete;
  choose_outputs(work);
  PlanRef plan = plan_for(section, work.outputs);
  std::vector<Buffer> inputs;
  inputs.reserve(section.leaves.size() + plan->sizes.size());
  for (const NodeRef* leaf : section.leaves) inputs.push_back((*leaf)->buffer);
  inputs.insert(inputs.end(), plan->sizes.begin(), plan->sizes.end());
  std::vector<Buffer> results = plan->program->run(std::move(inputs));
  for (size_t i = 0; i < results.size(); ++i)
    (*section.values[work.outputs[i]].node)->finish(std::move(results[i]));
  return section.complete;
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
  const Section& section = work.section;
  collect(work.section, work.roots, SIZE_MAX);
  std::vector<uint32_t> last_user(section.values.size(), 0);
  for (uint32_t user = 0; user < section.calls.size(); ++user) {
    for (uint32_t operand : section.operands_of(section.calls[user])) last_user[operand] = user;
  }
  std::vector<std::vector<NodeRef>> pieces(section.calls.size() / kPiece + 1);
  for (uint32_t value = 0; value < section.values.size(); ++value) {
    const Section::Value& known = section.values[value];
    if (!section.computes(value) || is_generator(*section.calls[known.index])) continue;
    const uint32_t piece = known.index / kPiece;
    if (last_user[value] / kPiece > piece) pieces[piece].push_back(*known.node);
  }
  return pieces;
}

void evaluate_pieces(Work& work) {
  std::vector<const NodeRef*> roots = work.roots;
  for (std::vector<NodeRef>& piece : pieces_before(work)) {
    work.roots.clear();
    for (const NodeRef& node : piece) work.roots.push_back(&node);
    evaluate(work);
    piece.clear();  // what nobody reads any more need not stay
  }
  work.roots = std::move(roots);
  evaluate(work);
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
  thread_local std::unique_ptr<detail::Work> scratch;  // keeps its memory from call to call
  std::unique_ptr<detail::Work> work = std::move(scratch);
  if (!work) work = std::make_unique<detail::Work>();
  work->roots.clear();
  for (const Tensor& tensor : tensors) {
    const detail::NodeRef& node = detail::require(tensor, "eval");
    if (node->is_evaluated()) continue;
    detail::check_can_evaluate(node);
    work->roots.push_back(&node);
  }
  if (!work->roots.empty() && !detail::evaluate_section(*work)) detail::evaluate_pieces(*work);
  work->section.calls.clear();  // what is computed does not keep how
  scratch = std::move(work);
}

void eval(std::initializer_list<Tensor> tensors) {
  eval(std::span<const Tensor>(tensors.begin(), tensors.size()));
}

}  // namespace tenon
