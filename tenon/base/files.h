#pragma once

//   given: std::string html, header, weights;
//   std::string text = read_file("config.toml");
//   MappedFile images("train-images-idx3-ubyte");       // bytes() without reading it all
//   atomic_write("report.html", html);                  // the old file, or all of the new one
//   AtomicFile checkpoint("runs/lenet/step-900.safetensors");
//   checkpoint.write(header); checkpoint.write(weights); checkpoint.commit();
//   FolderLock alone("runs/lenet");                     // or an error: another process is there

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace tenon {

/// The whole file. Every error of this header names the path and the system's reason.
std::string read_file(const std::filesystem::path& path);

/// A file mapped into memory, read only, for as long as the object lives. Pipes and other files
/// that cannot be mapped are read instead, once.
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
  std::string read_;  // the content, where it could not be mapped
};

/// A file that appears under its name only when it is complete and on the disk. Written beside its
/// destination, synced and renamed by commit(); thrown away otherwise. A full disk, an unwritable
/// folder or a kill at any moment leaves the old file as it was. The new one has its permissions,
/// and its owner where this user may give files away; a file that was not there has those of the
/// umask. One that this user may not write is not replaced. Through symbolic links the file they
/// lead to is written. Only a regular file can be replaced: a pipe or a device, and what
/// standard output or error go to, is written into as it is.
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
  /// Once; nothing may be written afterwards.
  void commit();

 private:
  [[noreturn]] void fail_with(const char* what, int reason);

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty where the file itself is written
  int descriptor_ = -1;
  uint64_t written_ = 0;
};

void atomic_write(const std::filesystem::path& path, std::string_view text);
void atomic_write(const std::filesystem::path& path, std::span<const std::byte> bytes);

/// Error now where an AtomicFile there would fail. Known before hours of work instead of after
/// them.
void require_writable(const std::filesystem::path& path);

/// Deletes what writers that were killed left in a folder. Files of running writers stay.
void remove_stale_temporaries(const std::filesystem::path& folder);

/// One user at a time of a folder. The system takes the lock back when the process ends, however it
/// ends; the file `.lock` that stays means nothing.
class FolderLock {
 public:
  /// Makes the folder if it is missing. Error already_exists, with the process that holds it, when
  /// the folder is in use. Where the file system knows no locks there is a warning instead.
  explicit FolderLock(const std::filesystem::path& folder);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  int descriptor_ = -1;
};

/// Makes the folder and those above it, if they are missing.
void create_folder(const std::filesystem::path& folder);

/// Bytes that this user may still write there, or 0 when the system does not say.
uint64_t free_space(const std::filesystem::path& folder);

/// $XDG_CACHE_HOME/tenon or ~/.cache/tenon; empty where neither is set. Not created.
std::filesystem::path cache_folder();

}  // namespace tenon
