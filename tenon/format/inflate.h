#pragma once

//   #include "tenon/base/files.h"
//   given: MappedFile file("x.npy.gz"); std::string name; std::vector<std::byte> header(10);
//   if (is_gzip(file.bytes())) {
//     InflateStream stream(file.bytes(), name, InflateStream::Kind::gzip);
//     stream.read_exactly(header, "the header");      // Error corrupt, with the byte offset
//   }

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace tenon {

bool is_gzip(std::span<const std::byte> bytes);

/// No deflate stream grows by more than this factor: a header that promises more is corrupt, and
/// nothing needs to be allocated to find that out.
inline constexpr uint64_t kMaxInflation = 1032;

/// Decompresses deflated bytes piece by piece. Consecutive gzip members are read as one stream.
class InflateStream {
 public:
  enum class Kind { gzip, raw };

  /// `name` and `first_offset` give the position of the compressed bytes in errors; name and bytes
  /// must outlive the stream.
  InflateStream(std::span<const std::byte> compressed, std::string_view name, Kind kind,
                uint64_t first_offset = 0);
  ~InflateStream();
  InflateStream(const InflateStream&) = delete;
  InflateStream& operator=(const InflateStream&) = delete;

  /// Fills `out`, completely unless the stream ends.
  size_t read(std::span<std::byte> out);
  void read_exactly(std::span<std::byte> out, std::string_view what);
  /// How many bytes have been decompressed.
  uint64_t position() const { return position_; }

 private:
  struct State;
  std::span<const std::byte> compressed_;
  std::string_view name_;
  Kind kind_;
  uint64_t first_offset_;
  uint64_t position_ = 0;
  std::unique_ptr<State> state_;
};

/// `bytes`, compressed to a raw deflate stream.
std::vector<std::byte> deflate_bytes(std::span<const std::byte> bytes);

/// CRC-32 as zip, gzip and PNG use it, continuing from `crc`.
uint32_t crc32_of(std::span<const std::byte> bytes, uint32_t crc = 0);

}  // namespace tenon
