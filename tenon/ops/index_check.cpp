#include "tenon/ops/index_check.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

#include <fmt/ranges.h>

#include "tenon/base/error.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/graph/literal.h"

namespace tenon {

namespace {

std::atomic<bool>& switched_on() {
  static constinit MadeOnce<std::atomic<bool>> on;
  return on.get([] {
    const char* value = std::getenv("TENON_CHECK_INDICES");
    return new std::atomic<bool>(value != nullptr && std::string_view(value) != "" &&
                                 std::string_view(value) != "0");
  });
}

[[noreturn]] void fail_outside(const IndexRange& range, int64_t index, int64_t at,
                               std::span<const int64_t> shape) {
  std::vector<int64_t> position(shape.size());
  for (size_t axis = shape.size(); axis-- > 0; at /= shape[axis]) position[axis] = at % shape[axis];
  fail(ErrorCode::out_of_range, "{}: index {} at [{}] is out of range: axis {} of {} has size {}",
       range.op, index, fmt::join(position, ","), range.axis, range.type, range.size);
}

template <class T>
void check_as(const IndexRange& range, const std::byte* indices, std::span<const int64_t> shape) {
  const int64_t count = element_count(shape);
  for (int64_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, indices + static_cast<size_t>(i) * sizeof(T), sizeof(T));
    const auto index = static_cast<int64_t>(value);
    if (index < range.low || index >= range.size) fail_outside(range, index, i, shape);
  }
}

}  // namespace

bool index_checks() { return switched_on().load(std::memory_order_relaxed); }
void set_index_checks(bool on) { switched_on().store(on, std::memory_order_relaxed); }

void check_indices(const IndexRange& range, DType dtype, const std::byte* indices,
                   std::span<const int64_t> shape) {
  switch (dtype) {
    case DType::u8:
      return check_as<uint8_t>(range, indices, shape);
    case DType::i8:
      return check_as<int8_t>(range, indices, shape);
    case DType::i32:
      return check_as<int32_t>(range, indices, shape);
    default:
      check(dtype == DType::i64, "indices are integers");
      return check_as<int64_t>(range, indices, shape);
  }
}

}  // namespace tenon
