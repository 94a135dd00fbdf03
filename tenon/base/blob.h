#pragma once

// Memory that handles share: owned, borrowed from somebody else, or a part of a mapped file.
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
  /// Owned, aligned to kBufferAlignment, not initialised. Null where there is no such memory.
  /// `released` is told the bytes when they go.
  static std::shared_ptr<Blob> allocate(size_t bytes, void (*released)(size_t) = nullptr);
  /// Memory that the caller keeps alive, or that `release` gives back when the last handle goes.
  static std::shared_ptr<Blob> borrow(void* data, size_t bytes, std::function<void()> release);
  /// Bytes of a file, which stays mapped as long as they live. Sealed: they cannot be written.
  /// Error out_of_range where the file is shorter.
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

  /// A promise for ever. Pointers that were taken before are read through from now on.
  void seal() { is_sealed_.store(true, std::memory_order_release); }
  bool is_sealed() const { return is_sealed_.load(std::memory_order_acquire); }

  /// Of all bytes. Remembered where the blob is sealed.
  Hash128 content_hash() const;
  bool equals(const Blob& other) const;

 private:
  enum class Kind : uint8_t { owned, borrowed, mapped };
  enum class Remembered : uint8_t { nothing, being_written, hash };
  /// So many bytes lie in the blob itself, at the first aligned address: what is allocated with a
  /// larger alignment costs several times an ordinary block.
#if defined(__SANITIZE_ADDRESS__)
  static constexpr size_t kSmall = 0;  // so that what reads or writes beyond them is found
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

/// Seals it. Returns the blob that the process holds for these bytes, which this one becomes where
/// there is none; the store itself holds none alive. Blobs of equal hash are compared byte by byte:
/// files could be made to have equal hashes.
std::shared_ptr<Blob> share_equal(std::shared_ptr<Blob> blob);

/// Of the store behind share_equal.
CacheStatistics shared_blob_statistics();

struct BlobStatistics {
  int64_t mapped = 0;        // blobs of files that there are
  int64_t mapped_bytes = 0;  // and what they hold
  int64_t hashed_bytes = 0;  // that all hashes so far had to read
};
BlobStatistics blob_statistics();

}  // namespace tenon
