// A program bound to sizes: every shape is a number, every buffer has its offset, every library
// kernel is made.
//
//   Instance instance(program, {{"batch", 64}}, {.donated = donated});
//   instance.run(inputs, outputs, arena);
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tenon/compile/program.h"
#include "tenon/runtime/kernel.h"
#include "tenon/runtime/packed_store.h"

namespace tenon {

/// The location of a value during a run: an offset from one of the run's base pointers.
struct Location {
  uint32_t base = 0;  // 0: arena; then inputs, outputs, constants
  int64_t offset = 0;
};

/// One instruction.
class Step {
 public:
  virtual ~Step() = default;
  virtual void run(std::byte* const* bases) const = 0;
  virtual std::string describe() const = 0;

  std::string label;
  double bytes = 0;  // read and written
  double flops = 0;
};

/// Values of a program's graph that are the same in every run: inputs, and values that nodes would
/// compute from them, which then get no step. Constants need not be included.
using KnownValues = std::map<ValueId, Literal>;

struct InstanceOptions {
  std::vector<bool> donated = {};  // these two as in CompileOptions
  bool exact_convolutions = false;
  /// Inputs that are the same in all runs between two calls of Instance::pack: a loop's constants.
  std::vector<bool> repeated = {};
};

class Instance {
 public:
  Instance(const Program& program, const SymbolValues& symbols, const InstanceOptions& options = {},
           const KnownValues& known = {});

  /// Pointers in the order of the graph's inputs and outputs; the arena has arena_bytes(). Those of
  /// known inputs lead to their values.
  void run(void* const* inputs, void* const* outputs, std::byte* arena) const;

  /// Brings repeated inputs into the order of kernels, in the part of the arena that runs leave
  /// alone. To be called before the first run, and again where such an input or the arena changed.
  void pack(void* const* inputs, std::byte* arena) const;

  const Graph& graph() const { return *program_.graph; }
  int64_t arena_bytes() const { return arena_bytes_; }
  const std::vector<ConcreteType>& input_types() const { return input_types_; }
  const std::vector<ConcreteType>& output_types() const { return output_types_; }
  /// For each output, the donated input whose memory it reuses, or -1.
  const std::vector<int>& donated_input() const { return donated_input_; }
  const std::vector<std::unique_ptr<Step>>& steps() const { return steps_; }
  /// The size of packed operands, including those of regions; other instances may share them.
  int64_t packed_bytes() const { return packed_bytes_; }
  std::string to_string() const;

 private:
  friend class InstanceBuilder;

  const Program& program_;
  std::vector<ConcreteType> input_types_, output_types_;
  std::vector<int> donated_input_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<std::unique_ptr<Instance>> regions_;
  /// Data that every run reads: constants, known values, packed operands.
  struct Constant {
    std::shared_ptr<const void> owner;
    std::byte* data;
  };
  std::vector<Constant> constants_;
  /// Of a repeated input, and where in the arena the packed one lies.
  struct RepeatedPacking {
    size_t input;
    Packing packing;
    int64_t offset;
  };
  std::vector<RepeatedPacking> repeated_;
  int64_t arena_bytes_ = 0, packed_bytes_ = 0;
};

}  // namespace tenon
