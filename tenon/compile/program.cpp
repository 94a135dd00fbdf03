#include "tenon/compile/program.h"

#include <unordered_map>
#include <utility>

#include "tenon/base/hash.h"
#include "tenon/base/log.h"
#include "tenon/compile/fusion.h"

namespace tenon {

namespace {

/// What is to be compiled for all fusions of a program and of its regions that compute the same.
struct Pending {
  std::shared_ptr<FusionCode> code;
  Schedule schedule;
  Lowered lowered;
};

/// Lowers fusions. Deep models and their updates repeat themselves: what has been lowered before,
/// with the same schedule, has its code already.
class FusionCodes {
 public:
  std::shared_ptr<const FusionCode> code_of(const Node& fusion, const Schedule& schedule) {
    Hasher hasher;
    fusion.attributes.hash(hasher);
    std::vector<size_t>& equal = by_hash_[hasher.finish()];
    for (size_t i : equal) {
      if (pending_[i].schedule == schedule) return pending_[i].code;
    }
    equal.push_back(pending_.size());
    pending_.push_back({std::make_shared<FusionCode>(), schedule, lower_fusion(fusion, schedule)});
    return pending_.back().code;
  }

  /// In one call, so that kernels of all regions are compiled in parallel.
  void compile(CodeGenerator& generator) {
    std::vector<Kernel> kernels;
    for (Pending& item : pending_) {
      for (const Launch& launch : item.lowered.launches) {
        if (log_level() <= LogLevel::debug) log_debug("{}", to_string(launch.kernel));
        kernels.push_back(launch.kernel);
      }
    }
    const auto compiled = generator.compile(kernels);
    size_t next = 0;
    for (Pending& item : pending_) {
      item.code->temporaries = std::move(item.lowered.temporaries);
      for (Launch& launch : item.lowered.launches)
        item.code->steps.push_back(step_of(launch, compiled[next++]));
    }
  }

 private:
  static FusionCode::Step step_of(const Launch& launch,
                                  std::shared_ptr<const CompiledKernel> kernel) {
    FusionCode::Step step;
    step.kernel = std::move(kernel);
    step.operands = launch.operands;
    step.operations = static_cast<double>(launch.kernel.pool().size());
    for (size_t i = 0; i < launch.operands.size(); ++i) {
      auto& shared = step.may_share.emplace_back();
      for (uint32_t buffer : launch.kernel.buffers[i].may_share)
        shared.push_back(launch.operands[buffer]);
    }
    return step;
  }

  std::vector<Pending> pending_;
  std::unordered_map<Hash128, std::vector<size_t>> by_hash_;
};

Program rewrite(const Graph& graph, const PassContext& context, CodeGenerator& generator,
                const PassOptions& options, const ScheduleChooser& schedule, FusionCodes& codes) {
  Program program;
  program.generator = &generator;
  program.graph = PassManager(context, options).run(graph, standard_passes());
  program.fusions.resize(program.graph->node_count());
  for (NodeId id = 0; id < program.graph->node_count(); ++id) {
    const Node& node = program.graph->node(id);
    if (node.op == &fusion_op()) {
      program.fusions[id] = codes.code_of(node, schedule(node));
      continue;
    }
    for (const auto& [name, attribute] : node.attributes) {
      if (auto* region = attribute.get_if<GraphRef>()) {
        program.regions[id].push_back(
            rewrite(**region, context, generator, options, schedule, codes));
      }
    }
  }
  return program;
}

}  // namespace

Program build_program(const Graph& graph, const PassContext& context, CodeGenerator& generator,
                      const PassOptions& options, const ScheduleChooser& schedule) {
  FusionCodes codes;
  Program program = rewrite(graph, context, generator, options, schedule, codes);
  codes.compile(generator);
  return program;
}

}  // namespace tenon
