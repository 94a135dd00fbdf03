#include "tenon/compile/codegen/llvm/llvm_generator.h"

#include <chrono>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "tenon/base/error.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/base/parallel.h"
#include "tenon/compile/codegen/code_table.h"
#include "tenon/compile/codegen/llvm/linker.h"
#include "tenon/compile/codegen/llvm/machine.h"
#include "tenon/compile/codegen/object_cache.h"

namespace tenon {
namespace {

constexpr const char* kSymbol = "tenon_kernel";

class NativeKernel final : public CompiledKernel {
 public:
  NativeKernel(const Kernel& kernel, std::shared_ptr<KernelFunction> function)
      : CompiledKernel(kernel), function_(std::move(function)) {}
  void run(void* const* buffers, const int64_t* symbols, int64_t begin,
           int64_t end) const override {
    (*function_)(buffers, symbols, begin, end);
  }

 private:
  std::shared_ptr<KernelFunction> function_;
};

class LlvmGenerator final : public CodeGenerator {
 public:
  explicit LlvmGenerator(const CodeGeneratorOptions& options)
      : instruction_set_(options.instruction_set),
        disk_(options.cache_directory, options.cache_limit),
        code_(options.recent_kernels) {}

  std::vector<std::shared_ptr<const CompiledKernel>> compile(
      std::span<const Kernel> kernels) override {
    const auto start = std::chrono::steady_clock::now();
    std::vector<Hash128> keys;
    for (const Kernel& kernel : kernels) {
      keys.push_back(object_key(kernel, instruction_set_, Machine::version()));
    }
    // Held until the end, whatever else is compiled meanwhile.
    std::unordered_map<Hash128, std::shared_ptr<KernelFunction>> functions;
    std::vector<size_t> missing;  // the first kernel of each key that is not in memory
    for (size_t i = 0; i < keys.size(); ++i) {
      auto [entry, fresh] = functions.try_emplace(keys[i]);
      if (fresh) entry->second = code_.find(keys[i]);
      if (fresh && !entry->second) missing.push_back(i);
    }
    parallel_for(static_cast<int64_t>(missing.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const size_t at = missing[static_cast<size_t>(i)];
        functions.at(keys[at]) = make(kernels[at], keys[at]);
      }
    });
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    std::vector<std::shared_ptr<const CompiledKernel>> result;
    for (size_t i = 0; i < kernels.size(); ++i) {
      result.push_back(std::make_shared<NativeKernel>(kernels[i], functions.at(keys[i])));
    }
    const std::scoped_lock lock(mutex_);
    statistics_.seconds += spent.count();
    statistics_.from_memory += static_cast<int64_t>(kernels.size() - missing.size());
    return result;
  }

  std::string_view backend_name() const override { return "llvm"; }
  CodeGeneratorStatistics statistics() const override {
    const std::scoped_lock lock(mutex_);
    CodeGeneratorStatistics statistics = statistics_;
    statistics.code = code_.statistics();
    statistics.disk = disk_.statistics();
    return statistics;
  }

 private:
  /// Code from the disk, or emitted.
  std::shared_ptr<KernelFunction> make(const Kernel& kernel, const Hash128& key) {
    std::optional<std::vector<std::byte>> object = disk_.find(key);
    std::shared_ptr<KernelFunction> function;
    if (object) function = link_stored(kernel, *object);
    const bool stored = function != nullptr;
    if (!stored) {
      object = emit(kernel);
      disk_.store(key, *object);
      function = linker_.link(*object, kSymbol, kernel.name);
    }
    {
      const std::scoped_lock lock(mutex_);
      ++(stored ? statistics_.from_disk : statistics_.compiled);
    }
    return code_.add(key, std::move(function), static_cast<int64_t>(object->size()));
  }

  std::shared_ptr<KernelFunction> link_stored(const Kernel& kernel,
                                              std::span<const std::byte> object) {
    try {
      return linker_.link(object, kSymbol, kernel.name);
    } catch (const Error&) {
      return nullptr;  // an entry that cannot be used is written anew
    }
  }

  std::vector<std::byte> emit(const Kernel& kernel) {
    verify(kernel);
    const ForkDelay delay;  // LLVM has its own locks
    std::unique_ptr<Machine> machine = take_machine();
    std::vector<std::byte> object = machine->compile(kernel, kSymbol);
    give_machine(std::move(machine));
    return object;
  }

  // Machines are dear to make and serve one thread at a time.
  std::unique_ptr<Machine> take_machine() {
    {
      const std::scoped_lock lock(mutex_);
      if (!machines_.empty()) {
        auto machine = std::move(machines_.back());
        machines_.pop_back();
        return machine;
      }
    }
    return std::make_unique<Machine>(instruction_set_);
  }
  void give_machine(std::unique_ptr<Machine> machine) {
    const std::scoped_lock lock(mutex_);
    machines_.push_back(std::move(machine));
  }

  InstructionSet instruction_set_;
  ObjectCache disk_;
  Linker linker_;
  mutable ForkSafeMutex mutex_;
  CodeTable<KernelFunction> code_;
  std::vector<std::unique_ptr<Machine>> machines_;
  CodeGeneratorStatistics statistics_;
};

}  // namespace

std::unique_ptr<CodeGenerator> make_llvm_generator(const CodeGeneratorOptions& options) {
  return std::make_unique<LlvmGenerator>(options);
}

}  // namespace tenon
