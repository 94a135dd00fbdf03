// In: scans whose bodies hold work that no step changes, or products with weights that need not
// wait for the carry. Out: that work in front of the loop or behind it, products as one dot over
// all steps. Comes before calls and composites are opened, since it may move some out of a region.
// Why: a large dot runs at the library's peak, a small one per step does not.
#include "tenon/transform/hoist.h"

#include "tenon/compile/pass.h"

namespace tenon {

std::unique_ptr<Graph> hoist_from_loops(const Graph& graph, const PassContext& context) {
  return hoist_from_loops(graph, context.ops);
}

}  // namespace tenon
