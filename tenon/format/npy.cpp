#include "tenon/format/npy.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>

#include "tenon/base/strings.h"
#include "tenon/format/byte_reader.h"
#include "tenon/format/narrow.h"

// numpy/lib/format.py, "NPY format" NEP 1: magic, version, header length, a Python dict, data.

namespace tenon {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kAlignment = 64;

/// An element type of files, and the dtype that it is read as.
struct ElementType {
  std::string_view kind;  // without its byte order
  size_t size;
  DType dtype;
  Narrow narrow = Narrow::none;
};
constexpr ElementType kElementTypes[] = {{"b1", 1, DType::boolean},
                                         {"u1", 1, DType::u8},
                                         {"i1", 1, DType::i8},
                                         {"i2", 2, DType::i32, Narrow::i16},
                                         {"u2", 2, DType::i32, Narrow::u16},
                                         {"i4", 4, DType::i32},
                                         {"u4", 4, DType::i64, Narrow::u32},
                                         {"i8", 8, DType::i64},
                                         {"u8", 8, DType::i64, Narrow::u64},
                                         {"f2", 2, DType::f16},
                                         {"f4", 4, DType::f32},
                                         {"f8", 8, DType::f64},
                                         {"V2", 2, DType::bf16}};

struct Header {
  ElementType element = kElementTypes[0];
  bool reversed = false;  // the other byte order
  bool fortran = false;
  std::vector<int64_t> shape;
};

/// What to do in Python about an element type that cannot be read.
std::string_view advice_for(std::string_view kind) {
  switch (kind.empty() ? '\0' : kind[0]) {
    case 'U':
    case 'S':
    case 'a':
      return "text is no number: numpy.unique(array, return_inverse=True)[1] numbers its words";
    case 'O':
      return "objects are read by Python alone: numpy.array(array.tolist(), 'float32')";
    case 'c':
      return "save array.real and array.imag";
    case 'M':
    case 'm':
      return "times as whole numbers: array.astype('int64')";
    default:
      return "convert it in Python, such as array.astype('float32')";
  }
}

/// Reads the dict literal of a header: exactly the three keys that the format has, in any order.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::string_view file, uint64_t first_offset)
      : text_(text), file_(file), first_offset_(first_offset) {}

  Header parse() {
    expect('{');
    while (!accept('}')) {
      const size_t at = skip();
      const std::string key = string();
      expect(':');
      if (key == "descr" && !descr_) {
        parse_descr();
      } else if (key == "fortran_order" && !order_) {
        parse_order();
      } else if (key == "shape" && !shape_) {
        parse_shape();
      } else {
        fail_at(at, fmt::format("unexpected key '{}' in the header", key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (skip() != text_.size()) fail_at(position_, "text follows the header's dict");
    if (!descr_ || !order_ || !shape_) {
      fail_at(0, "the header lacks one of 'descr', 'fortran_order' and 'shape'");
    }
    return header_;
  }

 private:
  [[noreturn]] void fail_at(size_t at, const std::string& what) const {
    throw corrupt_at(file_, first_offset_ + at, "{}", what);
  }

  size_t skip() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n')) {
      ++position_;
    }
    return position_;
  }
  bool accept(char c) {
    if (skip() >= text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail_at(position_, fmt::format("expected '{}' in the header", c));
  }
  bool accept_word(std::string_view word) {
    skip();
    if (!text_.substr(position_).starts_with(word)) return false;
    position_ += word.size();
    return true;
  }

  std::string string() {
    skip();
    const char quote = position_ < text_.size() ? text_[position_] : '\0';
    const size_t end = text_.find(quote, position_ + 1);
    if ((quote != '\'' && quote != '"') || end == std::string_view::npos) {
      fail_at(position_, "expected a quoted string in the header");
    }
    std::string result(text_.substr(position_ + 1, end - position_ - 1));
    position_ = end + 1;
    return result;
  }

  void parse_descr() {
    const size_t at = skip();
    if (at < text_.size() && (text_[at] == '[' || text_[at] == '(')) {
      throw make_error(ErrorCode::unsupported, "{}: byte {}: an array of records", file_,
                       first_offset_ + at)
          .note("hint: save each field as a separate array");
    }
    const std::string descr = string();
    const char order = descr.empty() ? '\0' : descr[0];
    const std::string kind = descr.substr(std::min<size_t>(1, descr.size()));
    const auto* found = std::ranges::find(kElementTypes, kind, &ElementType::kind);
    if (found == std::end(kElementTypes) ||
        std::string_view("<>|=").find(order) == std::string::npos) {
      throw make_error(ErrorCode::unsupported, "{}: byte {}: element type '{}' is not supported",
                       file_, first_offset_ + at, descr)
          .note("supported: bool, integers of 8 to 64 bits, f16, bf16, f32, f64")
          .note("hint: {}", advice_for(kind));
    }
    header_.element = *found;
    header_.reversed = order == '>' && found->size > 1;
    descr_ = true;
  }

  void parse_order() {
    header_.fortran = accept_word("True");
    if (!header_.fortran && !accept_word("False")) {
      fail_at(skip(), "'fortran_order' is neither True nor False");
    }
    order_ = true;
  }

  void parse_shape() {
    expect('(');
    while (!accept(')')) {
      const size_t at = skip();
      int64_t dim = 0;
      const char* end = text_.data() + text_.size();
      const auto [next, status] = std::from_chars(text_.data() + at, end, dim);
      if (status != std::errc{} || dim < 0) fail_at(at, "expected a dimension in the shape");
      position_ = static_cast<size_t>(next - text_.data());
      if (position_ < text_.size() && text_[position_] == 'L') ++position_;  // Python 2
      header_.shape.push_back(dim);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    shape_ = true;
  }

  std::string_view text_;
  std::string_view file_;
  uint64_t first_offset_;
  size_t position_ = 0;
  Header header_;
  bool descr_ = false, order_ = false, shape_ = false;
};

bool begins_as_npy(std::span<const std::byte> bytes) {
  return bytes.size() >= kMagic.size() &&
         std::ranges::equal(bytes.first(kMagic.size()), std::as_bytes(std::span(kMagic)));
}

Header read_header(ByteReader& reader) {
  const auto magic = reader.take(kMagic.size(), "the magic string");
  if (!begins_as_npy(magic)) {
    reader.fail_at(0, "not an npy file: it does not start with \\x93NUMPY");
  }
  const auto major = reader.little<uint8_t>("the version");
  reader.little<uint8_t>("the version");
  if (major < 1 || major > 3) reader.fail_at(6, "npy version {}; 1 to 3 are known", major);
  const size_t length = major == 1 ? reader.little<uint16_t>("the header length")
                                   : reader.little<uint32_t>("the header length");
  const uint64_t start = reader.offset();
  const auto text = reader.take(length, "the header");
  return HeaderParser({reinterpret_cast<const char*>(text.data()), text.size()}, reader.name(),
                      start)
      .parse();
}

/// Copies an array whose first index runs fastest into one whose last index does.
void copy_from_fortran(std::span<const std::byte> from, std::span<const int64_t> shape, size_t size,
                       std::span<std::byte> to) {
  std::vector<int64_t> index(shape.size(), 0), stride(shape.size());
  int64_t step = 1;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    stride[axis] = step;
    step *= shape[axis];
  }
  int64_t source = 0;
  for (size_t target = 0; target < to.size(); target += size) {
    std::copy_n(from.data() + static_cast<size_t>(source) * size, size, to.data() + target);
    for (size_t axis = shape.size(); axis-- > 0;) {  // the next row-major index
      source += stride[axis];
      if (++index[axis] < shape[axis]) break;
      source -= stride[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

/// The array takes all of the bytes that follow its header, no more and no less.
void require_size(const Header& header, std::string_view name, uint64_t offset, uint64_t there) {
  const auto size = array_bytes(header.element.size, header.shape);
  if (!size) throw corrupt_at(name, offset, "the header's shape overflows 64 bits");
  if (*size > there) {
    throw corrupt_at(name, offset + there,
                     "the file ends within the data ({} bytes from byte {}, {} there)", *size,
                     offset, there);
  }
  if (*size < there) {
    throw corrupt_at(name, offset + *size, "{} bytes follow the array", there - *size)
        .note("where numpy.save wrote several arrays into one file: numpy.savez keeps them apart");
  }
}

/// The array whose data `fill` writes into memory; they begin at byte `offset` of the file `name`.
template <class Fill>
Literal read_data(const Header& header, std::string_view name, uint64_t offset, Fill fill) {
  const auto& [kind, width, dtype, narrow] = header.element;
  Literal result = Literal::uninitialized(dtype, header.shape);
  const std::span<std::byte> data = bytes_in_file(result, narrow);
  const auto fill_checked = [&](std::span<std::byte> out) {
    fill(out);
    if (dtype != DType::boolean) return;
    const auto bad = std::ranges::find_if(out, [](std::byte b) { return b > std::byte{1}; });
    if (bad != out.end()) {  // would not be a bool to C++
      throw corrupt_at(name, offset + static_cast<uint64_t>(bad - out.begin()),
                       "a bool that is neither 0 nor 1");
    }
  };
  if (header.fortran && header.shape.size() > 1) {
    std::vector<std::byte> columns(data.size());
    fill_checked(columns);
    copy_from_fortran(columns, header.shape, width, data);
  } else {
    fill_checked(data);
  }
  if (header.reversed) reverse_bytes(data, width);
  widen(result, narrow, name);
  return result;
}

/// The bytes of an entry before its array's data, and perhaps less where it ends before them.
std::vector<std::byte> read_head(ZipStream& stream) {
  constexpr size_t kUpToLength = 12;  // magic, version, and a length of 2 or 4 bytes
  const uint64_t size = stream.remaining();
  std::vector<std::byte> head(std::min<uint64_t>(size, kUpToLength));
  stream.read(head);
  if (head.size() < kUpToLength) return head;
  ByteReader reader(head, "");
  reader.take(kMagic.size(), "");
  const auto major = reader.little<uint8_t>("");
  reader.take(1, "");
  const uint64_t length = major == 1 ? reader.little<uint16_t>("") : reader.little<uint32_t>("");
  const uint64_t end = std::min(size, reader.offset() + length);
  if (end <= head.size()) return head;
  head.resize(end);
  stream.read(std::span(head).subspan(kUpToLength));
  return head;
}

/// What stands before the data of an entry, which are left in the stream.
Header read_header(ZipStream& stream, std::string_view name, uint64_t& offset) {
  const uint64_t size = stream.remaining();
  const std::vector<std::byte> head = read_head(stream);
  ByteReader reader(head, name);
  Header header = read_header(reader);
  offset = reader.offset();
  require_size(header, name, offset, size - offset);
  return header;
}

/// An entry of an archive goes straight into the array's memory.
Literal read_entry(ZipStream stream, std::string_view name) {
  Header header;
  uint64_t offset = 0;
  try {
    header = read_header(stream, name, offset);
  } catch (const Error&) {
    stream.finish();  // where the header is strange since it is damaged, that is the error
    throw;
  }
  return read_data(header, name, offset, [&](std::span<std::byte> out) {
    stream.read(out);
    stream.finish();
  });
}

std::string_view descr_of(DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return "|b1";
    case DType::u8:
      return "|u1";
    case DType::i8:
      return "|i1";
    case DType::i32:
      return "<i4";
    case DType::i64:
      return "<i8";
    case DType::f16:
      return "<f2";
    case DType::bf16:
      return "<V2";
    case DType::f32:
      return "<f4";
    case DType::f64:
      return "<f8";
  }
  return "";
}

std::string header_text(const ArrayView& array) {
  std::string shape;
  for (int64_t dim : array.shape) shape += fmt::format("{}, ", dim);
  if (array.shape.size() > 1) shape.resize(shape.size() - 2);
  if (array.shape.size() == 1) shape.pop_back();
  std::string dict = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                 descr_of(array.dtype), shape);
  // The data begin at a multiple of 64 bytes: 6 magic, 2 version, 2 length, dict, spaces, newline.
  const size_t used = kMagic.size() + 4 + dict.size() + 1;
  dict.append((kAlignment - used % kAlignment) % kAlignment, ' ').push_back('\n');
  check(dict.size() <= UINT16_MAX, "a shape with thousands of dimensions");
  std::string header(kMagic);
  header +=
      {'\x01', '\x00', static_cast<char>(dict.size() & 0xff), static_cast<char>(dict.size() >> 8)};
  return header + dict;
}

}  // namespace

Literal parse_npy(std::span<const std::byte> bytes, std::string_view name) {
  ByteReader reader(bytes, name);
  const Header header = read_header(reader);
  require_size(header, name, reader.offset(), reader.remaining());
  const auto data = bytes.subspan(reader.offset());
  return read_data(header, name, reader.offset(),
                   [&](std::span<std::byte> out) { std::ranges::copy(data, out.begin()); });
}

Literal read_npy(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_npy(file.bytes(), path.string());
}

std::vector<std::byte> npy_bytes(const ArrayView& array) {
  const std::string header = header_text(array);
  std::vector<std::byte> result(header.size() + array.bytes.size());
  std::ranges::copy(std::as_bytes(std::span(header)), result.begin());
  std::ranges::copy(array.bytes, result.begin() + static_cast<std::ptrdiff_t>(header.size()));
  return result;
}

void write_npy(const std::filesystem::path& path, const ArrayView& array) {
  AtomicFile file(path);
  file.write(header_text(array));
  file.write(array.bytes);
  file.commit();
}

NpzFile::NpzFile(const std::filesystem::path& path)
    : file_(path), name_(path.string()), zip_(file_->bytes(), name_) {
  index();
}

NpzFile::NpzFile(std::span<const std::byte> bytes, std::string_view name)
    : name_(name), zip_(bytes, name_) {
  index();
}

void NpzFile::index() {
  for (const ZipEntry& entry : zip_.entries()) {
    if (entry.name.ends_with('/')) continue;
    std::string key = entry.name;
    if (key.ends_with(".npy")) {
      key.resize(key.size() - 4);
    } else if (!may_be_array(entry)) {
      others_.push_back(std::move(key));
      continue;
    }
    const auto [place, is_new] = entries_.emplace(std::move(key), &entry);
    if (!is_new) place->second = nullptr;
  }
}

/// An array by any other name begins as one. What cannot be unpacked is an error when it is read.
bool NpzFile::may_be_array(const ZipEntry& entry) const {
  try {
    ZipStream stream = zip_.open(entry);
    std::vector<std::byte> head(std::min<uint64_t>(stream.remaining(), kMagic.size()));
    stream.read(head);
    return begins_as_npy(head);
  } catch (const Error&) {
    return true;
  }
}

/// As far as its header tells.
bool NpzFile::is_readable(const ZipEntry& entry) const {
  try {
    ZipStream stream = zip_.open(entry);
    uint64_t offset = 0;
    read_header(stream, name_, offset);
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::vector<std::string> NpzFile::names() const {
  std::vector<std::string> result;
  for (const auto& [name, entry] : entries_) result.push_back(name);
  return result;
}

Literal NpzFile::read(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    const bool other = std::ranges::find(others_, name) != others_.end();
    if (other) fail(ErrorCode::unsupported, "{}: '{}' is not an array", name_, name);
    std::vector<std::string> readable;
    for (const auto& [key, entry] : entries_) {
      if (entry != nullptr && is_readable(*entry)) readable.push_back(key);
    }
    throw make_error(ErrorCode::not_found, "{}: no array '{}'", name_, name)
        .add_note(hint(name, readable));
  }
  if (found->second == nullptr) {
    throw corrupt_at(name_, 0, "'{}' is there twice", name);
  }
  const ZipEntry& entry = *found->second;
  return read_entry(zip_.open(entry), fmt::format("{}:{}", name_, entry.name));
}

namespace {

NamedLiterals read_all(const NpzFile& file) {
  NamedLiterals result;
  for (std::string& name : file.names()) {
    Literal array = file.read(name);
    result.emplace(std::move(name), std::move(array));
  }
  return result;
}

}  // namespace

NamedLiterals parse_npz(std::span<const std::byte> bytes, std::string_view name) {
  return read_all(NpzFile(bytes, name));
}

NamedLiterals read_npz(const std::filesystem::path& path) { return read_all(NpzFile(path)); }

void write_npz(const std::filesystem::path& path, const NamedViews& arrays,
               const NpzOptions& options) {
  AtomicFile file(path);
  ZipWriter zip([&](std::span<const std::byte> bytes) { file.write(bytes); });
  for (const auto& [name, array] : arrays) {
    zip.add(name + ".npy", npy_bytes(array), options.compress);
  }
  zip.finish();
  file.commit();
}

}  // namespace tenon
