#pragma once

//   given: std::span<const std::byte> bytes;
//   if (is_pnm(bytes)) Literal image = parse_pnm(bytes, "digit.pgm");   // u8[h,w,1] or u8[h,w,3]

#include <span>
#include <string_view>

#include "tenon/graph/literal.h"

namespace tenon {

bool is_pnm(std::span<const std::byte> bytes);

/// Grey (P2, P5) and colour (P3, P6) maps of the Netpbm family, scaled to 0..255.
Literal parse_pnm(std::span<const std::byte> bytes, std::string_view name);

}  // namespace tenon
