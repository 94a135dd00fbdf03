#pragma once

//   given: std::span<const std::byte> bytes;
//   if (is_pnm(bytes)) Literal image = parse_pnm(bytes, "digit.pgm");   // u8[h,w,1] or u8[h,w,3]

#include <span>
#include <string_view>

#include "tenon/graph/literal.h"

namespace tenon {

bool is_pnm(std::span<const std::byte> bytes);

/// The bitmaps (P1, P4), grey (P2, P5) and colour maps (P3, P6) of the Netpbm family
/// (netpbm.sourceforge.net/doc) in 8 bits: 16-bit samples keep their high byte as in a PNG, other
/// maxima are scaled to 0..255 with ties to even. Reads the first of several images and ignores
/// data after it. A damaged file is Error corrupt with the byte.
Literal parse_pnm(std::span<const std::byte> bytes, std::string_view name);

}  // namespace tenon
