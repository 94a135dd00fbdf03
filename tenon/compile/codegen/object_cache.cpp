#include "tenon/compile/codegen/object_cache.h"

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>

namespace tenon {
namespace {

/// What precedes the object in a file.
struct Header {
  char magic[8] = {'T', 'e', 'n', 'o', 'n', 'O', '1', '\n'};
  Hash128 key;
  Hash128 content;
  uint64_t size = 0;
};

struct Close {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
using File = std::unique_ptr<std::FILE, Close>;

}  // namespace

std::optional<std::vector<std::byte>> ObjectCache::find(const Hash128& key) const {
  if (directory_.empty()) return std::nullopt;
  const File file(std::fopen(path_of(key).c_str(), "rb"));
  if (!file) return std::nullopt;
  Header header;
  if (std::fread(&header, sizeof header, 1, file.get()) != 1) return std::nullopt;
  constexpr uint64_t kLargest = uint64_t{1} << 28;
  if (std::memcmp(header.magic, Header().magic, sizeof header.magic) != 0 || header.key != key ||
      header.size > kLargest) {
    return std::nullopt;
  }
  std::vector<std::byte> object(header.size);
  if (!object.empty() && std::fread(object.data(), object.size(), 1, file.get()) != 1)
    return std::nullopt;
  if (hash_bytes(object.data(), object.size()) != header.content) return std::nullopt;
  return object;
}

void ObjectCache::store(const Hash128& key, std::span<const std::byte> object) const {
  if (directory_.empty()) return;
  std::error_code ignored;
  std::filesystem::create_directories(directory_, ignored);
  std::string temporary = (directory_ / (key.hex() + ".XXXXXX")).string();
  const int descriptor = mkstemp(temporary.data());
  if (descriptor < 0) return;
  const File file(fdopen(descriptor, "wb"));
  Header header;
  header.key = key;
  header.content = hash_bytes(object.data(), object.size());
  header.size = object.size();
  const bool written =
      file && std::fwrite(&header, sizeof header, 1, file.get()) == 1 &&
      (object.empty() || std::fwrite(object.data(), object.size(), 1, file.get()) == 1) &&
      std::fflush(file.get()) == 0;
  // A cache entry need not outlive a crash, so it is not synced; a damaged one is found out on
  // reading.
  if (!written || std::rename(temporary.c_str(), path_of(key).c_str()) != 0)
    std::remove(temporary.c_str());
}

}  // namespace tenon
