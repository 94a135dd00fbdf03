#include "tenon/compile/codegen/object_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>

#include "tenon/base/alignment.h"

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

constexpr const char* kExtension = ".o";
constexpr size_t kDigits = 32;
/// What processes that died while they wrote left behind is removed after so many seconds.
constexpr int64_t kStale = 3600;

int64_t blocks(int64_t bytes) { return round_up(bytes, ObjectCache::kBlock); }

/// The file in which all processes of a folder count what it takes, locked against the others while
/// this lives.
class SizeFile {
 public:
  explicit SizeFile(const std::filesystem::path& directory)
      : descriptor_(
            ::open((directory / "size").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666)) {
    // Whoever holds the lock is counting or evicting: there is no need to wait for it.
    if (descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) close();
  }
  ~SizeFile() { close(); }
  SizeFile(const SizeFile&) = delete;
  SizeFile& operator=(const SizeFile&) = delete;

  bool is_locked() const { return descriptor_ >= 0; }
  std::optional<int64_t> read() const {
    char text[32];
    const ssize_t size = ::pread(descriptor_, text, sizeof text, 0);
    int64_t bytes = 0;
    if (size <= 0) return std::nullopt;
    const auto [end, problem] = std::from_chars(text, text + size, bytes);
    if (problem != std::errc() || *end != '\n' || bytes < 0) return std::nullopt;
    return bytes;
  }
  void write(int64_t bytes) const {
    char text[32];
    const int size = std::snprintf(text, sizeof text, "%lld\n", static_cast<long long>(bytes));
    // A count that cannot be written is found damaged, and made anew.
    if (::ftruncate(descriptor_, 0) != 0 ||
        ::pwrite(descriptor_, text, static_cast<size_t>(size), 0) != size)
      return;
  }

 private:
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  int descriptor_;
};

struct Entry {
  std::filesystem::path path;
  struct timespec used;
  int64_t bytes;
  bool operator<(const Entry& other) const {
    if (used.tv_sec != other.used.tv_sec) return used.tv_sec < other.used.tv_sec;
    if (used.tv_nsec != other.used.tv_nsec) return used.tv_nsec < other.used.tv_nsec;
    return path < other.path;
  }
};

/// "0123….o", or "0123….Ab3dEf" while it is written.
bool is_named_by_key(const std::string& name) {
  return name.size() > kDigits && name[kDigits] == '.' &&
         name.find_first_not_of("0123456789abcdef") == kDigits;
}

/// The entries of a folder; what was left half written is removed on the way.
std::vector<Entry> entries_of(const std::filesystem::path& directory) {
  std::vector<Entry> entries;
  std::error_code problem;
  const int64_t now = std::time(nullptr);
  for (std::filesystem::directory_iterator at(directory, problem), end; !problem && at != end;
       at.increment(problem)) {
    const std::string name = at->path().filename();
    struct stat status;
    if (!is_named_by_key(name) || ::lstat(at->path().c_str(), &status) != 0 ||
        !S_ISREG(status.st_mode)) {
      continue;
    }
    if (name.substr(kDigits) == kExtension) {
      entries.push_back({at->path(), status.st_mtim, blocks(status.st_size)});
    } else if (now - status.st_mtim.tv_sec > kStale) {
      ::unlink(at->path().c_str());
    }
  }
  return entries;
}

}  // namespace

Hash128 object_key(const Kernel& kernel, InstructionSet set, std::string_view emitter) {
  return Hasher().add(hash_of(kernel)).add(emitter).add(name_of(set)).finish();
}

std::optional<std::vector<std::byte>> ObjectCache::find(const Hash128& key) const {
  if (directory_.empty()) return std::nullopt;
  auto object = read(key);
  if (object) ++hits_;
  return object;
}

std::optional<std::vector<std::byte>> ObjectCache::read(const Hash128& key) const {
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
  // The time of the last change is that of the last use. In a folder of somebody else it cannot be
  // set, and need not be.
  (void)::futimens(fileno(file.get()), nullptr);
  return object;
}

void ObjectCache::store(const Hash128& key, std::span<const std::byte> object) const {
  if (directory_.empty()) return;
  const int64_t bytes = blocks(static_cast<int64_t>(sizeof(Header) + object.size()));
  if (bytes > limit_ || !write(key, object)) return;
  ++made_;
  account(bytes);
}

bool ObjectCache::write(const Hash128& key, std::span<const std::byte> object) const {
  std::error_code ignored;
  std::filesystem::create_directories(directory_, ignored);
  std::string temporary = (directory_ / (key.hex() + ".XXXXXX")).string();
  const int descriptor = mkstemp(temporary.data());
  if (descriptor < 0) return false;
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
  if (written && std::rename(temporary.c_str(), path_of(key).c_str()) == 0) return true;
  std::remove(temporary.c_str());
  return false;
}

/// Adds to the folder's count. The folder itself is looked through only when the count is beyond
/// the limit, or lost; where no count can be kept, after a part of the limit was written.
void ObjectCache::account(int64_t bytes) const {
  unaccounted_ += bytes;
  const SizeFile count(directory_);
  if (!count.is_locked()) {
    if (unaccounted_ > limit_ / 8) {
      unaccounted_ = 0;
      bytes_ = shrink();
    }
    return;
  }
  const int64_t added = unaccounted_.exchange(0);
  const std::optional<int64_t> before = count.read();
  const bool fits = before && *before <= limit_ - std::min(added, limit_);
  bytes_ = fits ? *before + added : shrink();
  count.write(bytes_);
}

/// Removes the entries that were not used for the longest time until there is room for a while.
/// Gives the bytes that are left. Another process may read what is removed: it has the file open,
/// or finds nothing.
int64_t ObjectCache::shrink() const {
  std::vector<Entry> entries = entries_of(directory_);
  int64_t total = 0;
  for (const Entry& entry : entries) total += entry.bytes;
  if (total <= limit_) return total;
  std::ranges::sort(entries, std::less<>());
  for (size_t i = 0; i + 1 < entries.size() && total > limit_ / 4 * 3; ++i) {
    if (::unlink(entries[i].path.c_str()) == 0) ++evicted_;
    total -= entries[i].bytes;
  }
  return total;
}

CacheStatistics ObjectCache::statistics() const {
  return {.hits = hits_, .made = made_, .evicted = evicted_, .bytes = bytes_};
}

}  // namespace tenon
