#pragma once

// Object files of kernels on disk, one file a key:
//
//   ObjectCache cache(directory, ObjectCache::kDefaultLimit);
//   if (auto bytes = cache.find(key)) …              // nothing where absent or damaged
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

/// What an object is found by: the kernel's text, the processor it is for and what emits it.
Hash128 object_key(const Kernel& kernel, InstructionSet set, std::string_view emitter);

/// Any number of threads and processes share a folder. Entries go once all together take more than
/// the limit, those first that were not used for the longest time; files of other names stay.
class ObjectCache {
 public:
  static constexpr int64_t kDefaultLimit = int64_t{512} << 20;
  /// What an entry takes on disk is counted in blocks of so many bytes.
  static constexpr int64_t kBlock = 4096;

  /// An empty directory name keeps nothing, and neither does a limit of 0.
  explicit ObjectCache(std::filesystem::path directory, int64_t limit = kDefaultLimit)
      : directory_(std::move(directory)), limit_(limit) {}

  std::optional<std::vector<std::byte>> find(const Hash128& key) const;
  void store(const Hash128& key, std::span<const std::byte> object) const;
  /// Of this object; `held` is not known, and `bytes` is what the folder took at the last store.
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
  // What is kept is on the disk: these only count.
  mutable std::atomic<int64_t> unaccounted_ = 0, bytes_ = 0, hits_ = 0, made_ = 0, evicted_ = 0;
};

}  // namespace tenon
