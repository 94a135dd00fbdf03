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
#include "tenon/runtime/bound_values.h"
#include "tenon/runtime/caches.h"
#include "tenon/runtime/instance.h"
#include "tenon/runtime/instance_table.h"
#include "tenon/runtime/known_part.h"

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

/// What executables share that are bound to different values.
struct Compiled {
  Compiled(const Graph& graph, const OpRegistry& ops, CompileOptions given)
      : source(graph), options(std::move(given)), symbols(graph.symbols()) {
    CpuOracle oracle;
    program =
        build_program(source, {ops, oracle}, shared_generator(),
                      {.disabled = options.disabled_passes, .print_after = options.print_after},
                      options.schedule);
  }

  Graph source;
  CompileOptions options;
  std::vector<std::string> symbols;
  Program program;
};

class CpuExecutable : public Executable {
 public:
  CpuExecutable(std::shared_ptr<const Compiled> compiled, BoundValues values)
      : compiled_(std::move(compiled)),
        source_(compiled_->source),
        values_(std::move(values)),
        options_{.donated = compiled_->options.donated,
                 .exact_convolutions = compiled_->options.exact_convolutions},
        instances_(std::max<size_t>(compiled_->options.kept_sizes, 1)) {
    for (size_t i = 0; i < source_.inputs().size(); ++i) {
      if (!values_.contains(i)) free_.push_back(i);
    }
    const Program& program = compiled_->program;
    for (const auto& [input, value] : values_) {
      known_.emplace(program.graph->inputs()[input], value);
      if (input < options_.donated.size()) options_.donated[input] = false;
    }
    if (!values_.empty()) known_ = with_known_part(program, std::move(known_), options_);
    if (!has_symbols()) fixed_ = bound_for({});
  }

  const Graph& graph() const override { return source_; }

  std::vector<Buffer> run(std::vector<Buffer> inputs) const override {
    const ComputingThread here;
    std::shared_ptr<const Instance> held;
    const Instance& instance = instance_for(inputs, held);
    const size_t count = source_.inputs().size();
    InlineArray<void*, 64> pointers(count + instance.output_types().size());
    for (const auto& [input, value] : values_)
      pointers[input] = const_cast<std::byte*>(value.data());
    std::vector<Buffer> outputs(instance.output_types().size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      const ConcreteType& type = instance.output_types()[i];
      int donated = instance.donated_input()[i];
      if (donated < 0) {
        outputs[i] = Buffer::allocate(type.dtype, type.shape);
        continue;
      }
      Buffer& input = inputs[place_of(static_cast<size_t>(donated))];
      // Someone still looks at this input: the run works on a copy.
      if (!input.unique()) input = input.copy();
      outputs[i] = input.reshaped(type.shape);
    }
    for (size_t i = 0; i < inputs.size(); ++i) pointers[free_[i]] = inputs[i].data();
    for (size_t i = 0; i < outputs.size(); ++i) pointers[count + i] = outputs[i].data();
    auto arena = shared_arenas().take(instance.arena_bytes());
    instance.run(pointers.data(), pointers.data() + count, arena.data());
    return outputs;
  }

  void prepare(const std::vector<std::vector<int64_t>>& input_shapes) const override {
    if (has_symbols()) bound_for(bind_symbols(source_, all_shapes(input_shapes)));
  }

  PlanReport report(const std::vector<std::vector<int64_t>>& input_shapes) const override {
    SymbolValues symbols;
    if (has_symbols()) symbols = bind_symbols(source_, all_shapes(input_shapes));
    const std::shared_ptr<const Instance> instance = has_symbols() ? bound_for(symbols) : fixed_;
    PlanReport report;
    report.arena_bytes = instance->arena_bytes();
    report.output_bytes = output_bytes(*instance);
    report.peak_bytes = sum_of(report.arena_bytes, report.output_bytes);
    report.packed_bytes = instance->packed_bytes();
    report.text = instance->to_string();
    return report;
  }

  std::shared_ptr<const Executable> bind_inputs(const BoundInputs& values) const override {
    return std::make_shared<CpuExecutable>(compiled_, bound_values(source_, values, values_));
  }

 private:
  bool has_symbols() const { return !compiled_->symbols.empty(); }

  /// Of an input of the graph among those that run() takes.
  size_t place_of(size_t input) const {
    return static_cast<size_t>(std::ranges::lower_bound(free_, input) - free_.begin());
  }

  std::string takes_text() const {
    return values_.empty() ? fmt::format("takes {} inputs", free_.size())
                           : fmt::format("takes {} inputs besides the {} that are bound",
                                         free_.size(), values_.size());
  }

  std::vector<std::vector<int64_t>> all_shapes(
      const std::vector<std::vector<int64_t>>& free_shapes) const {
    check_count(free_shapes.size());
    std::vector<std::vector<int64_t>> shapes(source_.inputs().size());
    for (const auto& [input, value] : values_) shapes[input] = value.shape();
    for (size_t i = 0; i < free_.size(); ++i) shapes[free_[i]] = free_shapes[i];
    return shapes;
  }

  void check_count(size_t inputs) const {
    if (inputs == free_.size()) return;
    fail(ErrorCode::invalid_argument, "graph '{}' {}, not {}", source_.name(), takes_text(),
         inputs);
  }

  /// The instance for these inputs. One that may go from the table meanwhile is held by `held`.
  const Instance& instance_for(const std::vector<Buffer>& inputs,
                               std::shared_ptr<const Instance>& held) const {
    check_count(inputs.size());
    if (has_symbols()) held = instance_of(inputs);
    const Instance& instance = has_symbols() ? *held : *fixed_;
    check_inputs(inputs, instance);
    return instance;
  }

  /// Sizes mostly are those of the run before, for which symbols need no solving.
  std::shared_ptr<const Instance> instance_of(const std::vector<Buffer>& inputs) const {
    const auto fits = [&](const Instance& latest) { return takes(latest, inputs); };
    if (auto latest = instances_.latest_if(fits)) return latest;
    std::vector<std::vector<int64_t>> shapes;
    for (const Buffer& input : inputs) shapes.push_back(input.shape());
    return bound_for(bind_symbols(source_, all_shapes(shapes)));
  }

  /// Made for exactly these dtypes and shapes.
  bool takes(const Instance& instance, const std::vector<Buffer>& inputs) const {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const ConcreteType& type = instance.input_types()[free_[i]];
      if (type.dtype != inputs[i].dtype() || type.shape != inputs[i].shape()) return false;
    }
    return true;
  }

  void check_inputs(const std::vector<Buffer>& inputs, const Instance& instance) const {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const ConcreteType& wanted = instance.input_types()[free_[i]];
      const std::string& name = source_.input_names()[free_[i]];
      if (inputs[i].data() == nullptr && wanted.size() > 0)
        fail(ErrorCode::invalid_argument,
             "input '{}' of '{}' has no memory: the buffer was never made, or moved away", name,
             source_.name());
      if (inputs[i].dtype() == wanted.dtype && inputs[i].shape() == wanted.shape) continue;
      Type given{inputs[i].dtype(), Shape::of(inputs[i].shape())};
      bool dtype = inputs[i].dtype() != wanted.dtype;
      fail(dtype ? ErrorCode::type_mismatch : ErrorCode::shape_mismatch,
           "input '{}' of '{}' is {}, compiled for {}", name, source_.name(), given.to_string(),
           wanted.to_string());
    }
  }

  std::shared_ptr<const Instance> bound_for(const SymbolValues& symbols) const {
    if (std::shared_ptr<const Instance> known = instances_.find(symbols)) return known;
    auto made = std::make_shared<const Instance>(compiled_->program, symbols, options_, known_);
    const int64_t arena = made->arena_bytes(), outputs = output_bytes(*made);
    const int64_t bytes = sum_of(arena, outputs), limit = compiled_->options.memory_limit;
    if (bytes > limit) {
      throw make_error(ErrorCode::resource_exhausted,
                       "the plan of '{}' needs {}, more than the limit of {}", source_.name(),
                       format_bytes(static_cast<uint64_t>(bytes)),
                       format_bytes(static_cast<uint64_t>(limit)))
          .note("intermediates {}, results {}", format_bytes(static_cast<uint64_t>(arena)),
                format_bytes(static_cast<uint64_t>(outputs)))
          .note("hint: use a smaller batch, or remat() parts of the model");
    }
    return has_symbols() ? instances_.add(symbols, std::move(made)) : made;
  }

  std::shared_ptr<const Compiled> compiled_;
  const Graph& source_;
  BoundValues values_;        // of bound inputs
  std::vector<size_t> free_;  // inputs that run() takes
  InstanceOptions options_;
  KnownValues known_;
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
          .arenas = shared_arenas().statistics(),
          .packed = packed_operand_statistics(),
          .constants = shared_blob_statistics()};
}

std::shared_ptr<const Executable> compile(const Graph& graph, const OpRegistry& ops,
                                          CompileOptions options) {
  ConditionPause pause;
  const BoundInputs bound = std::exchange(options.bound, {});
  auto compiled = std::make_shared<const Compiled>(graph, ops, std::move(options));
  BoundValues values = bound_values(compiled->source, bound, {});
  return std::make_shared<CpuExecutable>(std::move(compiled), std::move(values));
}

}  // namespace tenon
