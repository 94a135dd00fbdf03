#include "tenon/base/hash.h"

#include <fmt/format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>

namespace tenon {

struct Hasher::State {
  XXH3_state_t xxh;
};

std::string Hash128::hex() const { return fmt::format("{:016x}{:016x}", high, low); }

Hasher::Hasher(uint64_t seed) : state_(std::make_unique<State>()) {
  XXH3_128bits_reset_withSeed(&state_->xxh, seed);
}
Hasher::Hasher(const Hasher& other) : state_(std::make_unique<State>(*other.state_)) {}
Hasher& Hasher::operator=(const Hasher& other) {
  if (this != &other) state_ = std::make_unique<State>(*other.state_);
  return *this;
}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

Hasher& Hasher::add_bytes(const void* data, size_t size) {
  XXH3_128bits_update(&state_->xxh, data, size);
  return *this;
}

Hasher& Hasher::add(std::string_view text) {
  add(text.size());
  return add_bytes(text.data(), text.size());
}

Hasher& Hasher::add(double value) { return add(std::bit_cast<uint64_t>(value)); }

Hasher& Hasher::add(const Hash128& value) { return add(value.low).add(value.high); }

Hash128 Hasher::finish() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(&state_->xxh);
  return {hash.low64, hash.high64};
}

Hash128 hash_bytes(const void* data, size_t size, uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(data, size, seed);
  return {hash.low64, hash.high64};
}

}  // namespace tenon
