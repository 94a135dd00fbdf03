#pragma once

// Object files of kernels on disk, one file a key:
//
//   ObjectCache cache(directory);
//   if (auto bytes = cache.find(key)) …              // nothing where absent or damaged
//   cache.store(key, bytes);                         // atomic; failure to write is not an error

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "tenon/base/hash.h"

namespace tenon {

class ObjectCache {
 public:
  /// An empty directory name keeps nothing.
  explicit ObjectCache(std::filesystem::path directory) : directory_(std::move(directory)) {}

  std::optional<std::vector<std::byte>> find(const Hash128& key) const;
  void store(const Hash128& key, std::span<const std::byte> object) const;

 private:
  std::filesystem::path path_of(const Hash128& key) const {
    return directory_ / (key.hex() + ".o");
  }
  std::filesystem::path directory_;
};

}  // namespace tenon
