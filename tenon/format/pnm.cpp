#include "tenon/format/pnm.h"

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
    while (position_ < text_.size() && (is_space(text_[position_]) || text_[position_] == '#')) {
      if (text_[position_] == '#') {
        while (position_ < text_.size() && text_[position_] != '\n') ++position_;
      } else {
        ++position_;
      }
    }
    const size_t start = position_;
    uint32_t value = 0;
    while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9') {
      value = value * 10 + static_cast<uint32_t>(text_[position_++] - '0');
      if (value > maximum) throw corrupt_at(file_, start, "{} is above {}", what, maximum);
    }
    if (position_ == start) throw corrupt_at(file_, start, "expected {}", what);
    return value;
  }

  void single_space() {
    if (position_ >= text_.size() || !is_space(text_[position_])) {
      throw corrupt_at(file_, position_, "expected white space after the header");
    }
    ++position_;
  }

 private:
  std::string_view text_;
  std::string_view file_;
  size_t position_;
};

}  // namespace

bool is_pnm(std::span<const std::byte> bytes) {
  if (bytes.size() < 3 || bytes[0] != std::byte{'P'}) return false;
  const auto kind = static_cast<char>(bytes[1]);
  return (kind == '2' || kind == '3' || kind == '5' || kind == '6') &&
         is_space(static_cast<char>(bytes[2]));
}

Literal parse_pnm(std::span<const std::byte> bytes, std::string_view name) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!is_pnm(bytes)) throw corrupt_at(name, 0, "not a PGM or PPM image");
  const bool plain = text[1] == '2' || text[1] == '3';
  const int64_t channels = text[1] == '2' || text[1] == '5' ? 1 : 3;
  Scanner scanner(text, name, 2);
  const int64_t width = scanner.number("a width", kMaxSide);
  const int64_t height = scanner.number("a height", kMaxSide);
  const uint32_t maximum = scanner.number("a largest value", UINT16_MAX);
  if (maximum == 0) throw corrupt_at(name, scanner.position() - 1, "the largest value is 0");
  scanner.single_space();

  const auto samples = static_cast<uint64_t>(width * height * channels);
  const bool wide = maximum > 255;
  const uint64_t least = plain ? samples : samples * (wide ? 2 : 1);  // bytes that samples take
  if (least > bytes.size() - scanner.position()) {
    throw corrupt_at(name, bytes.size(), "the file ends within an image of {} x {}", width, height);
  }
  Literal result = Literal::uninitialized(DType::u8, {height, width, channels});
  ByteReader reader(bytes.subspan(scanner.position()), name, scanner.position());
  for (uint8_t& sample : result.values<uint8_t>()) {
    const uint64_t at = plain ? scanner.position() : reader.offset();
    const uint32_t value = plain  ? scanner.number("a sample", maximum)
                           : wide ? reader.big<uint16_t>("a sample")
                                  : reader.little<uint8_t>("a sample");
    if (value > maximum) {
      throw corrupt_at(name, at, "sample {} is above the largest value, {}", value, maximum);
    }
    sample = static_cast<uint8_t>((value * 255 + maximum / 2) / maximum);
  }
  return result;
}

}  // namespace tenon
