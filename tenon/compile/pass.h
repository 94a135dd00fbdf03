// Passes: named functions from graph to graph, run in one readable list, timed, switchable by name.
// Graphs are verified before the first pass and after each pass that changed something.
// TENON_LOG=debug shows the times.
//
//   given: OpRegistry ops; extern KernelOracle& oracle; Graph graph("f");
//   PassManager passes({ops, oracle}, {.disabled = {"cse"}, .print_after = {"simplify"}});
//   std::unique_ptr<Graph> ready = passes.run(graph, standard_passes());
//   passes.times();                        // seconds per pass
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/graph/op.h"

namespace tenon {

/// Tells passes for which calls the target has library kernels; the runtime implements it.
class KernelOracle {
 public:
  virtual ~KernelOracle() = default;
  /// Whether a kernel can run this node as a whole (for some shapes that fit its types).
  virtual bool has_kernel(const Graph& graph, const Node& node) const = 0;
};

struct PassContext {
  const OpRegistry& ops;
  const KernelOracle& oracle;
};

struct Pass {
  std::string name;
  /// The new graph, or null if nothing changed.
  std::function<std::unique_ptr<Graph>(const Graph&, const PassContext&)> run;
};

struct PassOptions {
  std::vector<std::string> disabled = {};
  std::vector<std::string> print_after = {};  // "all" for every pass
};

struct PassTime {
  std::string name;
  double seconds;
};

class PassManager {
 public:
  PassManager(PassContext context, PassOptions options)
      : context_(context), options_(std::move(options)) {}
  std::unique_ptr<Graph> run(const Graph& graph, const std::vector<Pass>& passes);
  const std::vector<PassTime>& times() const { return times_; }

 private:
  PassContext context_;
  PassOptions options_;
  std::vector<PassTime> times_;
};

/// All passes from the user's graph to lowering, in order. Passes of extensions come after the
/// passes that they name.
std::vector<Pass> standard_passes();
/// For load() (runtime/extension.h), before anything is compiled. A pass named `after` must exist.
void extend_standard_passes(Pass pass, std::string after);

// One file each in passes/.
std::unique_ptr<Graph> inline_calls(const Graph& graph, const PassContext& context);
std::unique_ptr<Graph> check_indices(const Graph& graph, const PassContext& context);
std::unique_ptr<Graph> decompose_composites(const Graph& graph, const PassContext& context);
std::unique_ptr<Graph> hoist_from_loops(const Graph& graph, const PassContext& context);
std::unique_ptr<Graph> simplify(const Graph& graph, const PassContext& context);
std::unique_ptr<Graph> eliminate_common_subexpressions(const Graph& graph,
                                                       const PassContext& context);
std::unique_ptr<Graph> eliminate_dead_code(const Graph& graph, const PassContext& context);
std::unique_ptr<Graph> rematerialise(const Graph& graph, const PassContext& context);
std::unique_ptr<Graph> fuse(const Graph& graph, const PassContext& context);

}  // namespace tenon
