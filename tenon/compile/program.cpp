#include "tenon/compile/program.h"

#include "tenon/base/log.h"
#include "tenon/compile/fusion.h"

namespace tenon {

namespace {

/// Lowered kernels of a program and of all its regions, so that one call of the generator compiles
/// them together.
struct Pending {
  FusionCode* code;
  Lowered lowered;
};

Program rewrite(const Graph& graph, const PassContext& context, CodeGenerator& generator,
                const PassOptions& options, const ScheduleChooser& schedule,
                std::vector<Pending>& pending) {
  Program program;
  program.generator = &generator;
  program.graph = PassManager(context, options).run(graph, standard_passes());
  for (NodeId id = 0; id < program.graph->node_count(); ++id) {
    const Node& node = program.graph->node(id);
    if (node.op == &fusion_op()) {
      pending.push_back({&program.fusions[id], lower_fusion(node, schedule(node))});
      continue;
    }
    for (const auto& [name, attribute] : node.attributes) {
      if (auto* region = attribute.get_if<GraphRef>()) {
        program.regions[id].push_back(
            rewrite(**region, context, generator, options, schedule, pending));
      }
    }
  }
  return program;
}

double operation_count(const Kernel& kernel) { return static_cast<double>(kernel.pool().size()); }

}  // namespace

Program build_program(const Graph& graph, const PassContext& context, CodeGenerator& generator,
                      const PassOptions& options, const ScheduleChooser& schedule) {
  std::vector<Pending> pending;
  Program program = rewrite(graph, context, generator, options, schedule, pending);
  std::vector<Kernel> kernels;
  for (Pending& item : pending) {
    for (Launch& launch : item.lowered.launches) {
      if (log_level() <= LogLevel::debug) log_debug("{}", to_string(launch.kernel));
      kernels.push_back(launch.kernel);
    }
  }
  std::vector<std::shared_ptr<const CompiledKernel>> compiled = generator.compile(kernels);
  size_t next = 0;
  for (Pending& item : pending) {
    item.code->temporaries = item.lowered.temporaries;
    for (Launch& launch : item.lowered.launches) {
      FusionCode::Step step;
      step.kernel = compiled[next++];
      step.operands = launch.operands;
      step.operations = operation_count(launch.kernel);
      for (size_t i = 0; i < launch.operands.size(); ++i) {
        auto& shared = step.may_share.emplace_back();
        for (uint32_t buffer : launch.kernel.buffers[i].may_share)
          shared.push_back(launch.operands[buffer]);
      }
      item.code->steps.push_back(std::move(step));
    }
  }
  return program;
}

}  // namespace tenon
