#include "tenon/format/safetensors_header.h"

#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "tenon/format/byte_reader.h"

namespace tenon {

namespace {

/// Characters of the header; the parser's copies share one count of how many were read, which
/// turns each event of the parser into a byte offset.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char* begin, size_t* count)
      : at_(at), begin_(begin), count_(count) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    *count_ = static_cast<size_t>(at_ - begin_);
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator old = *this;
    ++*this;
    return old;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  const char* begin_;
  size_t* count_;
};

/// Receives the events of the JSON parser. The grammar has two levels and two kinds of array, so a
/// few fields say where we are.
class Events {
 public:
  Events(std::string_view file, uint64_t first_offset, const size_t* count)
      : file_(file), first_offset_(first_offset), count_(count) {}

  SafetensorsHeader header;

  bool null() { return unexpected("null"); }
  bool boolean(bool) { return unexpected("a boolean"); }
  bool number_float(double, const std::string&) { return unexpected("a fraction"); }
  bool binary(std::vector<uint8_t>&) { return unexpected("binary data"); }
  bool number_integer(int64_t) { return unexpected("a negative number"); }
  bool number_unsigned(uint64_t value) {
    if (!in_array_) return unexpected("a number");
    if (value > INT64_MAX) return unexpected("a number beyond 63 bits");
    numbers_.push_back(static_cast<int64_t>(value));
    return true;
  }
  bool string(std::string& value) {
    if (in_array_) return unexpected("a string");
    if (in_metadata_ && depth_ == 2) {
      header.metadata[key_] = std::move(value);
    } else if (depth_ == 2 && key_ == "dtype") {
      tensor().dtype = std::move(value);
    } else {
      return unexpected("a string");
    }
    return true;
  }

  bool start_object(size_t) {
    if (in_array_ || depth_ >= 2) return unexpected("an object");
    ++depth_;
    seen_.clear();
    if (depth_ == 2) {
      in_metadata_ = key_ == "__metadata__";
      if (!in_metadata_) header.tensors.push_back({.name = key_, .at = key_at_});
    }
    return true;
  }
  bool end_object() {
    if (depth_ == 2 && !in_metadata_ && seen_.size() != 3) {
      fail_at(tensor().at,
              fmt::format("'{}' lacks one of dtype, shape and data_offsets", tensor().name));
    }
    --depth_;
    return true;
  }
  bool key(std::string& value) {
    key_ = std::move(value);
    key_at_ = here();
    if (!(depth_ == 1 ? names_ : seen_).insert(key_).second) {
      fail_at(key_at_, fmt::format("'{}' is there twice", key_));
    }
    if (depth_ == 2 && !in_metadata_ && key_ != "dtype" && key_ != "shape" &&
        key_ != "data_offsets") {
      fail_at(key_at_, fmt::format("unexpected key '{}' in '{}'", key_, tensor().name));
    }
    return true;
  }

  bool start_array(size_t) {
    if (in_array_ || depth_ != 2 || in_metadata_ || key_ == "dtype") return unexpected("an array");
    in_array_ = true;
    numbers_.clear();
    return true;
  }
  bool end_array() {
    in_array_ = false;
    if (key_ == "shape") {
      tensor().shape = std::move(numbers_);
    } else if (numbers_.size() != 2 || numbers_[0] > numbers_[1]) {
      fail_at(key_at_,
              fmt::format("the data_offsets of '{}' are not a begin and an end", tensor().name));
    } else {
      tensor().begin = static_cast<uint64_t>(numbers_[0]);
      tensor().end = static_cast<uint64_t>(numbers_[1]);
    }
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::json::exception&) {
    fail_at(here(), "the header is not JSON");
  }

 private:
  SafetensorsHeader::Tensor& tensor() { return header.tensors.back(); }
  uint64_t here() const { return first_offset_ + (*count_ == 0 ? 0 : *count_ - 1); }
  bool unexpected(const char* what) { fail_at(here(), fmt::format("{} in the header", what)); }
  [[noreturn]] void fail_at(uint64_t offset, const std::string& what) const {
    throw corrupt_at(file_, offset, "{}", what);
  }

  std::string_view file_;
  uint64_t first_offset_;
  const size_t* count_;
  int depth_ = 0;
  bool in_metadata_ = false, in_array_ = false;
  std::string key_;
  uint64_t key_at_ = 0;
  std::set<std::string> names_, seen_;
  std::vector<int64_t> numbers_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, std::string_view file,
                                           uint64_t first_offset) {
  if (!text.starts_with('{')) {
    throw corrupt_at(file, first_offset, "the header does not begin with '{{'");
  }
  size_t count = 0;
  Events events(file, first_offset, &count);
  const char* begin = text.data();
  const char* end = begin + text.size();
  nlohmann::json::sax_parse(CountingIterator(begin, begin, &count),
                            CountingIterator(end, begin, &count), &events);
  return std::move(events.header);
}

}  // namespace tenon
