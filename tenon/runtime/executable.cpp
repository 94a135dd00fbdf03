#include "tenon/runtime/executable.h"

#include <algorithm>

#include <fmt/format.h>

#include "tenon/base/error.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/base/inline_array.h"
#include "tenon/base/parallel.h"
#include "tenon/base/strings.h"
#include "tenon/compile/program.h"
#include "tenon/graph/bind.h"
#include "tenon/runtime/arena_pool.h"
#include "tenon/runtime/caches.h"
#include "tenon/runtime/instance.h"
#include "tenon/runtime/instance_table.h"

namespace tenon {

namespace {

/// What the kernels of this machine can run.
class CpuOracle : public KernelOracle {
 public:
  bool has_kernel(const Graph& graph, const Node& node) const override {
    for (const KernelEntry& entry : cpu_kernels()) {
      if (entry.op == node.op->name && entry.claims(graph, node)) return true;
    }
    return false;
  }
};

/// One a process: kernels that two programs share are compiled once.
CodeGenerator& shared_generator() {
  static constinit MadeOnce<CodeGenerator> generator;
  return generator.get([] { return make_code_generator().release(); });
}

/// Of numbers of bytes; as many as there can be where that is more.
int64_t sum_of(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/// Of results that do not take the memory of a donated input.
int64_t output_bytes(const Instance& instance) {
  int64_t bytes = 0;
  for (size_t i = 0; i < instance.output_types().size(); ++i) {
    if (instance.donated_input()[i] < 0) bytes = sum_of(bytes, instance.output_types()[i].bytes());
  }
  return bytes;
}

/// For exactly these dtypes and shapes.
bool takes(const Instance& instance, const std::vector<Buffer>& inputs) {
  return std::ranges::equal(instance.input_types(), inputs,
                            [](const ConcreteType& type, const Buffer& input) {
                              return type.dtype == input.dtype() && type.shape == input.shape();
                            });
}

class CpuExecutable : public Executable {
 public:
  CpuExecutable(const Graph& graph, const OpRegistry& ops, CompileOptions options)
      : source_(graph),
        options_(std::move(options)),
        has_symbols_(!graph.symbols().empty()),
        instances_(std::max<size_t>(options_.kept_sizes, 1)) {
    CpuOracle oracle;
    program_ =
        build_program(source_, {ops, oracle}, shared_generator(),
                      {.disabled = options_.disabled_passes, .print_after = options_.print_after},
                      options_.schedule);
    if (!has_symbols_) fixed_ = bound_for({});
  }

  const Graph& graph() const override { return source_; }

  std::vector<Buffer> run(std::vector<Buffer> inputs) const override {
    const ComputingThread here;
    std::shared_ptr<const Instance> held;
    const Instance& instance = bind(inputs, held);
    std::vector<Buffer> outputs(instance.output_types().size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      const ConcreteType& type = instance.output_types()[i];
      int donated = instance.donated_input()[i];
      if (donated < 0) {
        outputs[i] = Buffer::allocate(type.dtype, type.shape);
        continue;
      }
      Buffer& input = inputs[static_cast<size_t>(donated)];
      // Someone still looks at this input: the run works on a copy.
      if (!input.unique()) input = Buffer::copy_of(input.to_literal());
      outputs[i] = input.reshaped(type.shape);
    }
    InlineArray<void*, 64> pointers(inputs.size() + outputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) pointers[i] = inputs[i].data();
    for (size_t i = 0; i < outputs.size(); ++i) pointers[inputs.size() + i] = outputs[i].data();
    auto arena = shared_arenas().take(instance.arena_bytes());
    instance.run(pointers.data(), pointers.data() + inputs.size(), arena.data());
    return outputs;
  }

  void prepare(const std::vector<std::vector<int64_t>>& input_shapes) const override {
    if (has_symbols_) bound_for(bind_symbols(source_, input_shapes));
  }

  PlanReport report(const std::vector<std::vector<int64_t>>& input_shapes) const override {
    SymbolValues symbols;
    if (has_symbols_) symbols = bind_symbols(source_, input_shapes);
    const std::shared_ptr<const Instance> instance = has_symbols_ ? bound_for(symbols) : fixed_;
    PlanReport report;
    report.arena_bytes = instance->arena_bytes();
    report.output_bytes = output_bytes(*instance);
    report.peak_bytes = sum_of(report.arena_bytes, report.output_bytes);
    report.text = instance->to_string();
    return report;
  }

 private:
  /// The instance for these inputs. One that may go from the table meanwhile is held by `held`.
  const Instance& bind(const std::vector<Buffer>& inputs,
                       std::shared_ptr<const Instance>& held) const {
    if (inputs.size() != source_.inputs().size()) {
      fail(ErrorCode::invalid_argument, "graph '{}' takes {} inputs, not {}", source_.name(),
           source_.inputs().size(), inputs.size());
    }
    if (!has_symbols_) {
      check_inputs(inputs, *fixed_);
      return *fixed_;
    }
    held = bound_to(inputs);
    check_inputs(inputs, *held);
    return *held;
  }

  /// Sizes mostly are those of the run before, for which symbols need no solving.
  std::shared_ptr<const Instance> bound_to(const std::vector<Buffer>& inputs) const {
    const auto fits = [&](const Instance& latest) { return takes(latest, inputs); };
    if (auto latest = instances_.latest_if(fits)) return latest;
    std::vector<std::vector<int64_t>> shapes;
    for (const Buffer& input : inputs) shapes.push_back(input.shape());
    return bound_for(bind_symbols(source_, shapes));
  }

  void check_inputs(const std::vector<Buffer>& inputs, const Instance& instance) const {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const ConcreteType& wanted = instance.input_types()[i];
      if (inputs[i].data() == nullptr && wanted.size() > 0)
        fail(ErrorCode::invalid_argument,
             "input '{}' of '{}' has no memory: the buffer was never made, or moved away",
             source_.input_names()[i], source_.name());
      if (inputs[i].dtype() == wanted.dtype && inputs[i].shape() == wanted.shape) continue;
      Type given{inputs[i].dtype(), Shape::of(inputs[i].shape())};
      bool dtype = inputs[i].dtype() != wanted.dtype;
      fail(dtype ? ErrorCode::type_mismatch : ErrorCode::shape_mismatch,
           "input '{}' of '{}' is {}, compiled for {}", source_.input_names()[i], source_.name(),
           given.to_string(), wanted.to_string());
    }
  }

  std::shared_ptr<const Instance> bound_for(const SymbolValues& symbols) const {
    if (std::shared_ptr<const Instance> known = instances_.find(symbols)) return known;
    auto made = std::make_shared<const Instance>(program_, symbols, options_.donated,
                                                 options_.exact_convolutions);
    const int64_t arena = made->arena_bytes(), outputs = output_bytes(*made);
    const int64_t bytes = sum_of(arena, outputs);
    if (bytes > options_.memory_limit) {
      throw make_error(ErrorCode::resource_exhausted,
                       "the plan of '{}' needs {}, more than the limit of {}", source_.name(),
                       format_bytes(static_cast<uint64_t>(bytes)),
                       format_bytes(static_cast<uint64_t>(options_.memory_limit)))
          .note("intermediates {}, results {}", format_bytes(static_cast<uint64_t>(arena)),
                format_bytes(static_cast<uint64_t>(outputs)))
          .note("hint: use a smaller batch, or checkpoint() parts of the model");
    }
    return has_symbols_ ? instances_.add(symbols, std::move(made)) : made;
  }

  Graph source_;
  CompileOptions options_;
  bool has_symbols_;
  Program program_;
  std::shared_ptr<const Instance> fixed_;  // where there are no symbols
  mutable InstanceTable instances_;        // where there are
};

}  // namespace

void release_idle_memory() { shared_arenas().release(); }

RuntimeCaches runtime_caches() {
  const CodeGeneratorStatistics generator = shared_generator().statistics();
  return {.kernels = generator.code,
          .kernel_files = generator.disk,
          .instances = InstanceTable::statistics(),
          .arenas = shared_arenas().statistics()};
}

std::shared_ptr<const Executable> compile(const Graph& graph, const OpRegistry& ops,
                                          CompileOptions options) {
  ConditionPause pause;
  return std::make_shared<CpuExecutable>(graph, ops, std::move(options));
}

}  // namespace tenon
