#pragma once

// Shared memory blocks: owned, borrowed, or a part of a mapped file.
//
//   std::shared_ptr<Blob> block = Blob::allocate(size_t{1} << 20);     // null where there is none
//   block->seal();                           // from now on nobody writes to it
//   Hash128 key = block->content_hash();     // computed once
//   std::shared_ptr<Blob> same = share_equal(block);      // the one block of these bytes
//   auto file = std::make_shared<const MappedFile>("weights.bin");
//   std::shared_ptr<Blob> part = Blob::of_file(file, 4096, 1024);      // nothing is read yet

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "tenon/base/alignment.h"
#include "tenon/base/cache_statistics.h"
#include "tenon/base/hash.h"

namespace tenon {

class MappedFile;

class Blob {
  struct Private {};

 public:
  /// Owned, aligned to kBufferAlignment, not initialised. Null if out of memory. `released` is
  /// called with the number of bytes when they are freed.
  static std::shared_ptr<Blob> allocate(size_t bytes, void (*released)(size_t) = nullptr);
  /// Memory that the caller keeps alive, or that `release` frees with the last handle.
  static std::shared_ptr<Blob> borrow(void* data, size_t bytes, std::function<void()> release);
  /// Bytes of a file, which stays mapped as long as the blob lives. Sealed: not writable.
  /// Error out_of_range if the file is shorter.
  static std::shared_ptr<Blob> of_file(std::shared_ptr<const MappedFile> file, uint64_t offset,
                                       size_t bytes);

  explicit Blob(Private) {}
  Blob(const Blob&) = delete;
  Blob& operator=(const Blob&) = delete;
  ~Blob();

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  bool is_owned() const { return kind_ == Kind::owned; }
  bool is_mapped() const { return kind_ == Kind::mapped; }

  /// Makes the blob read-only permanently. Earlier pointers may only be used for reading.
  void seal() { is_sealed_.store(true, std::memory_order_release); }
  bool is_sealed() const { return is_sealed_.load(std::memory_order_acquire); }

  /// The hash of all bytes, cached if the blob is sealed.
  Hash128 content_hash() const;
  bool equals(const Blob& other) const;

 private:
  enum class Kind : uint8_t { owned, borrowed, mapped };
  enum class Remembered : uint8_t { nothing, being_written, hash };
  /// Up to this many bytes are stored in the blob itself, at the first aligned address: an
  /// allocation with larger alignment costs several times as much as an ordinary one.
#if defined(__SANITIZE_ADDRESS__)
  static constexpr size_t kSmall = 0;  // so that the sanitizer finds out-of-bounds accesses
#else
  static constexpr size_t kSmall = kBufferAlignment;
#endif
  static constexpr size_t kOrdinary = alignof(std::max_align_t);

  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
  Kind kind_ = Kind::owned;
  std::atomic<bool> is_sealed_ = false;
  mutable std::atomic<Remembered> remembered_ = Remembered::nothing;
  mutable Hash128 hash_;
  void (*released_)(size_t) = nullptr;
  std::function<void()> release_;
  alignas(kOrdinary) std::array<std::byte, kSmall + kBufferAlignment - kOrdinary> small_;
};

/// Seals the blob. Returns the process's shared blob with these bytes, or this one if there is
/// none; the store does not keep blobs alive. Blobs of equal hash are compared byte by byte, since
/// files could be made to have equal hashes.
std::shared_ptr<Blob> share_equal(std::shared_ptr<Blob> blob);

/// Statistics of the store behind share_equal.
CacheStatistics shared_blob_statistics();

struct BlobStatistics {
  int64_t mapped = 0;        // live blobs of mapped files
  int64_t mapped_bytes = 0;  // their total size
  int64_t hashed_bytes = 0;  // total bytes hashed so far
};
BlobStatistics blob_statistics();

}  // namespace tenon
