#pragma once

//   #include "tenon/base/files.h"
//   given: MappedFile file("model.npz"); std::string name; AtomicFile out("copy.npz");
//   given: std::vector<std::byte> bytes; template <typename... T> void use(const T&...) {}
//   ZipReader zip(file.bytes(), name);
//   for (const ZipEntry& entry : zip.entries()) {
//     ZipStream stream = zip.open(entry);
//     bytes.resize(stream.remaining());
//     stream.read(bytes);                       // or piece by piece
//     stream.finish();                          // Error corrupt where the checksum differs
//     use(entry.name, bytes);
//   }
//   ZipWriter writer([&](auto bytes) { out.write(bytes); });
//   writer.add("conv1.weight.npy", bytes, /*compress=*/true);
//   writer.finish();

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/base/error.h"
#include "tenon/format/inflate.h"

namespace tenon {

struct ZipEntry {
  std::string name;
  uint16_t method = 0;  ///< 0 stored, 8 deflated
  uint32_t crc = 0;
  uint64_t compressed_size = 0;
  uint64_t size = 0;
  uint64_t offset = 0;  ///< of the local header in the file
  /// Why the entry cannot be opened, according to the directory: an unsupported method, encryption,
  /// a damaged field. Other entries are not affected.
  std::optional<Error> unreadable = {};
};

/// Decompresses one entry, from front to back, into the caller's memory.
class ZipStream {
 public:
  /// The part of the entry's size that has not been read yet. The size is plausible for the
  /// compressed bytes.
  uint64_t remaining() const { return entry_->size - position_; }
  /// Fills `out`, which must not be longer than remaining().
  void read(std::span<std::byte> out);
  /// Reads the rest, and checks size and CRC.
  void finish();

 private:
  friend class ZipReader;
  ZipStream(const ZipEntry& entry, std::span<const std::byte> packed, std::string_view name,
            uint64_t first_offset);

  const ZipEntry* entry_;
  std::span<const std::byte> packed_;
  std::string_view name_;
  uint64_t first_offset_;
  uint64_t position_ = 0;
  uint32_t crc_ = 0;
  std::unique_ptr<InflateStream> inflate_;  // null if the entry is not compressed
};

/// The entries of a zip archive in memory, including zip64; split archives are rejected.
class ZipReader {
 public:
  /// `name` is the file, for errors; it and the bytes must outlive the reader.
  ZipReader(std::span<const std::byte> bytes, std::string_view name);

  const std::vector<ZipEntry>& entries() const& { return entries_; }
  std::vector<ZipEntry> entries() && { return std::move(entries_); }
  /// The entry and the bytes must outlive the stream. Error unsupported for encrypted entries and
  /// for compression methods other than deflate.
  ZipStream open(const ZipEntry& entry) const;

 private:
  std::span<const std::byte> bytes_;
  std::string_view name_;
  std::vector<ZipEntry> entries_;
};

/// Writes an archive from front to back, always with zip64 fields, so the size is not limited.
class ZipWriter {
 public:
  using Sink = std::function<void(std::span<const std::byte>)>;
  explicit ZipWriter(Sink sink) : sink_(std::move(sink)) {}

  void add(std::string_view name, std::span<const std::byte> bytes, bool compress);
  /// Writes the directory; nothing may follow.
  void finish();

 private:
  void emit(std::span<const std::byte> bytes);

  Sink sink_;
  uint64_t written_ = 0;
  std::vector<ZipEntry> entries_;
};

}  // namespace tenon
