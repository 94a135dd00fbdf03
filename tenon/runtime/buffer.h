// Memory that holds one array: what executables read and write.
//
//   Buffer a = Buffer::allocate(DType::f32, {2, 3});
//   Buffer view = Buffer::borrow(DType::f32, {6}, pointer);   // the user's memory, not copied
//   a.as<float>()[0] = 1;
//   a.unique();                            // nobody else holds it: it may be donated
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
  /// The literal's own memory where it is sealed, else a copy.
  static Buffer of(const Literal& literal);
  /// A view onto memory that the caller keeps alive, or that `release` gives back when the last
  /// handle goes.
  static Buffer borrow(DType dtype, std::vector<int64_t> shape, void* data,
                       std::function<void()> release = {});

  explicit operator bool() const { return memory_ != nullptr; }
  DType dtype() const { return dtype_; }
  const std::vector<int64_t>& shape() const& { return shape_; }
  std::vector<int64_t> shape() && { return std::move(shape_); }
  int64_t size() const { return element_count(shape_); }
  size_t bytes() const { return static_cast<size_t>(size()) * size_of(dtype_); }
  /// Valid while a handle on the memory lives.
  void* data() const& { return memory_ ? memory_->data() : nullptr; }
  void* data() const&& = delete;
  template <class T>
  T* as() const& {
    return static_cast<T*>(data());
  }
  template <class T>
  T* as() const&& = delete;

  /// The same memory under another shape of equal size.
  Buffer reshaped(std::vector<int64_t> shape) const;
  /// In new memory.
  Buffer copy() const;
  /// In new memory, or this where it is sealed.
  Literal to_literal() const;
  /// In this memory, to which nobody may write any more. Memory that Tenon does not own is copied:
  /// who does may change it.
  Literal to_constant() const;
  /// Whether this is the only handle on memory that Tenon owns, and may write to.
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
