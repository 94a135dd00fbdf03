#include "tenon/compile/fusion.h"

#include <algorithm>
#include <array>

#include "tenon/base/error.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/ops/cost.h"
#include "tenon/ops/element.h"

namespace tenon {

namespace {

OpDef make_fusion_op() {
  OpDef op;
  op.name = "fusion";
  op.family = "compile";
  op.doc = "A group of nodes that runs as one kernel.";
  op.inputs = {{.name = "inputs", .variadic = true}};
  op.attributes = {
      {"kind", AttributeKind::string, std::nullopt, "loop, row, long_row, column or general"},
      {"rows", AttributeKind::shape, Attribute(Shape{}),
       "number of rows, or of reduced positions (column)"},
      {"inner", AttributeKind::shape, Attribute(Shape{}), "elements a row"},
      {"body", AttributeKind::graph, std::nullopt, "what it computes"},
  };
  op.infer = [](InferContext& context) {
    const Graph& body = *context.attributes.graph("body");
    const auto type_of = [&](ValueId value) -> const Type& { return body.type(value); };
    if (!std::ranges::equal(body.inputs(), context.inputs, {}, type_of)) {
      fail(ErrorCode::internal, "the inputs are not those of the body");
    }
    return body.output_types();
  };
  return op;
}

constexpr std::array<std::string_view, 5> kKindNames = {"loop", "row", "long_row", "column",
                                                        "general"};

}  // namespace

const OpDef& fusion_op() {
  static constinit MadeOnce<const OpDef> op;
  return op.get([] { return new OpDef(make_fusion_op()); });
}

std::string_view name_of(FusionKind kind) { return kKindNames[static_cast<size_t>(kind)]; }

FusionKind fusion_kind(const Node& fusion) {
  const std::string& kind = fusion.attributes.string("kind");
  for (size_t i = 0; i < kKindNames.size(); ++i) {
    if (kKindNames[i] == kind) return static_cast<FusionKind>(i);
  }
  fail(ErrorCode::internal, "there is no fusion kind '{}'", kind);
}

const Graph& fusion_body(const Node& fusion) { return *fusion.attributes.graph("body"); }

namespace {

NodeCost elementwise_cost(const Graph& graph, const Node& node) {
  const bool cheap = operations_per_element(graph, node) <= kCheapOperations;
  return cheap ? NodeCost::cheap : NodeCost::expensive;
}

/// Runs an element definition only to see whether it reduces and how much it computes.
class Probe : public ElementContext {
 public:
  Probe(const Graph& graph, const Node& node) : graph_(graph), node_(node) {
    for (const Dim& extent : output_type().shape)
      index_.push_back(pool_.loop_index("i", dim(extent)));
  }
  NodeCost cost() {
    size_t before = pool_.size();
    node_.op->element(*this);
    if (reduces_) return few_ && !node_.op->reduction ? NodeCost::window : NodeCost::reduction;
    // Index arithmetic is cheap however long it looks; what costs is computing on values, as random
    // bits do.
    bool computes = node_.inputs.empty() || loads_ == 0 || node_.op->is_random;
    return computes && pool_.size() - before > 4 * kCheapOperations ? NodeCost::expensive
                                                                    : NodeCost::free;
  }

  ExprPool& pool() override { return pool_; }
  const Attributes& attributes() const override { return node_.attributes; }
  std::span<const Expr> index() const override { return index_; }
  size_t input_count() const override { return node_.inputs.size(); }
  const Type& input_type(size_t operand) const override {
    return graph_.type(node_.inputs[operand]);
  }
  const Type& output_type() const override { return graph_.type(node_.outputs[0]); }
  Expr input(size_t operand, std::span<const Expr>) override {
    ++loads_;
    return pool_.argument(compute_type(input_type(operand).dtype), static_cast<uint32_t>(operand));
  }
  Expr dim(const Dim& dim) override {
    return dim.is_constant() ? pool_.index(dim.constant()) : pool_.symbol(dim.to_string());
  }
  Expr reduce(ReduceKind, std::span<const Dim> extents,
              const std::function<Expr(std::span<const Expr>)>& body) override {
    reduces_ = true;
    Dim count = Shape(std::vector<Dim>(extents.begin(), extents.end())).element_count();
    few_ = few_ && count.is_constant() && count.constant() <= kFewElements;
    std::vector<Expr> position;
    for (const Dim& extent : extents) position.push_back(pool_.loop_index("r", dim(extent)));
    return body(position);
  }

 private:
  const Graph& graph_;
  const Node& node_;
  ExprPool pool_;
  std::vector<Expr> index_;
  size_t loads_ = 0;
  bool reduces_ = false, few_ = true;
};

}  // namespace

NodeCost CostModel::cost(const Graph& graph, const Node& node) {
  const OpDef& op = *node.op;
  if (node.outputs.size() != 1) return NodeCost::kernel;
  if (op.is_elementwise && op.expand) {
    auto [entry, fresh] = elementwise_.try_emplace(&op, NodeCost::cheap);
    if (fresh) entry->second = elementwise_cost(graph, node);
    return entry->second;
  }
  return op.element ? Probe(graph, node).cost() : NodeCost::kernel;
}

}  // namespace tenon
