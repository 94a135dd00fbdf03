#pragma once

// Object files of kernels on disk, one file per key:
//
//   ObjectCache cache(directory, ObjectCache::kDefaultLimit);
//   if (auto bytes = cache.find(key)) …              // none if absent or damaged
//   cache.store(key, bytes);                         // atomic; failure to write is not an error

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tenon/base/cache_statistics.h"
#include "tenon/base/hash.h"
#include "tenon/compile/codegen/codegen.h"

namespace tenon {

/// The key of an object: the kernel's text, its processor, and the emitter.
Hash128 object_key(const Kernel& kernel, InstructionSet set, std::string_view emitter);

/// Any number of threads and processes share a folder. When the entries exceed the limit, the least
/// recently used are removed; files with other names are kept.
class ObjectCache {
 public:
  static constexpr int64_t kDefaultLimit = int64_t{512} << 20;
  /// The size of an entry on disk is counted in blocks of this many bytes.
  static constexpr int64_t kBlock = 4096;

  /// An empty directory name or a limit of 0 disables the cache.
  explicit ObjectCache(std::filesystem::path directory, int64_t limit = kDefaultLimit)
      : directory_(std::move(directory)), limit_(limit) {}

  std::optional<std::vector<std::byte>> find(const Hash128& key) const;
  void store(const Hash128& key, std::span<const std::byte> object) const;
  /// Of this object; `held` is unknown, and `bytes` is the size of the folder at the last store.
  CacheStatistics statistics() const;

 private:
  std::filesystem::path path_of(const Hash128& key) const {
    return directory_ / (key.hex() + ".o");
  }
  std::optional<std::vector<std::byte>> read(const Hash128& key) const;
  bool write(const Hash128& key, std::span<const std::byte> object) const;
  void account(int64_t bytes) const;
  int64_t shrink() const;

  std::filesystem::path directory_;
  int64_t limit_;
  // Counters only: the entries are on disk.
  mutable std::atomic<int64_t> unaccounted_ = 0, bytes_ = 0, hits_ = 0, made_ = 0, evicted_ = 0;
};

}  // namespace tenon
