#include "tenon/runtime/executable.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <numeric>
#include <shared_mutex>

#include <fmt/format.h>

#include "tenon/base/error.h"
#include "tenon/base/inline_array.h"
#include "tenon/base/parallel.h"
#include "tenon/base/strings.h"
#include "tenon/compile/program.h"
#include "tenon/graph/bind.h"
#include "tenon/runtime/instance.h"

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
  static CodeGenerator& generator = *make_code_generator().release();
  return generator;
}

/// Arenas between runs, shared by all plans of the process: plans that run one after the other use
/// one block. Concurrent runs take one each.
class ArenaPool {
 public:
  class Lease {
   public:
    Lease(ArenaPool& pool, Buffer buffer) : pool_(pool), buffer_(std::move(buffer)) {}
    ~Lease() { pool_.give_back(std::move(buffer_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    std::byte* data() const { return buffer_.as<std::byte>(); }

   private:
    ArenaPool& pool_;
    Buffer buffer_;
  };

  void release() {
    std::lock_guard lock(mutex_);
    free_.clear();
  }

  Lease take(int64_t bytes) {
    if (bytes == 0) return {*this, Buffer()};
    std::lock_guard lock(mutex_);
    size_t best = free_.size();
    for (size_t i = 0; i < free_.size(); ++i) {
      if (free_[i].size() >= bytes &&
          (best == free_.size() || free_[i].size() < free_[best].size()))
        best = i;
    }
    if (best < free_.size()) {
      Buffer buffer = std::move(free_[best]);
      free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(best));
      return {*this, std::move(buffer)};
    }
    // A larger one replaces the largest that waits, so that growing plans do not leave a trail of
    // blocks.
    if (!free_.empty()) free_.pop_back();
    return {*this, Buffer::allocate(DType::u8, {bytes})};
  }

 private:
  void give_back(Buffer buffer) {
    if (!buffer) return;
    std::lock_guard lock(mutex_);
    // In front of those of equal size: the next run takes what is still in the cache.
    auto at =
        std::lower_bound(free_.begin(), free_.end(), buffer.size(),
                         [](const Buffer& other, int64_t size) { return other.size() < size; });
    free_.insert(at, std::move(buffer));
  }

  std::mutex mutex_;
  std::vector<Buffer> free_;  // by size
};

ArenaPool& shared_arenas() {
  static ArenaPool& arenas = *new ArenaPool;
  return arenas;
}

struct Bound {
  Bound(const Program& program, const SymbolValues& symbols, const CompileOptions& options)
      : instance(program, symbols, options.donated, options.exact_convolutions) {
    output_bytes = 0;
    for (size_t i = 0; i < instance.output_types().size(); ++i) {
      if (instance.donated_input()[i] < 0) output_bytes += instance.output_types()[i].bytes();
    }
  }
  Instance instance;
  int64_t output_bytes;
};

class CpuExecutable : public Executable {
 public:
  CpuExecutable(const Graph& graph, const OpRegistry& ops, CompileOptions options)
      : source_(graph), options_(std::move(options)), has_symbols_(!graph.symbols().empty()) {
    CpuOracle oracle;
    program_ =
        build_program(source_, {ops, oracle}, shared_generator(),
                      {.disabled = options_.disabled_passes, .print_after = options_.print_after},
                      options_.schedule);
    if (!has_symbols_) bound_for({});
  }

  const Graph& graph() const override { return source_; }

  std::vector<Buffer> run(std::vector<Buffer> inputs) const override {
    const ComputingThread here;
    Bound& bound = bind(inputs);
    const Instance& instance = bound.instance;
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
    const Bound& bound = bound_for(symbols);
    PlanReport report;
    report.arena_bytes = bound.instance.arena_bytes();
    report.output_bytes = bound.output_bytes;
    report.peak_bytes = report.arena_bytes + report.output_bytes;
    report.text = bound.instance.to_string();
    return report;
  }

 private:
  Bound& bind(const std::vector<Buffer>& inputs) const {
    if (inputs.size() != source_.inputs().size()) {
      fail(ErrorCode::invalid_argument, "graph '{}' takes {} inputs, not {}", source_.name(),
           source_.inputs().size(), inputs.size());
    }
    if (!has_symbols_) {
      check_inputs(inputs, fixed_->instance);
      return *fixed_;
    }
    std::vector<std::vector<int64_t>> shapes;
    for (const Buffer& input : inputs) shapes.push_back(input.shape());
    Bound& bound = bound_for(bind_symbols(source_, shapes));
    check_inputs(inputs, bound.instance);
    return bound;
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

  Bound& bound_for(const SymbolValues& symbols) const {
    {
      std::shared_lock lock(mutex_);
      if (auto found = bound_.find(symbols); found != bound_.end()) return *found->second;
    }
    auto made = std::make_unique<Bound>(program_, symbols, options_);
    int64_t bytes = made->instance.arena_bytes() + made->output_bytes;
    if (bytes > options_.memory_limit) {
      throw make_error(ErrorCode::resource_exhausted,
                       "the plan of '{}' needs {}, more than the limit of {}", source_.name(),
                       format_bytes(static_cast<uint64_t>(bytes)),
                       format_bytes(static_cast<uint64_t>(options_.memory_limit)))
          .note("intermediates {}, results {}",
                format_bytes(static_cast<uint64_t>(made->instance.arena_bytes())),
                format_bytes(static_cast<uint64_t>(made->output_bytes)))
          .note("hint: use a smaller batch, or checkpoint() parts of the model");
    }
    std::unique_lock lock(mutex_);
    Bound& bound = *bound_.emplace(symbols, std::move(made)).first->second;
    if (!has_symbols_) fixed_ = &bound;
    return bound;
  }

  Graph source_;
  CompileOptions options_;
  bool has_symbols_;
  Program program_;
  mutable std::shared_mutex mutex_;
  mutable std::map<SymbolValues, std::unique_ptr<Bound>> bound_;
  mutable Bound* fixed_ = nullptr;
};

}  // namespace

void release_idle_memory() { shared_arenas().release(); }

std::shared_ptr<const Executable> compile(const Graph& graph, const OpRegistry& ops,
                                          CompileOptions options) {
  return std::make_shared<CpuExecutable>(graph, ops, std::move(options));
}

}  // namespace tenon
