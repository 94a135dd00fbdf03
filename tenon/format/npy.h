#pragma once

//   given: Literal weights, labels;
//   Literal images = read_npy("images.npy");              // any order, any byte order
//   write_npy("weights.npy", weights);                    // readable by numpy.load
//   NamedLiterals arrays = read_npz("fashion.npz");       // stored or compressed
//   write_npz("fashion.npz", {{"image", images}, {"label", labels}});
//   arrays.at("label").at<int32_t>(0);
//   Literal alone = NpzFile("fashion.npz").read("label"); // ignores the other entries

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/base/files.h"
#include "tenon/format/array_view.h"
#include "tenon/format/zip.h"

namespace tenon {

/// NumPy's array file, versions 1 to 3. Fortran-ordered arrays become row-major. Integer types that
/// Tenon lacks are read as the next wider dtype: i16 and u16 as i32, u32 as i64; u64 as i64, or
/// Error out_of_range. Other unsupported types (complex, strings, objects, records) are
/// Error unsupported; a damaged file is Error corrupt with the byte offset. bfloat16 is the 2-byte
/// void ("<V2") that NumPy with ml_dtypes writes.
Literal read_npy(const std::filesystem::path& path);
/// The same from memory; `name` stands for the file in errors.
Literal parse_npy(std::span<const std::byte> bytes, std::string_view name);
/// Written to a temporary file and renamed: an existing file is replaced whole or not at all.
void write_npy(const std::filesystem::path& path, const ArrayView& array);
std::vector<std::byte> npy_bytes(const ArrayView& array);

/// NumPy's archive of arrays: a zip file with one `NAME.npy` per array. Only requested arrays are
/// read: damage or an unsupported compression method in another entry is an error only when that
/// entry is read.
class NpzFile {
 public:
  explicit NpzFile(const std::filesystem::path& path);
  /// The same from memory, which must outlive the object; `name` stands for the file in errors.
  NpzFile(std::span<const std::byte> bytes, std::string_view name);
  NpzFile(const NpzFile&) = delete;
  NpzFile& operator=(const NpzFile&) = delete;

  std::vector<std::string> names() const;
  /// The other entries of the archive, except folders.
  const std::vector<std::string>& others() const { return others_; }
  bool contains(std::string_view name) const { return entries_.contains(name); }
  /// Error not_found lists the existing names.
  Literal read(std::string_view name) const;

 private:
  void index();
  bool may_be_array(const ZipEntry& entry) const;
  bool is_readable(const ZipEntry& entry) const;

  std::optional<MappedFile> file_;  // none if the caller owns the bytes
  std::string name_;
  ZipReader zip_;
  std::map<std::string, const ZipEntry*, std::less<>> entries_;  // null for a duplicate name
  std::vector<std::string> others_;
};
/// All of its arrays.
NamedLiterals read_npz(const std::filesystem::path& path);
NamedLiterals parse_npz(std::span<const std::byte> bytes, std::string_view name);

struct NpzOptions {
  bool compress = true;  ///< like numpy.savez_compressed; false: like numpy.savez
};
void write_npz(const std::filesystem::path& path, const NamedViews& arrays,
               const NpzOptions& options = {});

}  // namespace tenon
