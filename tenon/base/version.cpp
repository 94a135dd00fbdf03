#include "tenon/base/version.h"

namespace tenon {

std::string_view version() { return TENON_VERSION; }

bool built_with_llvm() { return TENON_HAS_LLVM != 0; }

bool built_with_onednn() { return TENON_HAS_ONEDNN != 0; }

}  // namespace tenon
