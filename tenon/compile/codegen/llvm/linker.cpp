#include "tenon/compile/codegen/llvm/linker.h"

#include <llvm/ExecutionEngine/Orc/Core.h>
#include <llvm/ExecutionEngine/Orc/ExecutionUtils.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/Support/MemoryBuffer.h>

#include <atomic>

#include "tenon/base/error.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/base/log.h"

namespace tenon {
namespace {

void require(llvm::Error problem) {
  if (!problem) return;
  fail(ErrorCode::corrupt, "generated code cannot be linked: {}",
       llvm::toString(std::move(problem)));
}

template <typename T>
T require(llvm::Expected<T> result) {
  require(result.takeError());
  return std::move(*result);
}

}  // namespace

struct Linker::Session {
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  class Library;

  llvm::orc::ExecutionSession execution;
  llvm::orc::ObjectLinkingLayer objects;
  /// What kernels call: memset, fmod and the like, from this process.
  llvm::orc::JITDylib& process;
  std::atomic<uint64_t> libraries = 0;
};

Linker::Session::Session()
    : execution(require(llvm::orc::SelfExecutorProcessControl::Create())),
      objects(execution),
      process(execution.createBareJITDylib("process")) {
  // A failed lookup says only that it failed; why goes to the reporter.
  execution.setErrorReporter([](llvm::Error problem) {
    log_warning("linking generated code: {}", llvm::toString(std::move(problem)));
  });
  process.addGenerator(
      require(llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess('\0')));
}

Linker::Session::~Session() {
  if (llvm::Error problem = execution.endSession()) execution.reportError(std::move(problem));
}

/// The code of one object, as its own library: objects may define the same names.
class Linker::Session::Library {
 public:
  Library(std::shared_ptr<Session> session, const std::string& name)
      : session_(std::move(session)),
        library_(session_->execution.createBareJITDylib(
            fmt::format("{} {}", name, session_->libraries++))) {
    library_.addToLinkOrder(session_->process);
  }
  ~Library() {
    const ForkDelay delay;
    if (llvm::Error problem = session_->execution.removeJITDylib(library_)) {
      session_->execution.reportError(std::move(problem));
    }
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  KernelFunction* link(std::span<const std::byte> object, const std::string& symbol) {
    const llvm::StringRef bytes(reinterpret_cast<const char*>(object.data()), object.size());
    require(session_->objects.add(library_, llvm::MemoryBuffer::getMemBufferCopy(bytes, symbol)));
    return require(session_->execution.lookup({&library_}, symbol))
        .getAddress()
        .toPtr<KernelFunction*>();
  }

 private:
  std::shared_ptr<Session> session_;
  llvm::orc::JITDylib& library_;
};

Linker::Linker() {
  const ForkDelay delay;
  session_ = std::make_shared<Session>();
}

Linker::~Linker() = default;

std::shared_ptr<KernelFunction> Linker::link(std::span<const std::byte> object,
                                             const std::string& symbol, const std::string& name) {
  const ForkDelay delay;  // LLVM has its own locks
  const auto library = std::make_shared<Session::Library>(session_, name);
  return {library, library->link(object, symbol)};
}

}  // namespace tenon
