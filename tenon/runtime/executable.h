// A compiled graph, ready to run: thread-safe, without state between calls.
//
//   auto executable = compile(graph, core_ops());
//   std::vector<Buffer> outputs = executable->run({x, weights});
//   executable->report().peak_bytes;         // known before the first run
//   auto bound = executable->bind({{"weights", weights}});      // constant work is done once
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tenon/compile/schedule.h"
#include "tenon/graph/graph.h"
#include "tenon/graph/op.h"
#include "tenon/runtime/buffer.h"

namespace tenon {

class OpRegistry;

/// Values of inputs by their position in the graph, or by their names.
using BoundInputs = std::map<size_t, Buffer>;
using NamedInputs = std::map<std::string, Buffer>;

struct CompileOptions {
  /// One per input (or empty: none): an output of the same type may overwrite its memory.
  std::vector<bool> donated;
  /// Bytes that one run may use in addition to its inputs; a plan that needs more throws
  /// Error(resource_exhausted) before it runs.
  int64_t memory_limit = INT64_MAX;
  std::vector<std::string> disabled_passes;
  /// Passes after which the graph is printed to the log; "all" for every pass.
  std::vector<std::string> print_after;
  /// Decides how fused groups become loops.
  ScheduleChooser schedule = default_schedule;
  /// Never uses Winograd's algorithm for convolutions: its errors are near 1e-6 of the result, but
  /// it takes less than half the time.
  bool exact_convolutions = false;
  /// For a graph with symbols, how many plans for sets of their values are kept (at least one). The
  /// least recently used are dropped, and made again when needed.
  size_t kept_sizes = 64;
  /// Like a subsequent Executable::bind_inputs, but without a plan for the unbound program.
  BoundInputs bound = {};
};

/// The contents of one plan, for reports and tests.
struct PlanReport {
  int64_t arena_bytes = 0;   // intermediates, planned as one block
  int64_t output_bytes = 0;  // results that do not reuse a donated input
  int64_t peak_bytes = 0;    // arena + outputs + library scratch: everything that a run allocates
  int64_t packed_bytes = 0;  // known operands packed for kernels, shared with other plans
  std::string text;          // one line per instruction: kernel, operands, why
};

class Executable {
 public:
  virtual ~Executable() = default;
  /// Returns the graph's outputs. Checks shapes and dtypes against the graph's input types and
  /// binds symbols. Donated inputs without other handles are overwritten.
  virtual std::vector<Buffer> run(std::vector<Buffer> inputs) const = 0;
  /// For the given input shapes (needed only if the graph has symbols).
  virtual PlanReport report(const std::vector<std::vector<int64_t>>& input_shapes = {}) const = 0;
  /// With all inputs, including bound ones.
  virtual const Graph& graph() const = 0;
  /// Plans for these input shapes ahead of the first run, and throws the errors of that run.
  virtual void prepare(const std::vector<std::vector<int64_t>>& input_shapes) const = 0;
  /// The same program with fixed values for some inputs; its run(), report() and prepare() take the
  /// others, in order. Everything that depends only on these values is computed now, and
  /// their operands are packed for the kernels once; executables bound to equal values share both.
  /// Results have the same bits as those of the unbound program, unless a kernel's report says
  /// "packed" and names another implementation.
  ///
  /// The buffers' memory is kept and becomes read-only; memory that Tenon does not own is
  /// copied. Errors: not_found for an input that does not exist; invalid_argument for one that is
  /// already bound or has no memory; type_mismatch or shape_mismatch for a value that does not fit
  /// the graph, or for contradicting sizes.
  virtual std::shared_ptr<const Executable> bind_inputs(const BoundInputs& values) const = 0;
  /// By name. Also error invalid_argument if several inputs have the same name.
  std::shared_ptr<const Executable> bind(const NamedInputs& values) const;
};

/// Rewrites, fuses and generates kernels; for a graph without symbols, also plans its memory. The
/// result is thread-safe. Errors: invalid_argument for an unknown pass; resource_exhausted for a
/// plan beyond the limit, here or at the first run with new sizes; unsupported for a call that no
/// kernel takes.
std::shared_ptr<const Executable> compile(const Graph& graph, const OpRegistry& ops,
                                          CompileOptions options = {});

}  // namespace tenon
