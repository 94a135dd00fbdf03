#include "tenon/format/image.h"

#include <fmt/ranges.h>
#include <png.h>

#include <algorithm>
#include <array>

#include "tenon/base/files.h"
#include "tenon/format/byte_reader.h"
#include "tenon/format/inflate.h"
#include "tenon/format/pnm.h"

namespace tenon {

namespace {

constexpr std::array<uint8_t, 8> kPngMagic = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::array<png_uint_32, 5> kFormats = {0, PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB,
                                                 PNG_FORMAT_RGBA};

bool is_png(std::span<const std::byte> bytes) {
  return bytes.size() >= kPngMagic.size() &&
         std::ranges::equal(bytes.first(kPngMagic.size()), std::as_bytes(std::span(kPngMagic)));
}

/// Walks through the chunks before libpng does: libpng cannot say where a file is damaged, and
/// believes a width and height that the compressed data cannot fill.
void check_png(std::span<const std::byte> bytes, std::string_view name) {
  ByteReader reader(bytes, name);
  reader.take(kPngMagic.size(), "the signature");
  uint64_t width = 0, height = 0, data = 0;
  for (std::string type; type != "IEND";) {
    const uint64_t start = reader.offset();
    const auto length = reader.big<uint32_t>("a chunk");
    const auto body = reader.take(uint64_t{length} + 4, "a chunk");
    type.assign(reinterpret_cast<const char*>(body.data()), 4);
    const auto crc = reader.big<uint32_t>("the checksum of a chunk");
    if (crc != crc32_of(body)) reader.fail_at(start, "a damaged chunk: its checksum is wrong");
    if (type == "IHDR" && length >= 8) {
      ByteReader header(body.subspan(4), name, start + 8);
      width = header.big<uint32_t>("the width");
      height = header.big<uint32_t>("the height");
    } else if (type == "IDAT") {
      data += length;
    }
  }
  // A row has at least one bit a pixel and one byte of its own.
  if (height > 0 && (width / 8 + 1) > data * kMaxInflation / height) {
    reader.fail_at(16, "{} bytes of data cannot be an image of {} x {}", data, width, height);
  }
}

Literal parse_png(std::span<const std::byte> bytes, std::string_view name, int channels) {
  check_png(bytes, name);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) {
    throw corrupt_at(name, kPngMagic.size(), "not a valid PNG image: {}", image.message);
  }
  if (channels == 0) {
    channels = (image.format & PNG_FORMAT_FLAG_COLOR) != 0 ? 3 : 1;
    if ((image.format & PNG_FORMAT_FLAG_ALPHA) != 0) ++channels;
  }
  image.format = kFormats[static_cast<size_t>(channels)];
  Literal result;
  try {
    result = Literal(DType::u8, {image.height, image.width, channels});
  } catch (...) {
    png_image_free(&image);
    throw;
  }
  const png_color black = {0, 0, 0};
  if (png_image_finish_read(&image, &black, result.data(), 0, nullptr) == 0) {
    throw corrupt_at(name, kPngMagic.size(), "the image data are damaged: {}", image.message);
  }
  return result;
}

/// Grey from colour by the weights of ITU-R BT.601, colour from grey by repetition.
Literal with_channels(Literal image, int channels) {
  const int64_t has = image.shape()[2];
  if (channels == 0 || has == channels) return image;
  Literal result(DType::u8, {image.shape()[0], image.shape()[1], channels});
  const auto from = image.values<uint8_t>();
  auto to = result.values<uint8_t>();
  const bool to_colour = channels >= 3;
  const auto step = static_cast<size_t>(has), wanted = static_cast<size_t>(channels);
  for (size_t pixel = 0; pixel * step < from.size(); ++pixel) {
    const auto* in = &from[pixel * step];
    auto* out = &to[pixel * wanted];
    const int grey = has == 1 ? in[0] : (299 * in[0] + 587 * in[1] + 114 * in[2] + 500) / 1000;
    for (size_t c = 0; c < (to_colour ? 3u : 1u); ++c) {
      out[c] = to_colour && has >= 3 ? in[c] : static_cast<uint8_t>(grey);
    }
    if (wanted % 2 == 0) out[wanted - 1] = 255;
  }
  return result;
}

png_image describe(const ArrayView& image) {
  const auto& shape = image.shape;
  const int64_t channels = shape.size() == 3 ? shape[2] : 1;
  if (image.dtype != DType::u8 || shape.size() < 2 || shape.size() > 3 || channels < 1 ||
      channels > 4 || shape[0] < 1 || shape[1] < 1 || std::max(shape[0], shape[1]) > INT32_MAX) {
    throw make_error(ErrorCode::shape_mismatch, "png: {}[{}] is not an image", name_of(image.dtype),
                     fmt::join(shape, ","))
        .note("wanted: u8[height,width] or u8[height,width,channels] with 1 to 4 channels");
  }
  png_image result{};
  result.version = PNG_IMAGE_VERSION;
  result.height = static_cast<png_uint_32>(shape[0]);
  result.width = static_cast<png_uint_32>(shape[1]);
  result.format = kFormats[static_cast<size_t>(channels)];
  return result;
}

}  // namespace

Literal parse_image(std::span<const std::byte> bytes, std::string_view name,
                    const ImageOptions& options) {
  if (options.channels < 0 || options.channels > 4) {
    fail(ErrorCode::invalid_argument, "image: {} channels; 0 to 4 are possible", options.channels);
  }
  if (is_png(bytes)) return parse_png(bytes, name, options.channels);
  if (is_pnm(bytes)) return with_channels(parse_pnm(bytes, name), options.channels);
  throw corrupt_at(name, 0, "not an image that can be read").note("known: PNG, PGM, PPM");
}

Literal read_image(const std::filesystem::path& path, const ImageOptions& options) {
  const MappedFile file(path);
  return parse_image(file.bytes(), path.string(), options);
}

std::vector<std::byte> png_bytes(const ArrayView& image) {
  png_image target = describe(image);
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(target);
  std::vector<std::byte> result(size);
  if (png_image_write_to_memory(&target, result.data(), &size, 0, image.bytes.data(), 0, nullptr) ==
      0) {
    fail(ErrorCode::internal, "png: {}", target.message);
  }
  result.resize(size);
  return result;
}

void write_png(const std::filesystem::path& path, const ArrayView& image) {
  atomic_write(path, png_bytes(image));
}

}  // namespace tenon
