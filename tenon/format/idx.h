#pragma once

//   Literal images = read_idx("train-images-idx3-ubyte.gz");   // u8[60000,28,28]
//   Literal labels = read_idx("train-labels-idx1-ubyte.gz");   // u8[60000]
//   write_idx("mine-idx1-ubyte", labels);

#include <filesystem>
#include <span>
#include <string_view>

#include "tenon/format/array_view.h"

namespace tenon {

/// The array format of the MNIST family (yann.lecun.com/exdb/mnist), plain or inside gzip: u8, i8,
/// i32, f32 and f64, and i16 as i32. Errors name the byte, counted in the decompressed data if they
/// concern it.
Literal read_idx(const std::filesystem::path& path);
Literal parse_idx(std::span<const std::byte> bytes, std::string_view name);
/// Uncompressed, big-endian as the format requires; replaces an existing file whole or not at all.
void write_idx(const std::filesystem::path& path, const ArrayView& array);

}  // namespace tenon
