#include "tenon/runtime/views.h"

#include <algorithm>

namespace tenon {

ValueId viewed(const Node& view, ValueId result) {
  const auto place = std::ranges::find(view.outputs, result) - view.outputs.begin();
  return view.inputs[static_cast<size_t>(place)];
}

}  // namespace tenon
