// A compiled graph before it is bound to sizes and memory: the rewritten graph, and the code of its
// fused kernels.
//
//   Program program = build_program(graph, {ops, oracle}, generator, {});
//   program.code_of(node)->steps[0].kernel;     // machine code, for any value of the symbols
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "tenon/compile/codegen/codegen.h"
#include "tenon/compile/lower/lower.h"
#include "tenon/compile/pass.h"

namespace tenon {

struct FusionCode {
  struct Step {
    std::shared_ptr<const CompiledKernel> kernel;
    std::vector<uint32_t> operands;  // as Launch::operands
    /// For each buffer of the kernel: operands that it may share memory with when they are its last
    /// use.
    std::vector<std::vector<uint32_t>> may_share;
    double operations = 0;  // scalar operations per iteration of its expressions, roughly
  };
  std::vector<Step> steps;
  std::vector<Type> temporaries;
};

struct Program {
  /// Of a fusion; null for other nodes.
  const FusionCode* code_of(NodeId node) const {
    return node < fusions.size() ? fusions[node].get() : nullptr;
  }

  std::unique_ptr<Graph> graph;
  /// By node; null where it is no fusion. Fusions that compute the same share their code.
  std::vector<std::shared_ptr<const FusionCode>> fusions;
  std::map<NodeId, std::vector<Program>>
      regions;                         // of control flow, in the order of the attributes' names
  CodeGenerator* generator = nullptr;  // for kernels that are generated when sizes are known
};

Program build_program(const Graph& graph, const PassContext& context, CodeGenerator& generator,
                      const PassOptions& options,
                      const ScheduleChooser& schedule = default_schedule);

}  // namespace tenon
