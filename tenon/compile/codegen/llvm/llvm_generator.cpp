#include "tenon/compile/codegen/llvm/llvm_generator.h"

#include <chrono>
#include <mutex>
#include <unordered_map>

#include "tenon/base/error.h"
#include "tenon/compile/codegen/llvm/machine.h"
#include "tenon/compile/codegen/object_cache.h"
#include "tenon/compile/codegen/object_loader.h"

namespace tenon {
namespace {

constexpr const char* kSymbol = "tenon_kernel";

class NativeKernel final : public CompiledKernel {
 public:
  NativeKernel(const Kernel& kernel, std::shared_ptr<const LoadedObject> code)
      : CompiledKernel(kernel), code_(std::move(code)), function_(reinterpret_cast<Function>(code_->find(kSymbol))) {
    if (!function_) fail(ErrorCode::corrupt, "object of kernel {} lacks its function", kernel.name);
  }
  void run(void* const* buffers, const int64_t* symbols, int64_t begin, int64_t end) const override {
    function_(buffers, symbols, begin, end);
  }

 private:
  using Function = void (*)(void* const*, const int64_t*, int64_t, int64_t);
  std::shared_ptr<const LoadedObject> code_;
  Function function_;
};

class LlvmGenerator final : public CodeGenerator {
 public:
  explicit LlvmGenerator(const CodeGeneratorOptions& options)
      : instruction_set_(options.instruction_set), disk_(options.cache_directory) {}

  std::vector<std::shared_ptr<const CompiledKernel>> compile(std::span<const Kernel> kernels) override {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::shared_ptr<const CompiledKernel>> result;
    result.reserve(kernels.size());
    for (const Kernel& kernel : kernels) result.push_back(compile_one(kernel));
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    const std::scoped_lock lock(mutex_);
    statistics_.seconds += spent.count();
    return result;
  }

  std::string_view backend_name() const override { return "llvm"; }
  CodeGeneratorStatistics statistics() const override {
    const std::scoped_lock lock(mutex_);
    return statistics_;
  }

 private:
  std::shared_ptr<const CompiledKernel> compile_one(const Kernel& kernel) {
    const Hash128 key = key_of(kernel);
    {
      const std::scoped_lock lock(mutex_);
      if (const auto known = loaded_.find(key); known != loaded_.end()) {
        ++statistics_.from_memory;
        return std::make_shared<NativeKernel>(kernel, known->second);
      }
    }
    auto code = from_disk(key);
    const bool cached = code != nullptr;
    if (!cached) code = emit(kernel, key);
    auto compiled = std::make_shared<NativeKernel>(kernel, code);
    const std::scoped_lock lock(mutex_);
    ++(cached ? statistics_.from_disk : statistics_.compiled);
    loaded_.try_emplace(key, std::move(code));
    return compiled;
  }

  Hash128 key_of(const Kernel& kernel) const {
    return Hasher().add(hash_of(kernel)).add(Machine::version()).add(name_of(instruction_set_)).finish();
  }

  std::shared_ptr<const LoadedObject> from_disk(const Hash128& key) const {
    const auto object = disk_.find(key);
    if (!object) return nullptr;
    try {
      return LoadedObject::load(*object);
    } catch (const Error&) {
      return nullptr;  // an entry that cannot be used is written anew
    }
  }

  std::shared_ptr<const LoadedObject> emit(const Kernel& kernel, const Hash128& key) {
    verify(kernel);
    std::unique_ptr<Machine> machine = take_machine();
    const auto object = machine->compile(kernel, kSymbol);
    give_machine(std::move(machine));
    disk_.store(key, object);
    return LoadedObject::load(object);
  }

  // Machines are dear to make and serve one thread at a time.
  std::unique_ptr<Machine> take_machine() {
    const std::scoped_lock lock(mutex_);
    if (machines_.empty()) return std::make_unique<Machine>(instruction_set_);
    auto machine = std::move(machines_.back());
    machines_.pop_back();
    return machine;
  }
  void give_machine(std::unique_ptr<Machine> machine) {
    const std::scoped_lock lock(mutex_);
    machines_.push_back(std::move(machine));
  }

  InstructionSet instruction_set_;
  ObjectCache disk_;
  mutable std::mutex mutex_;
  std::unordered_map<Hash128, std::shared_ptr<const LoadedObject>> loaded_;
  std::vector<std::unique_ptr<Machine>> machines_;
  CodeGeneratorStatistics statistics_;
};

}  // namespace

std::unique_ptr<CodeGenerator> make_llvm_generator(const CodeGeneratorOptions& options) {
  return std::make_unique<LlvmGenerator>(options);
}

}  // namespace tenon
