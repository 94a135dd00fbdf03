#pragma once

// A bounded table that keeps the most recently used entries (LRU cache):
//
//   Recent<int, std::string> names(2);
//   names.insert(1, "one");
//   names.insert(2, "two");
//   names.find(1);               // "one", which is now the most recently used
//   names.insert(3, "three");    // drops 2

#include <cstddef>
#include <functional>
#include <list>
#include <unordered_map>
#include <utility>

namespace tenon {

/// Not thread-safe. A capacity of 0 keeps nothing.
template <class Key, class T, class Hash = std::hash<Key>>
class Recent {
 public:
  explicit Recent(size_t capacity) : capacity_(capacity) {}

  /// The entry, which is now the most recently used, or null.
  T* find(const Key& key) {
    auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }
  /// Adds or replaces an entry. Returns the entries that were dropped, so that a caller who holds a
  /// lock can free them later.
  std::list<std::pair<Key, T>> insert(const Key& key, T value) {
    if (T* known = find(key)) {
      *known = std::move(value);
    } else {
      entries_.emplace_front(key, std::move(value));
      places_.emplace(key, entries_.begin());
    }
    std::list<std::pair<Key, T>> gone;
    while (entries_.size() > capacity_) {
      places_.erase(entries_.back().first);
      gone.splice(gone.begin(), entries_, std::prev(entries_.end()));
    }
    return gone;
  }
  size_t size() const { return entries_.size(); }
  size_t capacity() const { return capacity_; }
  /// The most recently used first.
  const std::list<std::pair<Key, T>>& entries() const { return entries_; }

 private:
  size_t capacity_;
  std::list<std::pair<Key, T>> entries_;
  std::unordered_map<Key, typename std::list<std::pair<Key, T>>::iterator, Hash> places_;
};

}  // namespace tenon
