#include "tenon/runtime/buffer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "tenon/base/alignment.h"
#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/base/thread_number.h"

namespace tenon {

namespace {

/// Threads count apart: a line of the cache that all of them wrote to would travel between cores in
/// every run.
struct alignas(64) Counter {
  std::atomic<int64_t> bytes{0};
};
std::array<Counter, 16> live;  // the sum counts
std::atomic<int64_t> peak{0};

/// Smaller buffers are not looked at one by one for the peak, but with the next larger one.
constexpr int64_t kNoticed = 16 << 10;

int64_t live_bytes() {
  int64_t sum = 0;
  for (const Counter& counter : live) sum += counter.bytes.load(std::memory_order_relaxed);
  return sum;
}

void raise_peak() {
  const int64_t now = live_bytes();
  int64_t before = peak.load(std::memory_order_relaxed);
  while (now > before && !peak.compare_exchange_weak(before, now, std::memory_order_relaxed)) {
  }
}

/// What a block of so many bytes takes.
int64_t counted(size_t bytes) {
  return static_cast<int64_t>(
      std::max<size_t>(round_up(bytes, kBufferAlignment), kBufferAlignment));
}

void count_bytes(int64_t change) {
  live[thread_number() % live.size()].bytes.fetch_add(change, std::memory_order_relaxed);
  if (change >= kNoticed) raise_peak();
}

}  // namespace

Buffer Buffer::allocate(DType dtype, std::vector<int64_t> shape) {
  Buffer buffer;
  buffer.dtype_ = dtype;
  buffer.shape_ = std::move(shape);
  const size_t bytes = buffer.bytes();
  buffer.memory_ = Blob::allocate(bytes, [](size_t released) { count_bytes(-counted(released)); });
  if (!buffer.memory_) {
    fail(ErrorCode::resource_exhausted, "cannot allocate {} for {}{}", format_bytes(bytes),
         name_of(dtype), Shape::of(buffer.shape_).to_string());
  }
  count_bytes(counted(bytes));
  return buffer;
}

Buffer Buffer::copy_of(const Literal& literal) {
  Buffer buffer = allocate(literal.dtype(), literal.shape());
  if (literal.bytes() > 0) std::memcpy(buffer.data(), literal.data(), literal.bytes());
  return buffer;
}

Buffer Buffer::of(const Literal& literal) {
  if (!literal.blob() || !literal.is_sealed()) return copy_of(literal);
  Buffer buffer;
  buffer.dtype_ = literal.dtype();
  buffer.shape_ = literal.shape();
  buffer.memory_ = literal.blob();
  return buffer;
}

Buffer Buffer::borrow(DType dtype, std::vector<int64_t> shape, void* data,
                      std::function<void()> release) {
  check_sizes(dtype, shape);
  if (data == nullptr && element_count(shape) > 0) {
    fail(ErrorCode::invalid_argument, "there is no memory for {}: the address is null",
         Type{dtype, Shape::of(shape)}.to_string());
  }
  Buffer buffer;
  buffer.dtype_ = dtype;
  buffer.shape_ = std::move(shape);
  buffer.memory_ = Blob::borrow(data, buffer.bytes(), std::move(release));
  return buffer;
}

Buffer Buffer::reshaped(std::vector<int64_t> shape) const {
  check(element_count(shape) == size(), "a buffer is viewed under a shape of equal size");
  Buffer view = *this;
  view.shape_ = std::move(shape);
  return view;
}

Buffer Buffer::copy() const {
  Buffer buffer = allocate(dtype_, shape_);
  if (bytes() > 0) std::memcpy(buffer.data(), data(), bytes());
  return buffer;
}

Literal Buffer::to_literal() const {
  if (bytes() > 0 && memory_->is_sealed()) return Literal::of_blob(dtype_, shape_, memory_);
  Literal literal = Literal::uninitialized(dtype_, shape_);
  if (literal.bytes() > 0) std::memcpy(literal.data(), data(), literal.bytes());
  return literal;
}

Literal Buffer::to_constant() const {
  if (bytes() > 0 && memory_->is_owned()) memory_->seal();
  const Literal literal = to_literal();
  return literal.seal();
}

BufferStatistics buffer_statistics() {
  raise_peak();
  return {live_bytes(), peak.load()};
}

void reset_peak_buffer_bytes() { peak.store(live_bytes()); }

}  // namespace tenon
