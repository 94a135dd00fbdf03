#pragma once

//   given: std::span<const std::byte> bytes;
//   if (is_png(bytes)) {
//     Literal image = parse_png(bytes, "shirt.png");    // u8[height,width,channels]
//     image.shape()[2];                                 // 1 grey, 2 with alpha, 3 RGB, 4 RGBA
//   }

#include <span>
#include <string_view>

#include "tenon/graph/literal.h"

namespace tenon {

bool is_png(std::span<const std::byte> bytes);

/// A PNG of any kind (w3.org/TR/png-3) in 8 bits: 16-bit samples keep their high byte, smaller ones
/// are scaled to 0 to 255, palettes become colours, a transparent colour (tRNS) becomes alpha.
/// Gamma, chromaticities, colour profiles and backgrounds are not applied. Data after the end of
/// the image is ignored. A damaged file is Error corrupt with the byte.
Literal parse_png(std::span<const std::byte> bytes, std::string_view name);

}  // namespace tenon
