#pragma once

//   InlineArray<void*, 32> table(inputs.size());
//   InlineArray<size_t, 8> squares(n, [](size_t i) { return i * i; });

#include <array>
#include <cstddef>
#include <memory>

namespace tenon {

/// An array whose size is fixed at construction: on the stack up to `inline_size` elements, else on
/// the heap. For temporary tables on paths that should not allocate. It neither moves nor grows.
template <class T, size_t inline_size>
class InlineArray {
 public:
  /// Default-initialised elements: pointers and numbers are not initialised.
  explicit InlineArray(size_t size)
      : size_(size),
        heap_(size > inline_size ? std::make_unique_for_overwrite<T[]>(size) : nullptr) {}
  /// Element i is element(i).
  template <class Function>
  InlineArray(size_t size, Function&& element) : InlineArray(size) {
    for (size_t i = 0; i < size; ++i) data()[i] = element(i);
  }
  InlineArray(const InlineArray&) = delete;
  InlineArray& operator=(const InlineArray&) = delete;

  size_t size() const { return size_; }
  T* data() { return heap_ ? heap_.get() : inline_.data(); }
  const T* data() const { return heap_ ? heap_.get() : inline_.data(); }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

 private:
  size_t size_;
  std::unique_ptr<T[]> heap_;
  std::array<T, inline_size> inline_;
};

}  // namespace tenon
