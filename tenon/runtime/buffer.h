// Memory that holds one array: what executables read and write.
//
//   Buffer a = Buffer::allocate(DType::f32, {2, 3});
//   Buffer view = Buffer::borrow(DType::f32, {6}, pointer);   // the user's memory, not copied
//   a.as<float>()[0] = 1;
//   a.unique();                            // no other handle exists: it may be donated
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tenon/graph/literal.h"

namespace tenon {

/// Row-major and contiguous; copying a Buffer shares the memory.
class Buffer {
 public:
  Buffer() = default;
  /// Aligned to kBufferAlignment, not initialised. Throws Error(resource_exhausted).
  static Buffer allocate(DType dtype, std::vector<int64_t> shape);
  static Buffer copy_of(const Literal& literal);
  /// Shares the literal's memory if it is sealed, else copies.
  static Buffer of(const Literal& literal);
  /// A view of memory that the caller keeps alive, or that `release` frees with the last
  /// handle.
  static Buffer borrow(DType dtype, std::vector<int64_t> shape, void* data,
                       std::function<void()> release = {});

  explicit operator bool() const { return memory_ != nullptr; }
  DType dtype() const { return dtype_; }
  const std::vector<int64_t>& shape() const& { return shape_; }
  std::vector<int64_t> shape() && { return std::move(shape_); }
  int64_t size() const { return element_count(shape_); }
  size_t bytes() const { return static_cast<size_t>(size()) * size_of(dtype_); }
  /// Valid while a handle to the memory lives.
  void* data() const& { return memory_ ? memory_->data() : nullptr; }
  void* data() const&& = delete;
  template <class T>
  T* as() const& {
    return static_cast<T*>(data());
  }
  template <class T>
  T* as() const&& = delete;

  /// The same memory with another shape of equal size.
  Buffer reshaped(std::vector<int64_t> shape) const;
  /// A deep copy.
  Buffer copy() const;
  /// A copy, or this memory if it is sealed.
  Literal to_literal() const;
  /// Shares this memory and makes it read-only. Memory that Tenon does not own is copied, since its
  /// owner may change it.
  Literal to_constant() const;
  /// Whether this is the only handle to writable memory that Tenon owns.
  bool unique() const {
    return memory_ && memory_.use_count() == 1 && memory_->is_owned() && !memory_->is_sealed();
  }

 private:
  DType dtype_ = DType::f32;
  std::vector<int64_t> shape_;
  std::shared_ptr<Blob> memory_;
};

/// Bytes that all owned buffers hold now, and the most they held since the last reset.
struct BufferStatistics {
  int64_t live_bytes = 0;
  int64_t peak_bytes = 0;
};
BufferStatistics buffer_statistics();
void reset_peak_buffer_bytes();

}  // namespace tenon
