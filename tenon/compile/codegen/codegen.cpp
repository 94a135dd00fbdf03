#include "tenon/compile/codegen/codegen.h"

#include <charconv>
#include <cstdlib>
#include <optional>

#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/base/log.h"
#include "tenon/base/strings.h"
#include "tenon/compile/codegen/bytecode/bytecode.h"
#include "tenon/compile/codegen/llvm/llvm_generator.h"
#include "tenon/compile/codegen/object_cache.h"
#include "tenon/ops/expr_fold.h"

namespace tenon {

bool can_make_machine_code() {
#if TENON_HAS_LLVM && (defined(__x86_64__) || defined(__aarch64__))
  return true;
#else
  return false;
#endif
}

std::filesystem::path CodeGeneratorOptions::default_cache_directory() {
  if (const char* chosen = std::getenv("TENON_CACHE_DIR")) return chosen;
  const std::filesystem::path folder = cache_folder();
  return folder.empty() ? folder : folder / "kernels";
}

namespace {

/// "1000000", "200M", "2G"; nothing where it is no such size.
std::optional<int64_t> parse_size(std::string_view text) {
  constexpr std::string_view kUnits = "KMG";
  int64_t size = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (problem != std::errc() || size < 0) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (text.empty()) return size;
  const size_t unit = kUnits.find(text[0]);
  if (text.size() > 1 || unit == std::string_view::npos) return std::nullopt;
  const int64_t factor = int64_t{1} << (10 * (unit + 1));
  if (size > INT64_MAX / factor) return std::nullopt;
  return size * factor;
}

}  // namespace

int64_t CodeGeneratorOptions::default_cache_limit() {
  const char* chosen = std::getenv("TENON_CACHE_LIMIT");
  if (!chosen) return ObjectCache::kDefaultLimit;
  if (const std::optional<int64_t> size = parse_size(chosen)) return *size;
  log_warning(
      "TENON_CACHE_LIMIT is '{}', not a size such as 200M: the cache of kernels may take {}",
      chosen, format_bytes(ObjectCache::kDefaultLimit));
  return ObjectCache::kDefaultLimit;
}

CompiledKernel::CompiledKernel(const Kernel& kernel)
    : name_(kernel.name), symbol_names_(kernel.pool().symbol_names()), grain_(kernel.grain) {
  if (const Loop* outer = kernel.parallel_loop()) {
    // Only the extent is kept, in its own pool.
    extent_pool_ = std::make_shared<ExprPool>();
    for (const std::string& symbol : symbol_names_) extent_pool_->symbol(symbol);
    extent_ = copy_index(outer->extent, *extent_pool_);
  }
}

int64_t CompiledKernel::iterations(const int64_t* symbols) const {
  return extent_.valid() ? evaluate_index(extent_, symbols) : 1;
}

int64_t evaluate_index(Expr e, const int64_t* symbols) {
  const ExprNode& n = e.node();
  if (n.op == ExprOp::constant) return detail::integer_from_bits(n.dtype, n.bits);
  if (n.op == ExprOp::symbol) return symbols[n.aux];
  check(n.operand_count() > 0, "an extent of symbols and constants");
  uint64_t bits[3] = {0, 0, 0};
  for (int i = 0; i < n.operand_count(); ++i) {
    bits[i] = static_cast<uint64_t>(evaluate_index(e.operand(i), symbols));
  }
  const DType type = e.operand(n.operand_count() - 1).dtype();
  return detail::integer_from_bits(n.dtype, detail::fold(n.op, n.dtype, type, bits));
}

Expr copy_index(Expr e, ExprPool& target) {
  const ExprNode& n = e.node();
  if (n.op == ExprOp::constant) return target.constant_bits(n.dtype, n.bits);
  if (n.op == ExprOp::symbol) return target.symbol(e.pool().symbol_names()[n.aux]);
  check(n.operand_count() > 0, "an extent of symbols and constants");
  Expr operands[3];
  for (int i = 0; i < n.operand_count(); ++i) operands[i] = copy_index(e.operand(i), target);
  return target.make(n.op, n.dtype, {operands, static_cast<size_t>(n.operand_count())}, n.aux);
}

std::unique_ptr<CodeGenerator> make_code_generator(const CodeGeneratorOptions& options) {
  using Backend = CodeGeneratorOptions::Backend;
#if TENON_HAS_LLVM
  if (options.backend != Backend::bytecode && can_make_machine_code()) {
    return make_llvm_generator(options);
  }
  const char* why = "there is no machine code for this architecture";
#else
  const char* why = "this build has no LLVM";
#endif
  if (options.backend == Backend::llvm) {
    fail(ErrorCode::unsupported, "{}: kernels can only be interpreted", why);
  }
  if (options.backend == Backend::automatic) {
    log_warning("{}: kernels are interpreted, which is slow", why);
  }
  return make_bytecode_generator();
}

}  // namespace tenon
