#pragma once

//   given: std::span<const std::byte> bytes;
//   ByteReader reader(bytes, "weights.npy");
//   auto magic = reader.take(6, "the magic string");     // or: byte 0: ends within the magic string
//   auto length = reader.little<uint16_t>("the header length");
//   if (length > reader.remaining()) reader.fail_at(8, "header of {} bytes ...", length);

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tenon/base/error.h"
#include "tenon/graph/dtype.h"

namespace tenon {

/// The error for a file that contradicts its format: names the file and the offset of the byte.
template <typename... Args>
Error corrupt_at(std::string_view file, uint64_t offset, fmt::format_string<Args...> format,
                 Args&&... args) {
  return make_error(ErrorCode::corrupt, "{}: byte {}: {}", file, offset,
                    fmt::vformat(fmt::string_view(format), fmt::make_format_args(args...)));
}

/// A cursor over the bytes of a file, which never reads past their end.
class ByteReader {
 public:
  /// `name` is the file, for messages; it must outlive the reader.
  ByteReader(std::span<const std::byte> bytes, std::string_view name, uint64_t first_offset = 0)
      : bytes_(bytes), name_(name), first_offset_(first_offset) {}

  std::string_view name() const { return name_; }
  /// Offset in the file of the next byte.
  uint64_t offset() const { return first_offset_ + position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  /// The next `count` bytes; `what` names the truncated part in the error.
  std::span<const std::byte> take(size_t count, std::string_view what) {
    if (count > remaining()) {
      throw corrupt_at(name_, first_offset_ + bytes_.size(),
                       "the file ends within {} ({} bytes from byte {}, {} there)", what, count,
                       offset(), remaining());
    }
    auto result = bytes_.subspan(position_, count);
    position_ += count;
    return result;
  }

  template <std::integral T>
  T little(std::string_view what) {
    return number<T>(what, std::endian::little);
  }
  template <std::integral T>
  T big(std::string_view what) {
    return number<T>(what, std::endian::big);
  }

  template <typename... Args>
  [[noreturn]] void fail_at(uint64_t offset, fmt::format_string<Args...> format, Args&&... args) {
    throw corrupt_at(name_, offset, format, std::forward<Args>(args)...);
  }

 private:
  template <std::integral T>
  T number(std::string_view what, std::endian order) {
    std::array<std::byte, sizeof(T)> raw;
    std::ranges::copy(take(sizeof(T), what), raw.begin());
    if (order != std::endian::native) std::ranges::reverse(raw);
    return std::bit_cast<T>(raw);
  }

  std::span<const std::byte> bytes_;
  std::string_view name_;
  uint64_t first_offset_;
  size_t position_ = 0;
};

/// The size in bytes of an array of that shape, or none if a dimension is negative or the product
/// overflows.
inline std::optional<uint64_t> array_bytes(size_t element_size, std::span<const int64_t> shape) {
  uint64_t bytes = element_size;
  bool empty = false;
  for (int64_t dim : shape) {
    if (dim < 0) return std::nullopt;
    if (dim == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(dim), &bytes) ||
               bytes > static_cast<uint64_t>(INT64_MAX)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : bytes;
}
inline std::optional<uint64_t> array_bytes(DType dtype, std::span<const int64_t> shape) {
  return array_bytes(size_of(dtype), shape);
}

/// Reverses the byte order of an array's numbers, for files in the other byte order.
inline void reverse_bytes(std::span<std::byte> data, size_t element_size) {
  for (size_t i = 0; i + element_size <= data.size(); i += element_size) {
    std::reverse(data.begin() + static_cast<std::ptrdiff_t>(i),
                 data.begin() + static_cast<std::ptrdiff_t>(i + element_size));
  }
}

}  // namespace tenon
