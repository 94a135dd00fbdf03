// A table from pointers to numbers, reused from walk to walk. Private to tensor/.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tenon::detail {

/// Open addressing; clearing is O(1), and small tables stay in the cache.
class PointerTable {
 public:
  void clear() {
    if (entries_.size() > kMaxKept) entries_ = {};
    if (entries_.empty()) entries_.resize(kFirst);
    count_ = 0;
    if (++stamp_ != 0) return;
    for (Entry& entry : entries_) entry.stamp = 0;
    stamp_ = 1;
  }

  /// The number of `key`; if it is new, inserts `value` and sets `added`.
  uint32_t& add(const void* key, uint32_t value, bool& added) {
    if (2 * (count_ + 1) > entries_.size()) grow();
    Entry& entry = entry_of(key);
    added = entry.stamp != stamp_;
    if (added) {
      entry = {key, stamp_, value};
      ++count_;
    }
    return entry.value;
  }

 private:
  struct Entry {
    const void* key = nullptr;
    uint32_t stamp = 0;
    uint32_t value = 0;
  };
  static constexpr size_t kFirst = 64, kMaxKept = size_t{1} << 14;

  Entry& entry_of(const void* key) {
    const size_t mask = entries_.size() - 1;
    const uint64_t mixed = reinterpret_cast<uintptr_t>(key) * 0x9E3779B97F4A7C15u;
    size_t at = mixed >> (64 - std::bit_width(mask));
    while (entries_[at].stamp == stamp_ && entries_[at].key != key) at = (at + 1) & mask;
    return entries_[at];
  }

  void grow() {
    std::vector<Entry> old(2 * entries_.size());
    old.swap(entries_);
    for (const Entry& entry : old) {
      if (entry.stamp == stamp_) entry_of(entry.key) = entry;
    }
  }

  std::vector<Entry> entries_;
  size_t count_ = 0;
  uint32_t stamp_ = 0;
};

}  // namespace tenon::detail
