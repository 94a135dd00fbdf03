#include "tenon/compile/codegen/llvm/llvm_generator.h"

#include <chrono>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "tenon/base/error.h"
#include "tenon/base/parallel.h"
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
      : instruction_set_(options.instruction_set), disk_(options.cache_directory) {}

  std::vector<std::shared_ptr<const CompiledKernel>> compile(
      std::span<const Kernel> kernels) override {
    const auto start = std::chrono::steady_clock::now();
    std::vector<Hash128> keys;
    for (const Kernel& kernel : kernels) keys.push_back(key_of(kernel));
    const std::vector<size_t> missing = not_linked(keys);
    parallel_for(static_cast<int64_t>(missing.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const size_t at = missing[static_cast<size_t>(i)];
        add(kernels[at], keys[at]);
      }
    });
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    const std::scoped_lock lock(mutex_);
    statistics_.seconds += spent.count();
    statistics_.from_memory += static_cast<int64_t>(kernels.size() - missing.size());
    std::vector<std::shared_ptr<const CompiledKernel>> result;
    for (size_t i = 0; i < kernels.size(); ++i) {
      result.push_back(std::make_shared<NativeKernel>(kernels[i], linked_.at(keys[i])));
    }
    return result;
  }

  std::string_view backend_name() const override { return "llvm"; }
  CodeGeneratorStatistics statistics() const override {
    const std::scoped_lock lock(mutex_);
    return statistics_;
  }

 private:
  /// The first kernel of each key that is not in memory.
  std::vector<size_t> not_linked(const std::vector<Hash128>& keys) const {
    const std::scoped_lock lock(mutex_);
    std::unordered_set<Hash128> seen;
    std::vector<size_t> missing;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (!linked_.contains(keys[i]) && seen.insert(keys[i]).second) missing.push_back(i);
    }
    return missing;
  }

  void add(const Kernel& kernel, const Hash128& key) {
    auto function = from_disk(kernel, key);
    const bool cached = function != nullptr;
    if (!cached) function = emit(kernel, key);
    const std::scoped_lock lock(mutex_);
    ++(cached ? statistics_.from_disk : statistics_.compiled);
    linked_.try_emplace(key, std::move(function));
  }

  Hash128 key_of(const Kernel& kernel) const {
    return Hasher()
        .add(hash_of(kernel))
        .add(Machine::version())
        .add(name_of(instruction_set_))
        .finish();
  }

  std::shared_ptr<KernelFunction> from_disk(const Kernel& kernel, const Hash128& key) {
    const auto object = disk_.find(key);
    if (!object) return nullptr;
    try {
      return linker_.link(*object, kSymbol, kernel.name);
    } catch (const Error&) {
      return nullptr;  // an entry that cannot be used is written anew
    }
  }

  std::shared_ptr<KernelFunction> emit(const Kernel& kernel, const Hash128& key) {
    verify(kernel);
    std::unique_ptr<Machine> machine = take_machine();
    const auto object = machine->compile(kernel, kSymbol);
    give_machine(std::move(machine));
    disk_.store(key, object);
    return linker_.link(object, kSymbol, kernel.name);
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
  mutable std::mutex mutex_;
  std::unordered_map<Hash128, std::shared_ptr<KernelFunction>> linked_;
  std::vector<std::unique_ptr<Machine>> machines_;
  CodeGeneratorStatistics statistics_;
};

}  // namespace

std::unique_ptr<CodeGenerator> make_llvm_generator(const CodeGeneratorOptions& options) {
  return std::make_unique<LlvmGenerator>(options);
}

}  // namespace tenon
