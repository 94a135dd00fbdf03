#include "tenon/format/pnm.h"

#include <cmath>
#include <vector>

#include "tenon/format/byte_reader.h"

namespace tenon {

namespace {

constexpr uint32_t kMaxSide = 1 << 20;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// The text of a header or of a plain map: numbers between white space and comments.
class Scanner {
 public:
  Scanner(std::string_view text, std::string_view file, size_t position)
      : text_(text), file_(file), position_(position) {}

  size_t position() const { return position_; }

  uint32_t number(std::string_view what, uint32_t maximum) {
    skip();
    const size_t start = position_;
    uint32_t value = 0;
    while (at_digit()) {
      value = value * 10 + static_cast<uint32_t>(text_[position_++] - '0');
      if (value > maximum) throw corrupt_at(file_, start, "{} is above {}", what, maximum);
    }
    if (position_ == start) throw corrupt_at(file_, start, "expected {}", what);
    return value;
  }

  /// Of a plain bitmap, whose digits may stand together.
  bool bit() {
    skip();
    if (!at_digit() || text_[position_] > '1') {
      throw corrupt_at(file_, position_, "expected 0 or 1");
    }
    return text_[position_++] == '1';
  }

  /// The one white space before the samples; the end of a comment is one.
  void end_header() {
    if (position_ < text_.size() && text_[position_] == '#') skip_comment();
    if (position_ >= text_.size() || !is_space(text_[position_])) {
      throw corrupt_at(file_, position_, "expected white space after the header");
    }
    ++position_;
  }

 private:
  bool at_digit() const {
    return position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9';
  }
  void skip_comment() {
    while (position_ < text_.size() && text_[position_] != '\n' && text_[position_] != '\r') {
      ++position_;
    }
  }
  void skip() {
    while (position_ < text_.size() && (is_space(text_[position_]) || text_[position_] == '#')) {
      if (text_[position_] == '#') {
        skip_comment();
      } else {
        ++position_;
      }
    }
  }

  std::string_view text_;
  std::string_view file_;
  size_t position_;
};

struct Header {
  bool plain = false, bits = false;
  int64_t channels = 1, width = 0, height = 0;
  uint32_t maximum = 1;

  bool wide() const { return maximum > 255; }
  int64_t samples() const { return width * height * channels; }
  /// The least bytes that the samples can take.
  int64_t bytes() const {
    if (plain) return samples();
    return bits ? (width + 7) / 8 * height : samples() * (wide() ? 2 : 1);
  }
};

int64_t read_side(Scanner& scanner, std::string_view name, std::string_view what) {
  const int64_t side = scanner.number(what, kMaxSide);
  if (side == 0) throw corrupt_at(name, scanner.position() - 1, "{} of 0", what);
  return side;
}

Header read_header(Scanner& scanner, char kind, std::string_view name) {
  Header header;
  header.plain = kind <= '3';
  header.bits = kind == '1' || kind == '4';
  header.channels = kind == '3' || kind == '6' ? 3 : 1;
  header.width = read_side(scanner, name, "a width");
  header.height = read_side(scanner, name, "a height");
  if (!header.bits) header.maximum = scanner.number("a largest value", UINT16_MAX);
  if (header.maximum == 0) throw corrupt_at(name, scanner.position() - 1, "the largest value is 0");
  scanner.end_header();
  return header;
}

/// Of each sample its level among 256. The high byte of 16 bits, so that a picture is the same in
/// every format; else what Pillow makes of it.
std::vector<uint8_t> levels_of(uint32_t maximum) {
  std::vector<uint8_t> levels(maximum + 1);
  for (uint32_t value = 0; value <= maximum; ++value) {
    levels[value] = static_cast<uint8_t>(
        maximum == UINT16_MAX ? value >> 8
                              : std::lrint(static_cast<double>(value) / maximum * 255));
  }
  return levels;
}

/// A bit that is set is black.
void read_bits(const Header& header, Scanner& scanner, ByteReader& reader, std::span<uint8_t> out) {
  const auto width = static_cast<size_t>(header.width);
  std::span<const std::byte> row;
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t x = i % width;
    if (!header.plain && x == 0) row = reader.take((width + 7) / 8, "a row");
    const bool black =
        header.plain ? scanner.bit() : (row[x / 8] >> (7 - x % 8) & std::byte{1}) != std::byte{0};
    out[i] = black ? 0 : 255;
  }
}

void read_samples(const Header& header, Scanner& scanner, ByteReader& reader,
                  std::span<uint8_t> out) {
  const std::vector<uint8_t> levels = levels_of(header.maximum);
  for (uint8_t& sample : out) {
    const uint64_t at = header.plain ? scanner.position() : reader.offset();
    const uint32_t value = header.plain    ? scanner.number("a sample", header.maximum)
                           : header.wide() ? reader.big<uint16_t>("a sample")
                                           : reader.little<uint8_t>("a sample");
    if (value > header.maximum) {
      reader.fail_at(at, "sample {} is above the largest value, {}", value, header.maximum);
    }
    sample = levels[value];
  }
}

}  // namespace

bool is_pnm(std::span<const std::byte> bytes) {
  if (bytes.size() < 3 || bytes[0] != std::byte{'P'}) return false;
  const auto kind = static_cast<char>(bytes[1]), next = static_cast<char>(bytes[2]);
  return kind >= '1' && kind <= '6' && (is_space(next) || next == '#');
}

Literal parse_pnm(std::span<const std::byte> bytes, std::string_view name) {
  if (!is_pnm(bytes)) throw corrupt_at(name, 0, "not a PBM, PGM or PPM image");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Scanner scanner(text, name, 2);
  const Header header = read_header(scanner, text[1], name);
  ByteReader reader(bytes.subspan(scanner.position()), name, scanner.position());
  if (static_cast<uint64_t>(header.bytes()) > reader.remaining()) {
    reader.fail_at(bytes.size(), "the file ends within an image of {} x {}", header.width,
                   header.height);
  }
  Literal result =
      Literal::uninitialized(DType::u8, {header.height, header.width, header.channels});
  const auto out = result.values<uint8_t>();
  if (header.bits) {
    read_bits(header, scanner, reader, out);
  } else {
    read_samples(header, scanner, reader, out);
  }
  return result;
}

}  // namespace tenon
