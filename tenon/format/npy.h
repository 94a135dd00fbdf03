#pragma once

//   given: Literal weights, labels;
//   Literal images = read_npy("images.npy");              // any order, any byte order
//   write_npy("weights.npy", weights);                    // readable by numpy.load
//   NamedLiterals arrays = read_npz("fashion.npz");       // stored or compressed
//   write_npz("fashion.npz", {{"image", images}, {"label", labels}});
//   arrays.at("label").at<int32_t>(0);
//   Literal alone = NpzFile("fashion.npz").read("label"); // whatever else is there

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

/// NumPy's array file, versions 1 to 3. Fortran-ordered arrays become row-major. Whole numbers that
/// Tenon has not are read as the next dtype that has them: i16 and u16 as i32, u32 as i64; u64 as
/// i64, or Error out_of_range. Other types that it has not (complex, strings, objects, records) are
/// Error unsupported; a damaged file is Error corrupt with the byte offset. bfloat16 is the 2-byte
/// void ("<V2") that NumPy with ml_dtypes writes.
Literal read_npy(const std::filesystem::path& path);
/// The same from memory; `name` stands for the file in errors.
Literal parse_npy(std::span<const std::byte> bytes, std::string_view name);
/// Written to a temporary file and renamed: an existing file is replaced whole or not at all.
void write_npy(const std::filesystem::path& path, const ArrayView& array);
std::vector<std::byte> npy_bytes(const ArrayView& array);

/// NumPy's archive of arrays: a zip file with one `NAME.npy` for each. Only the arrays that are
/// asked for are looked at: what is strange about another one, or packed in a way that is not read,
/// is an error where that one is read.
class NpzFile {
 public:
  explicit NpzFile(const std::filesystem::path& path);
  /// The same from memory, which must outlive the object; `name` stands for the file in errors.
  NpzFile(std::span<const std::byte> bytes, std::string_view name);
  NpzFile(const NpzFile&) = delete;
  NpzFile& operator=(const NpzFile&) = delete;

  std::vector<std::string> names() const;
  /// What else is in the archive, folders excepted.
  const std::vector<std::string>& others() const { return others_; }
  bool contains(std::string_view name) const { return entries_.contains(name); }
  /// Error not_found with the names there are.
  Literal read(std::string_view name) const;

 private:
  void index();
  bool may_be_array(const ZipEntry& entry) const;
  bool is_readable(const ZipEntry& entry) const;

  std::optional<MappedFile> file_;  // none where the bytes are somebody else's
  std::string name_;
  ZipReader zip_;
  std::map<std::string, const ZipEntry*, std::less<>> entries_;  // null where a name is there twice
  std::vector<std::string> others_;
};
/// All of its arrays.
NamedLiterals read_npz(const std::filesystem::path& path);
NamedLiterals parse_npz(std::span<const std::byte> bytes, std::string_view name);

struct NpzOptions {
  bool compress = true;  ///< as numpy.savez_compressed; false as numpy.savez
};
void write_npz(const std::filesystem::path& path, const NamedViews& arrays,
               const NpzOptions& options = {});

}  // namespace tenon
