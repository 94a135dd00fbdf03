#pragma once

//   StableVector<std::string> names;
//   const std::string& first = names.push_back("encoder");
//   for (int i = 0; i < 1000; ++i) names.push_back(std::to_string(i));
//   bool same = &first == &names[0];               // true: elements stay where they are

#include <bit>
#include <cstddef>
#include <utility>
#include <vector>

namespace tenon {

/// A vector whose elements stay where they are while it grows, and are found by two steps: blocks
/// each twice as large as the one before. Little for a few elements, few allocations for many.
template <class T>
class StableVector {
 public:
  StableVector() = default;
  StableVector(const StableVector& other) {
    blocks_.reserve(other.blocks_.size());
    for (const std::vector<T>& block : other.blocks_) {
      blocks_.emplace_back().reserve(kFirst << (blocks_.size() - 1));
      blocks_.back().insert(blocks_.back().end(), block.begin(), block.end());
    }
    size_ = other.size_;
  }
  StableVector(StableVector&& other) noexcept
      : blocks_(std::move(other.blocks_)), size_(std::exchange(other.size_, 0)) {}
  StableVector& operator=(StableVector other) noexcept {
    blocks_.swap(other.blocks_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~StableVector() = default;

  size_t size() const { return size_; }
  T& operator[](size_t i) { return blocks_[block_of(i)][place_of(i)]; }
  const T& operator[](size_t i) const { return blocks_[block_of(i)][place_of(i)]; }

  T& push_back(T element) {
    const size_t block = block_of(size_);
    if (block == blocks_.size()) blocks_.emplace_back().reserve(kFirst << block);
    blocks_[block].push_back(std::move(element));
    ++size_;
    return blocks_[block].back();
  }

 private:
  static constexpr size_t kFirst = 4;  // elements of the first block
  static size_t block_of(size_t i) {
    return static_cast<size_t>(std::bit_width(i + kFirst) - std::bit_width(kFirst));
  }
  static size_t place_of(size_t i) { return i + kFirst - (kFirst << block_of(i)); }

  std::vector<std::vector<T>> blocks_;
  size_t size_ = 0;
};

}  // namespace tenon
