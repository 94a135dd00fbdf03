#include "tenon/compile/codegen/llvm/machine.h"

#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

#include <mutex>

#include "tenon/base/error.h"
#include "tenon/compile/codegen/llvm/kernel_emitter.h"

namespace tenon {
namespace {

/// Raise it whenever emitted code changes.
constexpr int kEmitterVersion = 7;

const char* cpu_of(InstructionSet set) {
  switch (set) {
    case InstructionSet::baseline:
      return "x86-64";
    case InstructionSet::avx2:
      return "x86-64-v3";
    case InstructionSet::avx512:
      return "x86-64-v4";
  }
  return "x86-64";
}

int lanes_of(InstructionSet set) {
  switch (set) {
    case InstructionSet::baseline:
      return 4;
    case InstructionSet::avx2:
      return 8;
    case InstructionSet::avx512:
      return 16;
  }
  return 4;
}

void initialise_llvm_once() {
  static std::once_flag done;
  std::call_once(done, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  });
}

}  // namespace

struct Machine::State {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::TargetMachine> target;
  InstructionSet set;

  llvm::LoopAnalysisManager loop_analyses;
  llvm::FunctionAnalysisManager function_analyses;
  llvm::CGSCCAnalysisManager group_analyses;
  llvm::ModuleAnalysisManager module_analyses;
  llvm::FunctionPassManager passes;

  std::unique_ptr<llvm::Module> build(const Kernel& kernel, const std::string& symbol);
  std::vector<std::byte> emit(llvm::Module& module);
};

Machine::Machine(InstructionSet set) : state_(std::make_unique<State>()) {
  initialise_llvm_once();
  State& s = *state_;
  s.set = set;
  const std::string triple = "x86_64-unknown-linux-gnu";
  std::string problem;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, problem);
  if (!target) fail(ErrorCode::unsupported, "LLVM has no target for {}: {}", triple, problem);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  s.target.reset(target->createTargetMachine(triple, cpu_of(set), "", options, llvm::Reloc::PIC_,
                                             llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default,
                                             true));
  s.context.setDiscardValueNames(true);

  llvm::PassBuilder builder(s.target.get());
  builder.registerModuleAnalyses(s.module_analyses);
  builder.registerCGSCCAnalyses(s.group_analyses);
  builder.registerFunctionAnalyses(s.function_analyses);
  builder.registerLoopAnalyses(s.loop_analyses);
  builder.crossRegisterProxies(s.loop_analyses, s.function_analyses, s.group_analyses,
                               s.module_analyses);
  // The emitter already vectorises, rotates and unrolls; what is left is to clean up and to move
  // what does not change out of loops.
  s.passes.addPass(llvm::SROAPass(llvm::SROAOptions::PreserveCFG));
  s.passes.addPass(llvm::EarlyCSEPass(true));
  s.passes.addPass(llvm::SimplifyCFGPass());
  s.passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()),
                                                         /*UseMemorySSA=*/true));
  s.passes.addPass(llvm::InstCombinePass());
  s.passes.addPass(llvm::EarlyCSEPass());
}

Machine::~Machine() = default;

std::unique_ptr<llvm::Module> Machine::State::build(const Kernel& kernel,
                                                    const std::string& symbol) {
  auto module = std::make_unique<llvm::Module>(symbol, context);
  module->setTargetTriple(target->getTargetTriple().str());
  module->setDataLayout(target->createDataLayout());
  llvm::Function* function = emit_kernel(*module, unroll(kernel), symbol, {.lanes = lanes_of(set)});
#ifndef NDEBUG
  std::string problem;
  llvm::raw_string_ostream text(problem);
  if (llvm::verifyFunction(*function, &text)) {
    fail(ErrorCode::internal, "kernel {} gives malformed code: {}", kernel.name, problem);
  }
#endif
  passes.run(*function, function_analyses);
  function_analyses.clear();
  loop_analyses.clear();
  return module;
}

std::vector<std::byte> Machine::State::emit(llvm::Module& module) {
  llvm::SmallVector<char, 0> buffer;
  llvm::raw_svector_ostream stream(buffer);
  llvm::legacy::PassManager codegen;
  if (target->addPassesToEmitFile(codegen, stream, nullptr, llvm::CodeGenFileType::ObjectFile)) {
    fail(ErrorCode::internal, "LLVM cannot emit objects for this target");
  }
  codegen.run(module);
  const auto* first = reinterpret_cast<const std::byte*>(buffer.data());
  return {first, first + buffer.size()};
}

std::vector<std::byte> Machine::compile(const Kernel& kernel, const std::string& symbol) {
  const auto module = state_->build(kernel, symbol);
  return state_->emit(*module);
}

std::string Machine::version() {
  return fmt::format("llvm {} emitter {}", LLVM_VERSION_STRING, kEmitterVersion);
}

}  // namespace tenon
