#include "tenon/format/narrow.h"

#include <algorithm>
#include <cstring>

#include "tenon/base/error.h"

namespace tenon {

namespace {

/// From front to back: none is written over before it is read, since each is narrower in the file.
template <class From, class To>
void widen_as(Literal& array) {
  static_assert(sizeof(From) < sizeof(To));
  const auto to = array.values<To>();
  const std::byte* from = array.data() + to.size() * (sizeof(To) - sizeof(From));
  for (size_t i = 0; i < to.size(); ++i) {
    From value;
    std::memcpy(&value, from + i * sizeof(From), sizeof(From));
    to[i] = value;
  }
}

void require_i64(const Literal& array, std::string_view name) {
  const auto values = array.values<int64_t>();
  const auto beyond = std::ranges::find_if(values, [](int64_t value) { return value < 0; });
  if (beyond == values.end()) return;
  const auto element = beyond - values.begin();
  const auto rows = array.shape().empty() ? 1 : array.shape()[0];
  throw make_error(ErrorCode::out_of_range, "{}: {} in row {} is more than i64 can hold", name,
                   static_cast<uint64_t>(*beyond), element / (array.size() / rows))
      .note("unsigned 64-bit numbers are read as i64");
}

}  // namespace

size_t size_of(Narrow type) {
  switch (type) {
    case Narrow::i16:
    case Narrow::u16:
      return 2;
    case Narrow::u32:
      return 4;
    case Narrow::none:
    case Narrow::u64:
      break;
  }
  return 8;
}

DType dtype_of(Narrow type) {
  return type == Narrow::i16 || type == Narrow::u16 ? DType::i32 : DType::i64;
}

std::span<std::byte> bytes_in_file(Literal& array, Narrow type) {
  const std::span<std::byte> all(array.data(), array.bytes());
  return type == Narrow::none ? all : all.last(static_cast<size_t>(array.size()) * size_of(type));
}

void widen(Literal& array, Narrow type, std::string_view name) {
  switch (type) {
    case Narrow::none:
      return;
    case Narrow::i16:
      return widen_as<int16_t, int32_t>(array);
    case Narrow::u16:
      return widen_as<uint16_t, int32_t>(array);
    case Narrow::u32:
      return widen_as<uint32_t, int64_t>(array);
    case Narrow::u64:
      return require_i64(array, name);
  }
}

}  // namespace tenon
