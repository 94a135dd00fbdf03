#include <algorithm>

#include "tenon/compile/lower/kinds.h"
#include "tenon/compile/lower/region.h"

namespace tenon {

namespace {

class RowLowering {
 public:
  RowLowering(const Graph& body, const std::string& name, const Dim& rows, const Dim& inner)
      : body_(body), region_(body, name, lowered_.temporaries), rows_(rows), inner_(inner) {}

  Lowered run() {
    row_ = region_.pool().loop_index("row", region_.dim(rows_));
    region_.set_block(&row_block_);
    for (const auto& together : independent_reductions()) add_reductions(together);
    store_results();
    region_.kernel().body.push_back(parallel_loop(row_, LoopKind::serial, std::move(row_block_)));
    region_.find_shared_buffers();
    lowered_.launches.push_back(region_.finish());
    return std::move(lowered_);
  }

 private:
  bool is_row_reduction(const Node& node) const {
    if (!node.op->reduction) return false;
    return body_.type(node.inputs[0]).shape.element_count() == rows_ * inner_ &&
           body_.type(node.outputs[0]).shape.element_count() == rows_ && reduces_suffix(node);
  }
  bool reduces_suffix(const Node& node) const {
    const Integers& axes = node.attributes.integers("axes");
    auto first = static_cast<int64_t>(body_.type(node.inputs[0]).rank() - axes.size());
    return std::all_of(axes.begin(), axes.end(), [first](int64_t axis) { return axis >= first; });
  }

  /// The axes of a value that fills the space, split where the rows end.
  std::vector<Expr> full_index(const Shape& shape, Expr k) {
    size_t split = 0;
    Dim count(1);
    while (split < shape.rank() && count != rows_) count = count * shape[split++];
    // Axes of size 1 right after the split belong to either side.
    if (count != rows_ || shape.element_count() != rows_ * inner_)
      return region_.delinearize(row_ * region_.dim(inner_) + k, shape);
    return region_.delinearize(row_, k, shape, split);
  }

  /// The reductions, those together that need none but of the groups before: one pass along the row
  /// a group.
  std::vector<std::vector<const Node*>> independent_reductions() const {
    std::vector<std::vector<const Node*>> groups;
    std::vector<size_t> group_after(body_.value_count(), 0);  // the first that may read a value
    for (const Node& node : body_.nodes()) {
      size_t group = 0;
      for (ValueId input : node.inputs) group = std::max(group, group_after[input.index]);
      const bool reduces = is_row_reduction(node);
      for (ValueId output : node.outputs) group_after[output.index] = group + (reduces ? 1 : 0);
      if (!reduces) continue;
      if (groups.size() == group) groups.emplace_back();
      groups[group].push_back(&node);
    }
    return groups;
  }

  void add_reductions(const std::vector<const Node*>& nodes) {
    region_.set_block(&row_block_);
    std::vector<Reduction> reductions;
    for (const Node* node : nodes) {
      reductions.push_back({*node->op->reduction, node->op->name, [this, node](Expr k) {
                              const ValueId operand = node->inputs[0];
                              return region_.element(operand,
                                                     full_index(body_.type(operand).shape, k));
                            }});
    }
    const std::vector<Expr> results = reduce_along(region_, reductions, inner_, LoopKind::vector);
    for (size_t i = 0; i < nodes.size(); ++i) {
      const Expr result = results[i];
      region_.set_override(nodes[i]->outputs[0],
                           [result](std::span<const Expr>) { return result; });
    }
  }

  /// Results that fill the space first: an input with one element a row, whose memory a result with
  /// one element a row may take, is read again all along the row.
  void store_results() {
    Expr k = region_.pool().loop_index("k", region_.dim(inner_));
    Block along;
    std::vector<std::pair<size_t, Expr>> full, one_a_row;
    for (size_t i = 0; i < body_.outputs().size(); ++i) {
      const ValueId output = body_.outputs()[i];
      const Type& type = body_.type(output);
      if (type.shape.element_count() == rows_) {
        region_.set_block(&row_block_);
        one_a_row.emplace_back(i, region_.element(output, region_.delinearize(row_, type.shape)));
      } else {
        region_.set_block(&along);
        full.emplace_back(i, region_.element(output, full_index(type.shape, k)));
      }
    }
    region_.set_block(&along);
    for (auto& [output, value] : full)
      region_.store_output(output, row_ * region_.dim(inner_) + k, value);
    region_.set_block(&row_block_);
    if (!full.empty()) region_.emit(loop(k, LoopKind::vector, std::move(along)));
    for (auto& [output, value] : one_a_row) region_.store_output(output, row_, value);
  }

  const Graph& body_;
  Lowered lowered_;
  RegionKernel region_;
  Dim rows_, inner_;
  Expr row_;
  Block row_block_;
};

}  // namespace

Lowered lower_row(const Graph& body, const std::string& name, const Dim& rows, const Dim& inner) {
  return RowLowering(body, name, rows, inner).run();
}

}  // namespace tenon
