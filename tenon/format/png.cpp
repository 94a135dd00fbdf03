#include "tenon/format/png.h"

#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <string>
#include <vector>

#include "tenon/format/byte_reader.h"
#include "tenon/format/inflate.h"

namespace tenon {

namespace {

constexpr std::array<uint8_t, 8> kSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

/// A file cut down to the chunks that say what the stored numbers are.
struct Chunks {
  std::vector<std::span<const std::byte>> parts;
  uint64_t width = 0, height = 0, bits = 1;  // of a pixel
  uint64_t data = 0;                         // bytes of packed pixels
};

uint64_t channels_of(uint8_t colour_type) {
  const bool palette = (colour_type & PNG_COLOR_MASK_PALETTE) != 0;
  const bool colour = (colour_type & PNG_COLOR_MASK_COLOR) != 0 && !palette;
  return (colour ? 3 : 1) + ((colour_type & PNG_COLOR_MASK_ALPHA) != 0 ? 1 : 0);
}

void read_ihdr(ByteReader body, Chunks& chunks) {
  chunks.width = body.big<uint32_t>("the width");
  chunks.height = body.big<uint32_t>("the height");
  const auto depth = body.little<uint8_t>("the bit depth");
  chunks.bits = depth * channels_of(body.little<uint8_t>("the colour type"));
}

/// Walks through the chunks before libpng does: libpng cannot say where a file is damaged, and
/// believes a width and height that the compressed data cannot fill. The optional chunks but tRNS
/// (gamma, profiles, texts …) change no stored number, so libpng need not see them.
Chunks walk(std::span<const std::byte> bytes, std::string_view name) {
  ByteReader reader(bytes, name);
  Chunks result;
  result.parts.push_back(reader.take(kSignature.size(), "the signature"));
  for (std::string type; type != "IEND";) {
    const uint64_t start = reader.offset();
    const auto length = reader.big<uint32_t>("a chunk");
    const auto body = reader.take(uint64_t{length} + 4, "a chunk");
    type.assign(reinterpret_cast<const char*>(body.data()), 4);
    const auto crc = reader.big<uint32_t>("the checksum of a chunk");
    if (crc != crc32_of(body)) reader.fail_at(start, "a damaged chunk: its checksum is wrong");
    if (type == "IHDR") read_ihdr(ByteReader(body.subspan(4), name, start + 8), result);
    if (type == "IDAT") result.data += length;
    const bool optional = (type[0] & 0x20) != 0;
    if (!optional || type == "tRNS") {
      result.parts.push_back(bytes.subspan(start, reader.offset() - start));
    }
  }
  // Each row, or each part of one where the image is interlaced, has one more byte of its own.
  const uint64_t row = result.width * result.bits / 8 + 1;
  if (result.height > 0 && row > result.data * kMaxInflation / result.height) {
    reader.fail_at(16, "{} bytes of data cannot be an image of {} x {}", result.data, result.width,
                   result.height);
  }
  return result;
}

/// libpng leaves by longjmp where a file is wrong: what has a destructor lives in this object, out
/// of the functions that it jumps over.
class Decoder {
 public:
  explicit Decoder(Chunks chunks) : chunks_(std::move(chunks)) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, fail, [](auto, auto) {});
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      tenon::fail(ErrorCode::resource_exhausted, "png: no memory for a decoder");
    }
    png_set_read_fn(png_, this, give);
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }

  /// False where the file is wrong, as message() says.
  bool read_header() {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    start();
    return true;
  }
  /// Into rows of width x channels bytes.
  bool read_pixels(std::byte* out) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    read_rows(out);
    return true;
  }
  const char* message() const { return message_.data(); }
  uint64_t image_bytes() const {
    return uint64_t{png_get_rowbytes(png_, info_)} * png_get_image_height(png_, info_);
  }
  std::vector<int64_t> shape() const {
    return {png_get_image_height(png_, info_), png_get_image_width(png_, info_),
            png_get_channels(png_, info_)};
  }

 private:
  [[noreturn]] static void fail(png_structp png, png_const_charp message) {
    auto* self = static_cast<Decoder*>(png_get_error_ptr(png));
    std::snprintf(self->message_.data(), self->message_.size(), "%s", message);
    png_longjmp(png, 1);
  }

  static void give(png_structp png, png_bytep out, size_t size) {
    auto* self = static_cast<Decoder*>(png_get_io_ptr(png));
    while (size > 0) {
      if (self->part_ == self->chunks_.parts.size()) png_error(png, "the image data are cut off");
      const auto part = self->chunks_.parts[self->part_].subspan(self->taken_);
      const size_t count = std::min(size, part.size());
      std::copy_n(part.data(), count, reinterpret_cast<std::byte*>(out));
      out += count;
      size -= count;
      self->taken_ += count;
      if (count == part.size()) {
        ++self->part_;
        self->taken_ = 0;
      }
    }
  }

  void start() {
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // walk() knows better
    png_set_crc_action(png_, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_set_benign_errors(png_, 1);
    png_read_info(png_, info_);
    png_set_expand(png_);
    png_set_strip_16(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }

  void read_rows(std::byte* out) {
    const size_t stride = png_get_rowbytes(png_, info_);
    const png_uint_32 height = png_get_image_height(png_, info_);
    for (int pass = 0; pass < passes_; ++pass) {
      for (png_uint_32 y = 0; y < height; ++y) {
        png_read_row(png_, reinterpret_cast<png_bytep>(out + y * stride), nullptr);
      }
    }
  }

  Chunks chunks_;
  size_t part_ = 0, taken_ = 0;  // what libpng has had
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int passes_ = 1;
  std::array<char, 128> message_{};
};

}  // namespace

bool is_png(std::span<const std::byte> bytes) {
  return bytes.size() >= kSignature.size() &&
         std::ranges::equal(bytes.first(kSignature.size()), std::as_bytes(std::span(kSignature)));
}

Literal parse_png(std::span<const std::byte> bytes, std::string_view name) {
  Decoder decoder(walk(bytes, name));
  if (!decoder.read_header()) {
    throw corrupt_at(name, kSignature.size(), "not a valid PNG image: {}", decoder.message());
  }
  Literal result = Literal::uninitialized(DType::u8, decoder.shape());
  check(decoder.image_bytes() == result.bytes(), "libpng gives one byte for each sample");
  if (!decoder.read_pixels(result.data())) {
    throw corrupt_at(name, kSignature.size(), "the image data are damaged: {}", decoder.message());
  }
  return result;
}

}  // namespace tenon
