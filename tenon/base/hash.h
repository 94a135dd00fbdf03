#pragma once

//   #include <filesystem>
//   #include <unordered_map>
//   given: struct { int id; } node; struct Plan {}; std::filesystem::path folder;
//   Hasher hasher;
//   hasher.add("dot").add(node.id).add(0.5);
//   Hash128 key = hasher.finish();        // equal input, equal key, on every machine
//   auto cache_path = folder / key.hex();      // 32 hexadecimal digits
//   std::unordered_map<Hash128, Plan> plans;

#include <array>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace tenon {

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;

  auto operator<=>(const Hash128&) const = default;
  std::string hex() const;
};

/// Incremental 128-bit hash (XXH3), not cryptographic. Strings and spans are hashed with their
/// length, integers as 64 bits, so ("ab", "c") and ("a", "bc") differ.
class Hasher {
 public:
  explicit Hasher(uint64_t seed = 0);
  Hasher(const Hasher& other);
  Hasher& operator=(const Hasher& other);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  Hasher& add_bytes(const void* data, size_t size);
  Hasher& add(std::string_view text);
  Hasher& add(const char* text) { return add(std::string_view(text)); }
  Hasher& add(double value);
  Hasher& add(const Hash128& value);
  template <std::integral T>
  Hasher& add(T value) {
    const auto wide = static_cast<uint64_t>(value);
    return add_bytes(&wide, sizeof wide);
  }
  template <typename T>
    requires std::is_enum_v<T>
  Hasher& add(T value) {
    return add(static_cast<std::underlying_type_t<T>>(value));
  }
  template <std::integral T>
  Hasher& add(std::span<const T> values) {
    add(values.size());
    for (T value : values) add(value);
    return *this;
  }

  /// The hash of everything added so far; more may be added afterwards.
  Hash128 finish() const;

 private:
  struct State;
  void flush();

  uint64_t seed_;
  uint32_t waiting_ = 0;          // bytes that `state_` has not seen
  std::unique_ptr<State> state_;  // made only where they do not fit
  std::array<std::byte, 512> bytes_;
};

/// The hash of one block of bytes, without the cost of an incremental state.
Hash128 hash_bytes(const void* data, size_t size, uint64_t seed = 0);

}  // namespace tenon

template <>
struct std::hash<tenon::Hash128> {
  size_t operator()(const tenon::Hash128& value) const noexcept {
    return static_cast<size_t>(value.low);
  }
};
