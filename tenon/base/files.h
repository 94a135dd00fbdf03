#pragma once

//   given: std::string html, header, weights;
//   std::string text = read_file("config.toml");
//   MappedFile images("train-images-idx3-ubyte");       // bytes() without reading it all
//   atomic_write("report.html", html);                  // the old file or the complete new one
//   AtomicFile checkpoint("runs/lenet/step-900.safetensors");
//   checkpoint.write(header); checkpoint.write(weights); checkpoint.commit();
//   FolderLock alone("runs/lenet");                     // error if another process holds it

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace tenon {

/// The whole file. Every error of this header names the path and the system's reason.
std::string read_file(const std::filesystem::path& path);

/// A file mapped read-only into memory for as long as the object lives. Pipes and other files that
/// cannot be mapped are read once instead.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const& { return std::as_bytes(std::span(text())); }
  std::span<const std::byte> bytes() const&& = delete;  // unmapped already: give the file a name
  std::string_view text() const& {
    return data_ == nullptr ? std::string_view(read_) : std::string_view(data_, size_);
  }
  std::string_view text() const&& = delete;
  const std::filesystem::path& path() const& { return path_; }
  std::filesystem::path path() && { return std::move(path_); }

 private:
  std::filesystem::path path_;
  const char* data_ = nullptr;
  size_t size_ = 0;
  std::string read_;  // the content, if it could not be mapped
};

/// A file that appears under its name only when it is complete and on disk. It is written beside
/// its destination, and commit() syncs and renames it; otherwise it is discarded. A full disk, an
/// unwritable folder or a kill at any moment leaves the old file unchanged. The new file gets the
/// old one's permissions, and its owner if this user may change owners; a file that did not exist
/// gets those of the umask. A file that this user may not write is not replaced. Symbolic links are
/// followed. Only regular files are replaced: pipes, devices, and the targets of standard output
/// and error are written directly.
class AtomicFile {
 public:
  /// `expected_bytes` lets a full disk be reported before anything is written.
  explicit AtomicFile(const std::filesystem::path& path, uint64_t expected_bytes = 0);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  uint64_t bytes_written() const { return written_; }
  /// Call once; nothing may be written afterwards.
  void commit();

 private:
  [[noreturn]] void fail_with(const char* what, int reason);

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty if the file itself is written
  int descriptor_ = -1;
  uint64_t written_ = 0;
};

void atomic_write(const std::filesystem::path& path, std::string_view text);
void atomic_write(const std::filesystem::path& path, std::span<const std::byte> bytes);

/// Throws now if an AtomicFile there would fail, so that the user learns it before hours of work
/// and not after.
void require_writable(const std::filesystem::path& path);

/// Deletes temporary files that killed writers left in a folder. Keeps those of running writers.
void remove_stale_temporaries(const std::filesystem::path& folder);

/// Gives one process exclusive use of a folder. The system releases the lock when the process ends,
/// however it ends; a remaining file `.lock` has no effect.
class FolderLock {
 public:
  /// Creates the folder if it is missing. Error already_exists, with the process that holds it, if
  /// the folder is in use. If the file system does not support locks, there is only a warning.
  explicit FolderLock(const std::filesystem::path& folder);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  int descriptor_ = -1;
};

/// Creates the folder and its parents if they are missing.
void create_folder(const std::filesystem::path& folder);

/// Bytes that this user may still write there, or 0 if unknown.
uint64_t free_space(const std::filesystem::path& folder);

/// $XDG_CACHE_HOME/tenon or ~/.cache/tenon; empty if neither is set. Not created.
std::filesystem::path cache_folder();

}  // namespace tenon
