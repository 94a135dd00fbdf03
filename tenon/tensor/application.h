// Graphs recorded as calls on tensors. Private to tensor/; apply_graph is in tracing.h.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/tensor/tensor.h"

namespace tenon::detail {

/// A graph applied to its first inputs only. Calls that need no other inputs are recorded at once
/// and shared by everything recorded when the other inputs come.
class PartialApplication {
 public:
  PartialApplication(std::shared_ptr<const Graph> graph, std::span<const Tensor> known);

  /// The first `count` outputs, which must not depend on the other inputs.
  std::vector<Tensor> known_outputs(size_t count) const;
  /// All outputs, given the other inputs.
  std::vector<Tensor> finish(std::span<const Tensor> rest) const;

 private:
  std::shared_ptr<const Graph> graph_;
  size_t known_inputs_;
  std::vector<Tensor> values_;  // only those that `finish` or the outputs need
};

}  // namespace tenon::detail
