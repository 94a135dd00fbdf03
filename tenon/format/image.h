#pragma once

//   Literal photo = read_image("shirt.png");              // u8[height, width, channels]
//   Literal grey = read_image("shirt.png", {.channels = 1});
//   write_png("mistake.png", grey);                       // u8[h,w], u8[h,w,1], [h,w,3] or [h,w,4]
//   std::vector<std::byte> inlined = png_bytes(grey);     // for a report

#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "tenon/format/array_view.h"

namespace tenon {

struct ImageOptions {
  /// 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; 0: as in the file. Pillow's convert
  /// ("L", "LA", "RGB", "RGBA") gives the same: grey is computed from the stored values, alpha is
  /// dropped if not requested and 255 if the file has none.
  int channels = 0;
};

/// Reads every kind of PNG, PBM, PGM and PPM (png.h and pnm.h describe the conversion to 8 bits);
/// an image gives the same numbers in each format. A damaged file is Error corrupt with the byte
/// offset; data after the end of the image is ignored.
Literal read_image(const std::filesystem::path& path, const ImageOptions& options = {});
Literal parse_image(std::span<const std::byte> bytes, std::string_view name,
                    const ImageOptions& options = {});

/// Replaces an existing file whole or not at all.
void write_png(const std::filesystem::path& path, const ArrayView& image);
std::vector<std::byte> png_bytes(const ArrayView& image);

}  // namespace tenon
