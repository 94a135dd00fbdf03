#include "tenon/base/hash.h"

#include <fmt/format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstring>

namespace tenon {

struct Hasher::State {
  XXH3_state_t xxh;
};

std::string Hash128::hex() const { return fmt::format("{:016x}{:016x}", high, low); }

Hasher::Hasher(uint64_t seed) : seed_(seed) {}
Hasher::Hasher(const Hasher& other)
    : seed_(other.seed_),
      waiting_(other.waiting_),
      state_(other.state_ ? std::make_unique<State>(*other.state_) : nullptr),
      bytes_(other.bytes_) {}
Hasher& Hasher::operator=(const Hasher& other) {
  if (this != &other) *this = Hasher(other);
  return *this;
}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::flush() {
  if (!state_) {
    state_ = std::make_unique<State>();
    XXH3_128bits_reset_withSeed(&state_->xxh, seed_);
  }
  XXH3_128bits_update(&state_->xxh, bytes_.data(), waiting_);
  waiting_ = 0;
}

Hasher& Hasher::add_bytes(const void* data, size_t size) {
  if (size == 0) return *this;
  if (size > bytes_.size() - waiting_) flush();
  if (size > bytes_.size()) {
    XXH3_128bits_update(&state_->xxh, data, size);
    return *this;
  }
  std::memcpy(bytes_.data() + waiting_, data, size);
  waiting_ += static_cast<uint32_t>(size);
  return *this;
}

Hasher& Hasher::add(std::string_view text) {
  add(text.size());
  return add_bytes(text.data(), text.size());
}

Hasher& Hasher::add(double value) { return add(std::bit_cast<uint64_t>(value)); }

Hasher& Hasher::add(const Hash128& value) { return add(value.low).add(value.high); }

Hash128 Hasher::finish() const {
  if (!state_) return hash_bytes(bytes_.data(), waiting_, seed_);
  XXH3_state_t all = state_->xxh;
  XXH3_128bits_update(&all, bytes_.data(), waiting_);
  const XXH128_hash_t hash = XXH3_128bits_digest(&all);
  return {hash.low64, hash.high64};
}

Hash128 hash_bytes(const void* data, size_t size, uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(data, size, seed);
  return {hash.low64, hash.high64};
}

}  // namespace tenon
