#pragma once

// The hash of the sources that decide what code a kernel becomes, made when they are built
// (cmake/emitter_hash.cmake):
//
//   Hash128 key = object_key(kernel, host_instruction_set(), emitter_hash());

#include <string_view>

namespace tenon {

/// 64 hexadecimal digits.
std::string_view emitter_hash();

}  // namespace tenon
