#include "tenon/base/files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "tenon/base/error.h"
#include "tenon/base/log.h"
#include "tenon/base/strings.h"

namespace tenon {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemporaryMark = ".tenon-tmp-";

Error system_error(const char* what, const fs::path& path, int reason) {
  ErrorCode code = ErrorCode::io;
  if (reason == ENOENT) code = ErrorCode::not_found;
  if (reason == ENOSPC || reason == EDQUOT || reason == EFBIG) code = ErrorCode::resource_exhausted;
  return make_error(code, "cannot {} {}: {}", what, path.string(),
                    std::system_category().message(reason));
}

class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags) : value_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }

 private:
  int value_;
};

// The size of a file opened for reading. A folder opens too, so it is refused here.
uint64_t size_of(const Descriptor& file, const fs::path& path) {
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) throw system_error("open", path, errno);
  if (S_ISDIR(status.st_mode)) throw system_error("open", path, EISDIR);
  return S_ISREG(status.st_mode) ? static_cast<uint64_t>(status.st_size) : 0;
}

// To the end. The size is only a hint: files in /proc and pipes have 0.
std::string read_all(const Descriptor& file, const fs::path& path, uint64_t size) {
  std::string text(size + 1, '\0');
  size_t length = 0;
  for (;;) {
    if (length == text.size()) text.resize(text.size() * 2);
    const ssize_t count = ::read(file.get(), text.data() + length, text.size() - length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw system_error("read", path, errno);
    if (count == 0) break;
    length += static_cast<size_t>(count);
  }
  text.resize(length);
  return text;
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// Where writing to `path` ends up, also where the target of the last link is not there yet.
fs::path follow_links(fs::path path) {
  constexpr int kMostLinks = 40;  // as many as Linux follows
  for (int i = 0; i < kMostLinks; ++i) {
    std::error_code no_link;
    const fs::path target = fs::read_symlink(path, no_link);
    if (no_link) return path;
    path = folder_of(path) / target;  // the target alone where it is absolute
  }
  throw system_error("write", path, ELOOP);
}

// What a writer must know of its destination.
struct Destination {
  bool exists = false;
  bool regular = true;
  int open_as = -1;  // standard output or error, where those are this file
};

Destination look_at(const fs::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  if (S_ISDIR(status.st_mode)) throw system_error("write", path, EISDIR);
  Destination destination{.exists = true, .regular = S_ISREG(status.st_mode)};
  for (const int standard : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat open{};
    if (::fstat(standard, &open) == 0 && open.st_dev == status.st_dev &&
        open.st_ino == status.st_ino)
      destination.open_as = standard;
  }
  // A rename asks for the folder's permission alone, and would replace a write-protected file.
  const bool writable =
      destination.open_as >= 0 || ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
  if (!writable) throw system_error("write", path, errno);
  return destination;
}

// A file that takes the place of `path` gets its mode and, as far as this user may give them, its
// owner and group. What cannot be kept never lets anybody in who was not let in before.
void take_permissions(int descriptor, const fs::path& path) {
  struct stat old{}, now{};
  if (::stat(path.c_str(), &old) != 0 || ::fstat(descriptor, &now) != 0) return;
  mode_t mode = old.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);
  constexpr auto kAsItIs = static_cast<uid_t>(-1);
  if (now.st_gid != old.st_gid && ::fchown(descriptor, kAsItIs, old.st_gid) != 0)
    mode &= ~static_cast<mode_t>(S_IRWXG) | (mode & S_IRWXO) << 3;  // other people are the group
  const bool owner = now.st_uid == old.st_uid || ::fchown(descriptor, old.st_uid, kAsItIs) == 0;
  const bool changed = ::fchmod(descriptor, mode) == 0;
  static_cast<void>(owner);
  static_cast<void>(changed);  // it stays private on file systems that know no modes
}

}  // namespace

std::string read_file(const fs::path& path) {
  const Descriptor file(path, O_RDONLY);
  return read_all(file, path, size_of(file, path));
}

MappedFile::MappedFile(const fs::path& path) : path_(path) {
  const Descriptor file(path, O_RDONLY);
  size_ = size_of(file, path);
  if (size_ == 0) {  // empty, or nothing that mmap takes
    read_ = read_all(file, path, 0);
    return;
  }
  void* data = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) throw system_error("map", path, errno);
  data_ = static_cast<const char*>(data);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      read_(std::move(other.read_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(read_, other.read_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

AtomicFile::AtomicFile(const fs::path& path, uint64_t expected_bytes) : path_(path) {
  const Destination destination = look_at(path_);
  if (destination.open_as >= 0) {
    // Shares the position with what is printed, so that neither writes over the other.
    std::fflush(destination.open_as == STDOUT_FILENO ? stdout : stderr);
    descriptor_ = ::fcntl(destination.open_as, F_DUPFD_CLOEXEC, 0);
  } else if (!destination.regular) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    path_ = follow_links(path_);
    static std::atomic<uint64_t> counter{0};
    temporary_ = folder_of(path_) / fmt::format(".{}{}{}-{}", path_.filename().string(),
                                                kTemporaryMark, ::getpid(), counter++);
    const uint64_t available = free_space(folder_of(path_));
    if (expected_bytes > available && available > 0) fail_with("write", ENOSPC);
    // Nobody may read it before it has the permissions of what it replaces.
    const mode_t mode = destination.exists ? 0600 : 0666;
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  }
  if (descriptor_ < 0) fail_with(temporary_.empty() ? "write" : "create", errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  check(descriptor_ >= 0, "AtomicFile written after commit");
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_with("write", errno);
    written_ += static_cast<uint64_t>(count);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

void AtomicFile::commit() {
  check(descriptor_ >= 0, "AtomicFile committed twice");
  if (temporary_.empty()) {  // pipes and devices know no sync
    if (::close(std::exchange(descriptor_, -1)) != 0) fail_with("write", errno);
    return;
  }
  take_permissions(descriptor_, path_);
  if (::fsync(descriptor_) != 0) fail_with("write", errno);
  const int descriptor = std::exchange(descriptor_, -1);
  if (::close(descriptor) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary_.c_str());
    fail_with("replace", reason);
  }
  // The rename itself must survive a power cut. Some file systems cannot sync a folder; the file
  // is complete either way.
  const Descriptor folder(folder_of(path_), O_RDONLY | O_DIRECTORY);
  if (folder.get() >= 0) ::fsync(folder.get());
}

void AtomicFile::fail_with(const char* what, int reason) {
  Error error = system_error(what, path_, reason);
  if (error.code() == ErrorCode::resource_exhausted)
    error.note("{} free in {}", format_bytes(free_space(folder_of(path_))),
               folder_of(path_).string());
  std::error_code ignored;
  if (!temporary_.empty() && fs::exists(path_, ignored))
    error.note("the file that was there is unchanged");
  throw error;
}

void atomic_write(const fs::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path, bytes.size());
  file.write(bytes);
  file.commit();
}

void atomic_write(const fs::path& path, std::string_view text) {
  atomic_write(path, std::as_bytes(std::span(text)));
}

void require_writable(const fs::path& path) {
  const Destination destination = look_at(path);
  // A pipe is not opened: the reader at its other end would see it end.
  if (destination.exists && !destination.regular) return;
  AtomicFile thrown_away(path);
}

void remove_stale_temporaries(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const size_t mark = name.rfind(kTemporaryMark);
    if (mark == std::string::npos || name[0] != '.') continue;
    const std::string_view tail = std::string_view(name).substr(mark + kTemporaryMark.size());
    const auto process = parse_int(tail.substr(0, tail.find('-')));
    if (!process || *process <= 0 || *process > INT32_MAX) continue;
    const bool gone = ::kill(static_cast<pid_t>(*process), 0) != 0 && errno == ESRCH;
    if (gone) fs::remove(entry.path(), ignored);
  }
}

FolderLock::FolderLock(const fs::path& folder) {
  create_folder(folder);
  const fs::path path = folder / ".lock";
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw system_error("write", path, errno);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    ::close(std::exchange(descriptor_, -1));
    if (reason != EWOULDBLOCK) {
      log_warning("{} cannot be locked ({}): see to it that no other run uses it", folder.string(),
                  std::system_category().message(reason));
      return;
    }
    Error error =
        make_error(ErrorCode::already_exists, "{} is in use by another run", folder.string());
    if (const auto process = parse_int(trim(read_file(path)))) error.note("process {}", *process);
    throw error;
  }
  // Who holds it, for the error of others. A full disk must not matter here.
  const std::string holder = fmt::format("{}\n", ::getpid());
  const bool told = ::ftruncate(descriptor_, 0) == 0 &&
                    ::pwrite(descriptor_, holder.data(), holder.size(), 0) >= 0;
  static_cast<void>(told);
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void create_folder(const fs::path& folder) {
  std::error_code status;
  fs::create_directories(folder, status);
  if (status) throw system_error("create folder", folder, status.value());
}

uint64_t free_space(const fs::path& folder) {
  std::error_code status;
  const fs::space_info space = fs::space(folder, status);
  return status ? 0 : space.available;
}

fs::path cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0')
    return fs::path(cache) / "tenon";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return fs::path(home) / ".cache" / "tenon";
  return {};
}

}  // namespace tenon
