#include "tenon/format/image.h"

#include <fmt/ranges.h>
#include <png.h>

#include <algorithm>
#include <array>

#include "tenon/base/files.h"
#include "tenon/format/byte_reader.h"
#include "tenon/format/png.h"
#include "tenon/format/pnm.h"

namespace tenon {

namespace {

constexpr std::array<png_uint_32, 5> kFormats = {0, PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB,
                                                 PNG_FORMAT_RGBA};

uint8_t grey_of(uint32_t red, uint32_t green, uint32_t blue) {
  return static_cast<uint8_t>((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

/// Grey from colour by the weights of ITU-R BT.601 in 16 bits, as Pillow; colour from grey by
/// repetition. Alpha is dropped where it is not wanted and opaque where there was none.
Literal with_channels(Literal image, int channels) {
  const int64_t has = image.shape()[2];
  if (channels == 0 || has == channels) return image;
  Literal result =
      Literal::uninitialized(DType::u8, {image.shape()[0], image.shape()[1], channels});
  const auto from = image.values<uint8_t>();
  auto to = result.values<uint8_t>();
  const auto step = static_cast<size_t>(has), wanted = static_cast<size_t>(channels);
  for (size_t pixel = 0; pixel * step < from.size(); ++pixel) {
    const uint8_t* in = &from[pixel * step];
    uint8_t* out = &to[pixel * wanted];
    const bool colour = step >= 3;
    if (wanted < 3) {
      out[0] = colour ? grey_of(in[0], in[1], in[2]) : in[0];
    } else {
      for (size_t c = 0; c < 3; ++c) out[c] = colour ? in[c] : in[0];
    }
    if (wanted % 2 == 0) out[wanted - 1] = step % 2 == 0 ? in[step - 1] : 255;
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
        .note("expected: u8[height,width] or u8[height,width,channels] with 1 to 4 channels");
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
  if (is_png(bytes)) return with_channels(parse_png(bytes, name), options.channels);
  if (is_pnm(bytes)) return with_channels(parse_pnm(bytes, name), options.channels);
  throw corrupt_at(name, 0, "not an image that can be read").note("known: PNG, PBM, PGM, PPM");
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
