#include "tenon/format/zip.h"

#include <algorithm>
#include <concepts>

#include "tenon/format/byte_reader.h"
#include "tenon/format/inflate.h"

// PKWARE's APPNOTE.TXT 6.3: sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14-16
// (its end, for zip64 and for all), 4.5.3 (zip64 extra field).

namespace tenon {

namespace {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kCentralHeader = 0x02014b50;
constexpr uint32_t kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50;
constexpr uint32_t kEnd64Locator = 0x07064b50;
constexpr size_t kEndSize = 22;
constexpr size_t kLocatorSize = 20;
constexpr uint16_t kStored = 0, kDeflated = 8;
constexpr uint16_t kZip64Extra = 1, kVersionZip64 = 45;
constexpr uint16_t kEncrypted = 1, kUtf8 = 1 << 11;
constexpr uint32_t kIn64 = 0xffffffff;  // "look in the zip64 field"
constexpr uint16_t kIn64Short = 0xffff;

struct Directory {
  uint64_t entries = 0;
  uint64_t size = 0;
  uint64_t offset = 0;
};

ByteReader reader_at(std::span<const std::byte> bytes, std::string_view name, uint64_t offset,
                     std::string_view what) {
  if (offset > bytes.size()) {
    throw corrupt_at(name, bytes.size(), "{} should be at byte {}, beyond the end", what, offset);
  }
  return {bytes.subspan(offset), name, offset};
}

/// The end record is the last one whose comment reaches exactly to the end of the file.
uint64_t find_end(std::span<const std::byte> bytes, std::string_view name) {
  if (bytes.size() >= kEndSize) {
    const uint64_t last = bytes.size() - kEndSize;
    const uint64_t first = last > UINT16_MAX ? last - UINT16_MAX : 0;
    for (uint64_t at = last + 1; at-- > first;) {
      ByteReader reader(bytes.subspan(at), name, at);
      if (reader.little<uint32_t>("") != kEnd) continue;
      reader.take(16, "");
      if (reader.little<uint16_t>("") == reader.remaining()) return at;
    }
  }
  throw corrupt_at(name, bytes.size(),
                   "no zip directory at the end: not a zip file, or it was cut off");
}

Directory read_end(std::span<const std::byte> bytes, std::string_view name) {
  const uint64_t end = find_end(bytes, name);
  ByteReader reader(bytes.subspan(end), name, end);
  reader.take(4, "the end record");
  const auto disk = reader.little<uint16_t>("the end record");
  const auto directory_disk = reader.little<uint16_t>("the end record");
  Directory result;
  reader.little<uint16_t>("the end record");
  result.entries = reader.little<uint16_t>("the end record");
  result.size = reader.little<uint32_t>("the end record");
  result.offset = reader.little<uint32_t>("the end record");
  const bool in_64 = result.entries == kIn64Short || result.size == kIn64 || result.offset == kIn64;
  if (in_64 && end >= kLocatorSize) {
    ByteReader locator(bytes.subspan(end - kLocatorSize), name, end - kLocatorSize);
    if (locator.little<uint32_t>("the zip64 locator") == kEnd64Locator) {
      locator.take(4, "the zip64 locator");
      const auto at = locator.little<uint64_t>("the zip64 locator");
      ByteReader end_64 = reader_at(bytes, name, at, "the zip64 end record");
      if (end_64.little<uint32_t>("the zip64 end record") != kEnd64) {
        end_64.fail_at(at, "no zip64 end record where the locator says");
      }
      end_64.take(20, "the zip64 end record");
      end_64.little<uint64_t>("the zip64 end record");
      result.entries = end_64.little<uint64_t>("the zip64 end record");
      result.size = end_64.little<uint64_t>("the zip64 end record");
      result.offset = end_64.little<uint64_t>("the zip64 end record");
    }
  } else if (disk != 0 || directory_disk != 0) {
    reader.fail_at(end, "archives in several parts are not supported");
  }
  if (result.offset > end || result.size > end - result.offset) {
    reader.fail_at(end, "directory of {} bytes at byte {} does not lie before its end record",
                   result.size, result.offset);
  }
  return result;
}

/// Replaces the sizes that the directory could not hold by those of the zip64 extra field.
void apply_zip64(ByteReader extra, ZipEntry& entry) {
  while (extra.remaining() >= 4) {
    const auto id = extra.little<uint16_t>("an extra field");
    const auto size = extra.little<uint16_t>("an extra field");
    const uint64_t at = extra.offset();
    ByteReader field(extra.take(size, "an extra field"), extra.name(), at);
    if (id != kZip64Extra) continue;
    for (uint64_t* value : {&entry.size, &entry.compressed_size, &entry.offset}) {
      if (*value == kIn64) *value = field.little<uint64_t>("the zip64 field");
    }
  }
}

std::string_view method_name(uint16_t method) {
  constexpr std::pair<uint16_t, std::string_view> kNames[] = {
      {9, "deflate64"}, {12, "bzip2"}, {14, "lzma"}, {93, "zstandard"}, {95, "xz"}};
  const auto* known =
      std::ranges::find(kNames, method, [](const auto& name) { return name.first; });
  return known == std::end(kNames) ? "unknown" : known->second;
}

std::optional<Error> why_unreadable(const ZipEntry& entry, uint16_t flags, std::string_view name) {
  if ((flags & kEncrypted) != 0) {
    return make_error(ErrorCode::unsupported, "{}: '{}' is encrypted", name, entry.name);
  }
  if (entry.method == kStored || entry.method == kDeflated) return std::nullopt;
  return make_error(ErrorCode::unsupported, "{}: '{}' is compressed with method {} ({})", name,
                    entry.name, entry.method, method_name(entry.method))
      .note("stored (0) and deflated (8) entries are supported");
}

ZipEntry read_entry(ByteReader& reader) {
  const uint64_t start = reader.offset();
  constexpr std::string_view kWhat = "a directory entry";
  if (reader.little<uint32_t>(kWhat) != kCentralHeader) {
    reader.fail_at(start, "no directory entry where the previous one ends");
  }
  reader.take(4, kWhat);
  const auto flags = reader.little<uint16_t>(kWhat);
  ZipEntry entry;
  entry.method = reader.little<uint16_t>(kWhat);
  reader.take(4, kWhat);
  entry.crc = reader.little<uint32_t>(kWhat);
  entry.compressed_size = reader.little<uint32_t>(kWhat);
  entry.size = reader.little<uint32_t>(kWhat);
  const auto name_size = reader.little<uint16_t>(kWhat);
  const auto extra_size = reader.little<uint16_t>(kWhat);
  const auto comment_size = reader.little<uint16_t>(kWhat);
  reader.take(8, kWhat);
  entry.offset = reader.little<uint32_t>(kWhat);
  const auto name = reader.take(name_size, "the name of an entry");
  entry.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
  const uint64_t extra_at = reader.offset();
  const ByteReader extra(reader.take(extra_size, "an extra field"), reader.name(), extra_at);
  reader.take(comment_size, "the comment of an entry");
  entry.unreadable = why_unreadable(entry, flags, reader.name());
  try {
    apply_zip64(extra, entry);
  } catch (const Error& error) {
    entry.unreadable = error;
  }
  return entry;
}

/// Little-endian fields of a header, one after the other.
class Record {
 public:
  template <std::integral T>
  Record& add(T value) {
    for (size_t i = 0; i < sizeof(T); ++i) {
      bytes_.push_back(static_cast<std::byte>(static_cast<uint64_t>(value) >> (8 * i)));
    }
    return *this;
  }
  Record& add(std::string_view text) {
    for (char c : text) bytes_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

constexpr uint16_t kMidnight = 0, kFirstOfJanuary1980 = 0x21;  // equal content, equal file

void add_common_fields(Record& record, const ZipEntry& entry, uint16_t extra_size) {
  record.add(kVersionZip64).add(kUtf8).add(entry.method).add(kMidnight).add(kFirstOfJanuary1980);
  record.add(entry.crc).add(kIn64).add(kIn64);
  record.add(static_cast<uint16_t>(entry.name.size())).add(extra_size);
}

}  // namespace

ZipReader::ZipReader(std::span<const std::byte> bytes, std::string_view name)
    : bytes_(bytes), name_(name) {
  const Directory directory = read_end(bytes, name);
  ByteReader reader(bytes.subspan(directory.offset, directory.size), name, directory.offset);
  for (uint64_t i = 0; i < directory.entries; ++i) entries_.push_back(read_entry(reader));
}

ZipStream ZipReader::open(const ZipEntry& entry) const {
  if (entry.unreadable) throw Error(*entry.unreadable);
  ByteReader reader = reader_at(bytes_, name_, entry.offset, "an entry");
  if (reader.little<uint32_t>("a local header") != kLocalHeader) {
    reader.fail_at(entry.offset, "no local header of '{}'", entry.name);
  }
  reader.take(22, "a local header");
  const auto name_size = reader.little<uint16_t>("a local header");
  const auto extra_size = reader.little<uint16_t>("a local header");
  reader.take(name_size, "a local header");
  reader.take(extra_size, "a local header");
  const uint64_t start = reader.offset();
  const auto packed = reader.take(entry.compressed_size, "the data of '" + entry.name + "'");
  const bool stored = entry.method == kStored;
  if (stored ? entry.size != packed.size() : entry.size / kMaxInflation > packed.size()) {
    reader.fail_at(start, "'{}' cannot have {} bytes: {} are there{}", entry.name, entry.size,
                   packed.size(), stored ? "" : " to unpack");
  }
  return {entry, packed, name_, start};
}

ZipStream::ZipStream(const ZipEntry& entry, std::span<const std::byte> packed,
                     std::string_view name, uint64_t first_offset)
    : entry_(&entry), packed_(packed), name_(name), first_offset_(first_offset) {
  if (entry.method == kDeflated) {
    inflate_ =
        std::make_unique<InflateStream>(packed, name, InflateStream::Kind::raw, first_offset);
  }
}

void ZipStream::read(std::span<std::byte> out) {
  check(out.size() <= remaining(), "no more than remains");
  // In pieces, so that the checksum finds them in the cache; and of the copy, since the file may
  // change meanwhile.
  constexpr size_t kPiece = size_t{1} << 18;
  while (!out.empty()) {
    const auto piece = out.first(std::min(out.size(), kPiece));
    if (inflate_) {
      inflate_->read_exactly(piece, entry_->name);
    } else {
      std::ranges::copy(packed_.subspan(position_, piece.size()), piece.begin());
    }
    crc_ = crc32_of(piece, crc_);
    position_ += piece.size();
    out = out.subspan(piece.size());
  }
}

void ZipStream::finish() {
  std::vector<std::byte> rest(std::min<uint64_t>(remaining(), 1 << 16));
  while (remaining() > 0) {
    read(std::span(rest).first(std::min<uint64_t>(remaining(), rest.size())));
  }
  std::byte extra;
  if (inflate_ && inflate_->read({&extra, 1}) != 0) {
    throw corrupt_at(name_, first_offset_, "'{}' unpacks to more than its {} bytes", entry_->name,
                     entry_->size);
  }
  if (crc_ != entry_->crc) {
    throw corrupt_at(name_, first_offset_, "'{}' is damaged: CRC {:08x}, expected {:08x}",
                     entry_->name, crc_, entry_->crc);
  }
}

void ZipWriter::emit(std::span<const std::byte> bytes) {
  sink_(bytes);
  written_ += bytes.size();
}

void ZipWriter::add(std::string_view name, std::span<const std::byte> bytes, bool compress) {
  if (name.empty() || name.size() > UINT16_MAX) {
    fail(ErrorCode::invalid_argument, "zip: a name of {} bytes cannot be stored", name.size());
  }
  ZipEntry entry{
      .name = std::string(name), .crc = crc32_of(bytes), .size = bytes.size(), .offset = written_};
  std::vector<std::byte> packed;
  if (compress) packed = deflate_bytes(bytes);
  const bool smaller = compress && packed.size() < bytes.size();
  entry.method = smaller ? kDeflated : kStored;
  const std::span<const std::byte> data = smaller ? packed : bytes;
  entry.compressed_size = data.size();

  Record header;
  header.add(kLocalHeader);
  add_common_fields(header, entry, 20);
  header.add(name).add(kZip64Extra).add(uint16_t{16}).add(entry.size).add(entry.compressed_size);
  emit(header.bytes());
  emit(data);
  entries_.push_back(std::move(entry));
}

void ZipWriter::finish() {
  const uint64_t directory = written_;
  for (const ZipEntry& entry : entries_) {
    Record record;
    record.add(kCentralHeader).add(kVersionZip64);
    add_common_fields(record, entry, 28);
    record.add(uint16_t{0}).add(uint16_t{0}).add(uint16_t{0}).add(uint32_t{0}).add(kIn64);
    record.add(entry.name).add(kZip64Extra).add(uint16_t{24});
    record.add(entry.size).add(entry.compressed_size).add(entry.offset);
    emit(record.bytes());
  }
  const uint64_t end = written_, count = entries_.size();
  Record record;
  record.add(kEnd64).add(uint64_t{44}).add(kVersionZip64).add(kVersionZip64);
  record.add(uint32_t{0}).add(uint32_t{0}).add(count).add(count).add(end - directory);
  record.add(directory);
  record.add(kEnd64Locator).add(uint32_t{0}).add(end).add(uint32_t{1});
  record.add(kEnd).add(uint16_t{0}).add(uint16_t{0}).add(kIn64Short).add(kIn64Short);
  record.add(kIn64).add(kIn64).add(uint16_t{0});
  emit(record.bytes());
}

}  // namespace tenon
