// Compiles loop kernels to callable functions.
//
//   auto generator = make_code_generator({});                    // LLVM if built in
//   auto compiled = generator->compile(kernels);                 // one per kernel, cached
//   void* buffers[] = {x, y};
//   compiled[0]->run(buffers, symbols, 0, compiled[0]->iterations(symbols));
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/base/cache_statistics.h"
#include "tenon/base/cpu.h"
#include "tenon/compile/loop_ir.h"

namespace tenon {

/// Whether machine code can be generated for the architecture of this build.
bool can_make_machine_code();

/// A callable kernel. Thread-safe; valid as long as a handle to it exists.
class CompiledKernel {
 public:
  virtual ~CompiledKernel() = default;

  /// Runs the iterations [begin, end) of the outermost parallel loop. `buffers` holds inputs and
  /// outputs in the kernel's order, `symbols` values in the order of `symbol_names`.
  virtual void run(void* const* buffers, const int64_t* symbols, int64_t begin,
                   int64_t end) const = 0;

  const std::string& name() const { return name_; }
  const std::vector<std::string>& symbol_names() const { return symbol_names_; }
  /// Iterations of the parallel loop; 1 if the kernel has none.
  int64_t iterations(const int64_t* symbols) const;
  /// Callers should split iterations into multiples of this.
  int64_t grain() const { return grain_; }

 protected:
  explicit CompiledKernel(const Kernel& kernel);

 private:
  std::string name_;
  std::vector<std::string> symbol_names_;
  std::shared_ptr<ExprPool> extent_pool_;
  Expr extent_;
  int64_t grain_ = 1;
};

struct CodeGeneratorOptions {
  /// The back end; `automatic` is LLVM if it is built in, else bytecode.
  enum class Backend : uint8_t { automatic, llvm, bytecode };
  Backend backend = Backend::automatic;
  InstructionSet instruction_set = host_instruction_set();
  /// The folder of cached object files: TENON_CACHE_DIR, else kernels/ in cache_folder(). Empty:
  /// none.
  std::filesystem::path cache_directory = default_cache_directory();
  /// The size limit of that folder: TENON_CACHE_LIMIT, else 512 MiB. 0: none are kept.
  int64_t cache_limit = default_cache_limit();
  /// How many kernels without a plan keep their code, for plans that are made again.
  size_t recent_kernels = 512;

  static std::filesystem::path default_cache_directory();
  static int64_t default_cache_limit();
};

struct CodeGeneratorStatistics {
  int64_t compiled = 0;     // kernels emitted from scratch
  int64_t from_memory = 0;  // found compiled in this process
  int64_t from_disk = 0;    // loaded from the cache directory
  double seconds = 0.0;     // spent in compile()
  CacheStatistics code;     // machine code in memory
  CacheStatistics disk;     // objects in the cache directory
};

/// Compiles kernels and caches them by hash. Thread-safe.
class CodeGenerator {
 public:
  virtual ~CodeGenerator() = default;
  virtual std::vector<std::shared_ptr<const CompiledKernel>> compile(
      std::span<const Kernel> kernels) = 0;
  virtual std::string_view backend_name() const = 0;
  virtual CodeGeneratorStatistics statistics() const = 0;
};

std::unique_ptr<CodeGenerator> make_code_generator(const CodeGeneratorOptions& options = {});

/// The value of an i64 expression of symbols and constants.
int64_t evaluate_index(Expr e, const int64_t* symbols);
/// The same expression in another pool.
Expr copy_index(Expr e, ExprPool& target);

}  // namespace tenon
