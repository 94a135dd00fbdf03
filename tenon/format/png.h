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

/// A PNG of any kind (w3.org/TR/png-3) in 8 bits: samples of 16 keep their high byte, smaller ones
/// fill 0 to 255, palettes become colours, a transparent colour (tRNS) becomes alpha. The stored
/// numbers count: gamma, chromaticities, colour profiles and backgrounds are not applied. What
/// follows the end of the image is not looked at. A damaged file is Error corrupt with the byte.
Literal parse_png(std::span<const std::byte> bytes, std::string_view name);

}  // namespace tenon
