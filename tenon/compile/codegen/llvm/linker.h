#pragma once

// Links object files of kernels to functions in memory, with the linker of LLVM's ORC:
//
//   Linker linker;
//   std::shared_ptr<KernelFunction> kernel = linker.link(object, "kernel", "softmax");
//   (*kernel)(buffers, symbols, begin, end);
//
// No target is set up for it, so kernels found in the cache on disk start without the compiler.
// Pages are never writable and executable at once. Thread-safe.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace tenon {

/// Runs the iterations [begin, end) of a kernel's parallel loop.
using KernelFunction = void(void* const* buffers, const int64_t* symbols, int64_t begin,
                            int64_t end);

class Linker {
 public:
  Linker();
  ~Linker();

  /// The function that the object defines as `symbol`; errors call the object `name`. Its memory is
  /// freed with the last copy, which may outlive the linker. Throws Error(corrupt) if the bytes are
  /// not an object for this processor, lack the symbol or need one that this program lacks. LLVM
  /// trusts the contents of an object, so check stored objects for damage first.
  std::shared_ptr<KernelFunction> link(std::span<const std::byte> object, const std::string& symbol,
                                       const std::string& name);

 private:
  struct Session;
  std::shared_ptr<Session> session_;
};

}  // namespace tenon
