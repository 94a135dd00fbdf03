// A program bound to sizes: every shape is a number, every buffer has its place, every library
// kernel is made.
//
//   Instance instance(program, {{"batch", 64}}, donated, /*exact_convolutions=*/false);
//   instance.run(inputs, outputs, arena);
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tenon/compile/program.h"
#include "tenon/runtime/kernel.h"

namespace tenon {

/// Where a value lives during a run: an offset from one of the run's base pointers.
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

class Instance {
 public:
  /// The last two as in CompileOptions.
  Instance(const Program& program, const SymbolValues& symbols, const std::vector<bool>& donated,
           bool exact_convolutions);

  /// Pointers in the order of the graph's inputs and outputs; the arena has arena_bytes().
  void run(void* const* inputs, void* const* outputs, std::byte* arena) const;

  const Graph& graph() const { return *program_.graph; }
  int64_t arena_bytes() const { return arena_bytes_; }
  const std::vector<ConcreteType>& input_types() const { return input_types_; }
  const std::vector<ConcreteType>& output_types() const { return output_types_; }
  /// For each output the donated input whose memory it takes, or -1.
  const std::vector<int>& donated_input() const { return donated_input_; }
  const std::vector<std::unique_ptr<Step>>& steps() const { return steps_; }
  std::string to_string() const;

 private:
  friend class InstanceBuilder;

  const Program& program_;
  std::vector<ConcreteType> input_types_, output_types_;
  std::vector<int> donated_input_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<std::unique_ptr<Instance>> regions_;
  std::vector<LiteralRef> constants_;
  int64_t arena_bytes_ = 0;
};

}  // namespace tenon
