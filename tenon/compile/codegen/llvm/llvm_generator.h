#pragma once

// The LLVM back end, seen from outside: no LLVM header.
//
//   auto generator = make_llvm_generator(options);
//   auto compiled = generator->compile(kernels);

#include <memory>

#include "tenon/compile/codegen/codegen.h"

namespace tenon {

std::unique_ptr<CodeGenerator> make_llvm_generator(const CodeGeneratorOptions& options);

}  // namespace tenon
