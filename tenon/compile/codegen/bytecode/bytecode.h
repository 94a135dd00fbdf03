#pragma once

// Runs loop kernels without generating machine code: the only back end of a build without LLVM, and
// the reference in tests of the others.
//
//   auto generator = make_bytecode_generator();
//   generator->compile(kernels)[0]->run(buffers, symbols, 0, n);

#include <memory>

#include "tenon/compile/codegen/codegen.h"

namespace tenon {

std::unique_ptr<CodeGenerator> make_bytecode_generator();

}  // namespace tenon
