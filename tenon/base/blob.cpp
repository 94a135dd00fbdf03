#include "tenon/base/blob.h"

#include <cstdlib>
#include <cstring>

#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/base/weak_store.h"

namespace tenon {

namespace {

std::atomic<int64_t> mapped_blobs{0}, mapped_bytes{0}, hashed_bytes{0};

WeakStore<Blob>& shared_blobs() {
  static constinit MadeOnce<WeakStore<Blob>> store;
  return store.get([] { return new WeakStore<Blob>; });
}

}  // namespace

std::shared_ptr<Blob> Blob::allocate(size_t bytes, void (*released)(size_t)) {
  auto blob = std::make_shared<Blob>(Private{});
  blob->bytes_ = bytes;
  if (bytes <= kSmall) {
    const auto address = reinterpret_cast<uintptr_t>(blob->small_.data());
    blob->data_ = blob->small_.data() + (round_up(address, kBufferAlignment) - address);
  } else {
    const size_t rounded = round_up(bytes, kBufferAlignment);
    blob->data_ = static_cast<std::byte*>(std::aligned_alloc(kBufferAlignment, rounded));
    if (blob->data_ == nullptr) return nullptr;
  }
  blob->released_ = released;
  return blob;
}

std::shared_ptr<Blob> Blob::borrow(void* data, size_t bytes, std::function<void()> release) {
  auto blob = std::make_shared<Blob>(Private{});
  blob->data_ = static_cast<std::byte*>(data);
  blob->bytes_ = bytes;
  blob->kind_ = Kind::borrowed;
  blob->release_ = std::move(release);
  return blob;
}

std::shared_ptr<Blob> Blob::of_file(std::shared_ptr<const MappedFile> file, uint64_t offset,
                                    size_t bytes) {
  const std::span<const std::byte> all = file->bytes();
  if (offset > all.size() || bytes > all.size() - offset) {
    fail(ErrorCode::out_of_range, "{}: {} bytes at byte {} of a file of {}", file->path().string(),
         bytes, offset, all.size());
  }
  auto blob = std::make_shared<Blob>(Private{});
  blob->data_ = const_cast<std::byte*>(all.data() + offset);
  blob->bytes_ = bytes;
  blob->kind_ = Kind::mapped;
  blob->release_ = [file = std::move(file)] {};
  blob->is_sealed_ = true;
  ++mapped_blobs;
  mapped_bytes += static_cast<int64_t>(bytes);
  return blob;
}

Blob::~Blob() {
  if (kind_ == Kind::owned && bytes_ > kSmall) std::free(data_);
  if (released_ != nullptr) released_(bytes_);
  if (kind_ == Kind::mapped) {
    --mapped_blobs;
    mapped_bytes -= static_cast<int64_t>(bytes_);
  }
  if (release_) release_();
}

Hash128 Blob::content_hash() const {
  if (remembered_.load(std::memory_order_acquire) == Remembered::hash) return hash_;
  const bool remember = is_sealed();
  const Hash128 hash = hash_bytes(data_, bytes_);
  hashed_bytes += static_cast<int64_t>(bytes_);
  auto nothing = Remembered::nothing;
  // Threads that compute it at once get the same; one of them writes it down.
  if (remember && remembered_.compare_exchange_strong(nothing, Remembered::being_written)) {
    hash_ = hash;
    remembered_.store(Remembered::hash, std::memory_order_release);
  }
  return hash;
}

bool Blob::equals(const Blob& other) const {
  if (this == &other) return true;
  return bytes_ == other.bytes_ && (bytes_ == 0 || std::memcmp(data_, other.data_, bytes_) == 0);
}

std::shared_ptr<Blob> share_equal(std::shared_ptr<Blob> blob) {
  blob->seal();
  const Hash128 key = Hasher().add(blob->content_hash()).add(blob->bytes()).finish();
  std::shared_ptr<Blob> shared = shared_blobs().find(key);
  if (!shared) shared = shared_blobs().add(key, blob, blob->bytes());
  return shared->equals(*blob) ? shared : blob;
}

CacheStatistics shared_blob_statistics() { return shared_blobs().statistics(); }

BlobStatistics blob_statistics() { return {mapped_blobs, mapped_bytes, hashed_bytes}; }

}  // namespace tenon
