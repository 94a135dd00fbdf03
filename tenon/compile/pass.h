// Passes: named functions from graph to graph, run in one readable list, timed, switchable by name.
// Graphs are verified before the first and after each that changed something; TENON_LOG=debug shows
// the times.
//
//   given: OpRegistry ops; extern KernelOracle& oracle; Graph graph("f");
//   PassManager passes({ops, oracle}, {.disabled = {"cse"}, .print_after = {"simplify"}});
//   std::unique_ptr<Graph> ready = passes.run(graph, standard_passes());
//   passes.times();                        // seconds a pass
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tenon/graph/graph.h"
#include "tenon/graph/op.h"

namespace tenon {

/// Which calls the target has library kernels for; asked by passes, answered by the runtime.
class KernelOracle {
 public:
  virtual ~KernelOracle() = default;
  /// Whether a kernel runs this node as it stands (for some shapes that fit its types).
  virtual bool has_kernel(const Graph& graph, const Node& node) const = 0;
};

struct PassContext {
  const OpRegistry& ops;
  const KernelOracle& oracle;
};

struct Pass {
  std::string name;
  /// The new graph, or null when there was nothing to do.
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

/// From what users write to what is lowered: the whole list, in order. Those of extensions stand
/// behind the passes that they name.
std::vector<Pass> standard_passes();
/// For load() (runtime/extension.h): nothing was compiled yet. A pass of the name `after` is there.
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
