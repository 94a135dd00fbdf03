#include "tenon/format/idx.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "tenon/base/files.h"
#include "tenon/format/byte_reader.h"
#include "tenon/format/inflate.h"
#include "tenon/format/narrow.h"

namespace tenon {

namespace {

struct ElementType {
  uint8_t code;
  DType dtype;
  Narrow narrow = Narrow::none;

  size_t size() const { return narrow == Narrow::none ? size_of(dtype) : size_of(narrow); }
};
// i32 before i16: the first of a dtype is what is written.
constexpr ElementType kElementTypes[] = {{0x08, DType::u8},  {0x09, DType::i8},
                                         {0x0c, DType::i32}, {0x0b, DType::i32, Narrow::i16},
                                         {0x0d, DType::f32}, {0x0e, DType::f64}};

/// The content of the file, unpacked if need be.
class Content {
 public:
  Content(std::span<const std::byte> bytes, std::string_view name) : plain_(bytes, name) {
    limit_ = bytes.size();
    if (!is_gzip(bytes)) return;
    packed_.emplace(bytes, name, InflateStream::Kind::gzip);
    limit_ *= kMaxInflation;
  }

  void read(std::span<std::byte> out, std::string_view what) {
    if (packed_) {
      packed_->read_exactly(out, what);
    } else {
      std::ranges::copy(plain_.take(out.size(), what), out.begin());
    }
  }

  uint64_t offset() const { return packed_ ? packed_->position() : plain_.offset(); }
  bool at_end() {
    std::byte next;
    return packed_ ? packed_->read({&next, 1}) == 0 : plain_.remaining() == 0;
  }
  /// No content is longer than this.
  uint64_t limit() const { return limit_; }

 private:
  ByteReader plain_;
  std::optional<InflateStream> packed_;
  uint64_t limit_;
};

}  // namespace

Literal parse_idx(std::span<const std::byte> bytes, std::string_view name) {
  Content content(bytes, name);
  std::array<std::byte, 4> magic;
  content.read(magic, "the magic number");
  if (magic[0] != std::byte{0} || magic[1] != std::byte{0}) {
    throw corrupt_at(name, 0, "not an IDX file: it does not start with two zero bytes");
  }
  const auto code = static_cast<uint8_t>(magic[2]);
  const auto* type = std::ranges::find(kElementTypes, code, &ElementType::code);
  if (type == std::end(kElementTypes)) {
    throw corrupt_at(name, 2, "not an IDX file: no element type has code {:#04x}", code);
  }
  std::vector<int64_t> shape;
  for (int axis = 0; axis < static_cast<int>(magic[3]); ++axis) {
    std::array<std::byte, 4> raw;
    content.read(raw, "the dimensions");
    shape.push_back(ByteReader(raw, name).big<uint32_t>("a dimension"));
  }
  const auto size = array_bytes(type->size(), shape);
  if (!size || *size > content.limit()) {
    throw corrupt_at(name, 4, "the dimensions promise more than a file of {} bytes can hold",
                     bytes.size());
  }
  Literal result = Literal::uninitialized(type->dtype, std::move(shape));
  const std::span<std::byte> data = bytes_in_file(result, type->narrow);
  content.read(data, "the data");
  const uint64_t end = content.offset();
  if (!content.at_end()) throw corrupt_at(name, end, "bytes follow the array");
  if constexpr (std::endian::native == std::endian::little) reverse_bytes(data, type->size());
  widen(result, type->narrow, name);
  return result;
}

Literal read_idx(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_idx(file.bytes(), path.string());
}

void write_idx(const std::filesystem::path& path, const ArrayView& array) {
  const auto* type = std::ranges::find(kElementTypes, array.dtype, &ElementType::dtype);
  if (type == std::end(kElementTypes)) {
    fail(ErrorCode::unsupported, "idx: the format has no {}", name_of(array.dtype));
  }
  check(array.shape.size() <= 255, "an array has at most 255 dimensions");
  std::vector<std::byte> bytes = {std::byte{0}, std::byte{0}, std::byte{type->code},
                                  static_cast<std::byte>(array.shape.size())};
  for (int64_t dim : array.shape) {
    if (dim > UINT32_MAX) {
      fail(ErrorCode::unsupported, "idx: dimension {} does not fit in 32 bits", dim);
    }
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes.push_back(static_cast<std::byte>(dim >> shift));
    }
  }
  const size_t header = bytes.size();
  bytes.insert(bytes.end(), array.bytes.begin(), array.bytes.end());
  if constexpr (std::endian::native == std::endian::little) {
    reverse_bytes(std::span(bytes).subspan(header), size_of(array.dtype));
  }
  atomic_write(path, bytes);
}

}  // namespace tenon
