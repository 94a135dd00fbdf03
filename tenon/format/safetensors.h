#pragma once

//   SafetensorsFile file("model.safetensors");                // maps the file, reads the header
//   for (const auto& tensor : file.tensors()) print("{}\n", tensor.name);
//   Literal weight = file.read("fc1.weight");                 // copies this one tensor
//   write_safetensors("model.safetensors", {{"fc1.weight", weight}}, {{"epoch", "3"}});

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/base/files.h"
#include "tenon/format/array_view.h"
#include "tenon/format/narrow.h"

namespace tenon {

struct SafetensorsEntry {
  std::string name;
  std::string dtype_name;        ///< as in the file: "F32", "F8_E4M3", …
  std::optional<DType> dtype;    ///< as which it is read; none for an unsupported type
  Narrow narrow = Narrow::none;  ///< the type in the file, if it is not a dtype of Tenon
  std::vector<int64_t> shape;
  uint64_t offset = 0;  ///< of the first byte in the file
  uint64_t size = 0;    ///< in bytes
};

/// A file of named arrays (huggingface.co/docs/safetensors). The header is checked completely when
/// the file is opened: its length, every offset against shape and dtype, gaps, overlaps, and
/// duplicate names; Error corrupt names the byte. Arrays are read from disk on request: I16 and U16
/// as i32, U32 as i64, U64 as i64 or Error out_of_range. Other types that Tenon lacks (F8_E4M3,
/// C64 …) are listed, and reading them is Error unsupported.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);
  /// From memory, which must outlive this; `name` stands for the file in errors.
  SafetensorsFile(std::span<const std::byte> bytes, std::string_view name);

  /// In the order of their data.
  const std::vector<SafetensorsEntry>& tensors() const& { return tensors_; }
  std::vector<SafetensorsEntry> tensors() && { return std::move(tensors_); }
  const std::map<std::string, std::string>& metadata() const& { return metadata_; }
  std::map<std::string, std::string> metadata() && { return std::move(metadata_); }
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// Error not_found suggests the closest names.
  const SafetensorsEntry& at(std::string_view name) const&;
  SafetensorsEntry at(std::string_view name) && { return at(name); }

  /// The bytes of one array as stored in the file; valid as long as this object.
  std::span<const std::byte> bytes(const SafetensorsEntry& entry) const& {
    return bytes_.subspan(entry.offset, entry.size);
  }
  std::span<const std::byte> bytes(const SafetensorsEntry& entry) const&& = delete;
  Literal read(std::string_view name) const { return read(at(name)); }
  Literal read(const SafetensorsEntry& entry) const;
  NamedLiterals read_all() const;
  /// Like read(), but uses the mapped bytes in place if possible: nothing is copied, pages are
  /// loaded on access, and the file stays mapped as long as the literal lives. The mapping is
  /// private and read-only. Replacing the file by renaming, as Tenon does, does not affect it.
  /// Writing into the file changes results, and truncating it ends the process with SIGBUS. If you
  /// cannot rule that out, use read().
  Literal map(std::string_view name) const { return map(at(name)); }
  Literal map(const SafetensorsEntry& entry) const;

 private:
  const SafetensorsEntry* find(std::string_view name) const;

  std::shared_ptr<const MappedFile> file_;  // null if the caller owns the bytes
  std::string name_;
  std::span<const std::byte> bytes_;
  std::vector<SafetensorsEntry> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
  std::map<std::string, std::string> metadata_;
};

/// Everything in a file at once.
NamedLiterals read_safetensors(const std::filesystem::path& path);

/// Replaces an existing file whole or not at all. The data begins at a multiple of 64 bytes and
/// each array at a multiple of its element size, so that a mapped file can be used in place.
void write_safetensors(const std::filesystem::path& path, const NamedViews& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace tenon
