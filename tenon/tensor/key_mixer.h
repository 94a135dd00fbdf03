// A fast hash for the keys of plans. Private to tensor/.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "tenon/base/hash.h"

namespace tenon::detail {

/// Two lanes of multiply-and-fold mixing (as in wyhash): a few nanoseconds per word, no allocation.
class KeyMixer {
 public:
  void add(uint64_t value) {
    low_ = fold(low_ ^ value, 0x9E3779B97F4A7C15u);
    high_ = fold(high_ + std::rotl(value, 32), 0xD6E8FEB86659FD93u) ^ value;
  }
  void add(const Hash128& value) {
    add(value.low);
    add(value.high);
  }
  void add(const void* pointer) { add(reinterpret_cast<uintptr_t>(pointer)); }
  void add(std::string_view text) { add(hash_bytes(text.data(), text.size())); }
  Hash128 finish() const {
    return {fold(low_ ^ high_, 0xA0761D6478BD642Fu), fold(high_ + 1, 0xE7037ED1A0B428DBu) ^ low_};
  }

 private:
  static uint64_t fold(uint64_t a, uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  uint64_t low_ = 0x2D358DCCAA6C78A5u;
  uint64_t high_ = 0x8BB84B93962EACC9u;
};

}  // namespace tenon::detail
