// What lies behind the checksums of a PNG is tested with checksums that are right.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tenon/base/error.h"
#include "tenon/format/byte_reader.h"
#include "tenon/format/inflate.h"

namespace tenon {

/// The same bytes with the right checksum in every chunk that is whole.
inline std::vector<std::byte> with_right_checksums(std::span<const std::byte> bytes) {
  std::vector<std::byte> result(bytes.begin(), bytes.end());
  ByteReader reader(bytes, "");
  constexpr size_t kSignature = 8, kChecksum = 4;
  try {
    reader.take(kSignature, "");
    for (;;) {
      const auto length = reader.big<uint32_t>("");
      const auto crc = crc32_of(reader.take(uint64_t{length} + 4, ""));
      const size_t at = reader.offset();
      reader.take(kChecksum, "");
      for (size_t i = 0; i < kChecksum; ++i) {
        result[at + i] = static_cast<std::byte>(crc >> (24 - 8 * i));
      }
    }
  } catch (const Error&) {  // the end
  }
  return result;
}

}  // namespace tenon
