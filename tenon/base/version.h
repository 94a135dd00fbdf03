#pragma once

//   fmt::print("tenon {}\n", version());
//   if (!built_with_llvm()) fmt::print("no generated kernels: this will be slow\n");

#include <string_view>

namespace tenon {

/// "0.1.0"
std::string_view version();
bool built_with_llvm();
bool built_with_onednn();

}  // namespace tenon
