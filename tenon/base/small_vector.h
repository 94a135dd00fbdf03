#pragma once

//   SmallVector<int, 4> sizes{1, 2, 3};            // no memory from the heap up to 4
//   sizes.push_back(4);
//   sizes.insert(sizes.begin(), 0);                // now it is on the heap
//   std::vector<int> list = sizes;                 // and back: SmallVector<int, 4>(list)

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace tenon {

/// A vector whose first `inline_size` elements lie in itself: for the short lists that nodes and
/// types are made of, of which a program has hundreds of thousands. Moving one moves the elements
/// that lie in it. At most 2^32 - 1 elements.
template <class T, uint32_t inline_size>
class SmallVector {
 public:
  using value_type = T;
  using size_type = size_t;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using const_reference = const T&;
  using iterator = T*;
  using const_iterator = const T*;

  SmallVector() noexcept {}
  SmallVector(std::initializer_list<T> elements) : SmallVector(elements.begin(), elements.end()) {}
  template <std::forward_iterator Iterator>
  SmallVector(Iterator first, Iterator last) {
    reserve(static_cast<size_t>(std::distance(first, last)));
    for (; first != last; ++first) push_back(T(*first));
  }
  SmallVector(const std::vector<T>& elements) : SmallVector(elements.begin(), elements.end()) {}
  SmallVector(const SmallVector& other) : SmallVector(other.begin(), other.end()) {}
  SmallVector(SmallVector&& other) noexcept { take(other); }
  SmallVector& operator=(const SmallVector& other) {
    if (this != &other) *this = SmallVector(other);
    return *this;
  }
  SmallVector& operator=(SmallVector&& other) noexcept {
    if (this == &other) return *this;
    release();
    take(other);
    return *this;
  }
  ~SmallVector() { release(); }
  operator std::vector<T>() const { return std::vector<T>(begin(), end()); }

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  T* data() { return is_inline() ? inline_ : heap_; }
  const T* data() const { return is_inline() ? inline_ : heap_; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  T& front() { return data()[0]; }
  const T& front() const { return data()[0]; }
  T& back() { return data()[size_ - 1]; }
  const T& back() const { return data()[size_ - 1]; }

  void reserve(size_t size) {
    if (size > capacity_) grow(static_cast<uint32_t>(size));
  }
  void push_back(T element) {
    if (size_ == capacity_) grow(2 * capacity_);
    std::construct_at(data() + size_, std::move(element));
    ++size_;
  }
  template <class... Arguments>
  T& emplace_back(Arguments&&... arguments) {
    push_back(T(std::forward<Arguments>(arguments)...));
    return back();
  }
  T* insert(const T* at, T element) {
    const std::ptrdiff_t place = at - begin();
    push_back(std::move(element));
    std::rotate(begin() + place, end() - 1, end());
    return begin() + place;
  }
  T* erase(const T* at) {
    T* const place = begin() + (at - begin());
    std::move(place + 1, end(), place);
    std::destroy_at(end() - 1);
    --size_;
    return place;
  }
  void clear() {
    std::destroy(begin(), end());
    size_ = 0;
  }

  friend bool operator==(const SmallVector& a, const SmallVector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }
  friend bool operator==(const SmallVector& a, const std::vector<T>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  bool is_inline() const { return capacity_ == inline_size; }

  void grow(uint32_t capacity) {
    T* const larger = std::allocator<T>().allocate(capacity);
    std::uninitialized_move(begin(), end(), larger);
    const uint32_t size = size_;
    release();
    heap_ = larger;
    size_ = size;
    capacity_ = capacity;
  }
  void release() noexcept {
    std::destroy(begin(), end());
    if (!is_inline()) std::allocator<T>().deallocate(heap_, capacity_);
    size_ = 0;
    capacity_ = inline_size;
  }
  /// Of a vector that is empty and inline; `other` becomes so.
  void take(SmallVector& other) noexcept {
    if (other.is_inline()) {
      std::uninitialized_move(other.begin(), other.end(), inline_);
      std::destroy(other.begin(), other.end());
    } else {
      heap_ = other.heap_;
    }
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, inline_size);
  }

  uint32_t size_ = 0;
  uint32_t capacity_ = inline_size;  // more than inline_size: on the heap
  union {
    T inline_[inline_size];
    T* heap_;
  };
};

}  // namespace tenon
