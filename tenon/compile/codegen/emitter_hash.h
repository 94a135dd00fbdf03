#pragma once

// The hash of the sources that determine the code of a kernel, computed by the build
// (cmake/emitter_hash.cmake):
//
//   Hash128 key = object_key(kernel, host_instruction_set(), emitter_hash());

#include <string_view>

namespace tenon {

/// 64 hexadecimal digits.
std::string_view emitter_hash();

}  // namespace tenon
