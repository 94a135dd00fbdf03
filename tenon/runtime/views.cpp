#include "tenon/runtime/views.h"

#include <algorithm>

#include "tenon/graph/op.h"

namespace tenon {

bool is_view(const Node& node) { return is_reshape(node) || node.op->name == "barrier"; }

ValueId viewed(const Node& view, ValueId result) {
  const auto place = std::ranges::find(view.outputs, result) - view.outputs.begin();
  return view.inputs[static_cast<size_t>(place)];
}

}  // namespace tenon
