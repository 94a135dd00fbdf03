// A compiled graph, ready to run: thread-safe, without state between calls.
//
//   auto executable = compile(graph, core_ops());
//   std::vector<Buffer> outputs = executable->run({x, weights});
//   executable->report().peak_bytes;         // known before the first run
//   auto bound = executable->bind({{"weights", weights}});      // what does not change is done once
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

/// Values of inputs by their place among the graph's, or by their names.
using BoundInputs = std::map<size_t, Buffer>;
using NamedInputs = std::map<std::string, Buffer>;

struct CompileOptions {
  /// One an input (or empty: none): its memory may be overwritten by an output of the same type.
  std::vector<bool> donated;
  /// Bytes that one run may hold besides its inputs; a plan beyond it is Error(resource_exhausted)
  /// before it runs.
  int64_t memory_limit = INT64_MAX;
  std::vector<std::string> disabled_passes;
  /// Passes after which the graph is printed to the log; "all" for every one.
  std::vector<std::string> print_after;
  /// Decides how fused groups become loops.
  ScheduleChooser schedule = default_schedule;
  /// Convolutions are sums of their products, never Winograd's algorithm: its errors are near 1e-6
  /// of the result, but it takes less than half the time.
  bool exact_convolutions = false;
  /// Where the graph has symbols, plans for so many sets of their values are kept, at least one:
  /// those that were used last. Others are made again when they are met again.
  size_t kept_sizes = 64;
  /// As if Executable::bind_inputs followed, without a plan for what is not bound.
  BoundInputs bound = {};
};

/// What one plan holds, for reports and tests.
struct PlanReport {
  int64_t arena_bytes = 0;   // intermediates, planned as one block
  int64_t output_bytes = 0;  // results that do not reuse a donated input
  int64_t peak_bytes = 0;    // arena + outputs + library scratch: all that a run allocates
  int64_t packed_bytes = 0;  // known operands in the order of kernels, shared with other plans
  std::string text;          // one line an instruction: kernel, operands, why
};

class Executable {
 public:
  virtual ~Executable() = default;
  /// The graph's outputs. Shapes and dtypes are checked against the graph's input types; symbols
  /// are bound by them. Donated inputs that nobody else holds are overwritten.
  virtual std::vector<Buffer> run(std::vector<Buffer> inputs) const = 0;
  /// For the given input shapes (needed only where the graph has symbols).
  virtual PlanReport report(const std::vector<std::vector<int64_t>>& input_shapes = {}) const = 0;
  /// With all inputs, also those that are bound.
  virtual const Graph& graph() const = 0;
  /// Plans for these input shapes ahead of the first run, and throws what that run would.
  virtual void prepare(const std::vector<std::vector<int64_t>>& input_shapes) const = 0;
  /// The same program with the values of some inputs: run(), report() and prepare() of the result
  /// take the others, in order. What follows from the values alone is computed now,
  /// and operands that kernels bring into an order of their own are brought there once; executables
  /// that are bound to equal values share both. Results have the bits of the unbound program,
  /// except where a kernel's report says "packed" and names another implementation.
  ///
  /// The buffers' memory is held, and nobody may write to it any more; memory that Tenon does not
  /// own is copied. Errors: not_found for an input that there is not; invalid_argument for one that
  /// is bound already or has no memory; type_mismatch or shape_mismatch where a value is not what
  /// the graph takes, or the sizes of two contradict each other.
  virtual std::shared_ptr<const Executable> bind_inputs(const BoundInputs& values) const = 0;
  /// By names. Error invalid_argument, too, where several inputs have one.
  std::shared_ptr<const Executable> bind(const NamedInputs& values) const;
};

/// Rewrites, fuses and generates kernels; for a graph without symbols, plans its memory too. The
/// result may be run from several threads at once. Errors: invalid_argument for a pass that there
/// is not; resource_exhausted for a plan beyond the limit, here or at the first run with new sizes;
/// unsupported for a call that no kernel takes.
std::shared_ptr<const Executable> compile(const Graph& graph, const OpRegistry& ops,
                                          CompileOptions options = {});

}  // namespace tenon
