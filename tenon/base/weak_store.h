#pragma once

// A store of objects that are made once, shared, and freed with their last user.
//
//   static constinit MadeOnce<WeakStore<Table>> store;      // outlives the stored objects
//   std::shared_ptr<Table> found = tables.find(key);
//   if (!found) found = tables.add(key, std::make_shared<Table>(…), bytes);
//   tables.statistics().held;

#include <memory>
#include <mutex>
#include <unordered_map>

#include "tenon/base/cache_statistics.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/base/hash.h"

namespace tenon {

/// Thread-safe. Nothing is made or freed under its lock. It must outlive the objects it returns.
template <class T>
class WeakStore {
 public:
  /// Null if no user is left.
  std::shared_ptr<T> find(const Hash128& key) {
    const std::scoped_lock lock(mutex_);
    auto entry = entries_.find(key);
    if (entry == entries_.end()) return nullptr;
    std::shared_ptr<T> found = entry->second.value.lock();
    statistics_.hits += found ? 1 : 0;
    return found;
  }

  /// Adds `made` and returns it, or returns the object that another thread added before.
  std::shared_ptr<T> add(const Hash128& key, std::shared_ptr<T> made, size_t bytes) {
    T* const value = made.get();
    // Built before the lock is taken; if another thread was faster, it is freed afterwards.
    std::shared_ptr<T> held(value, Release{nullptr, key, bytes, 0, std::move(made)});
    const std::scoped_lock lock(mutex_);
    Entry& entry = entries_[key];
    if (std::shared_ptr<T> other = entry.value.lock()) {
      ++statistics_.hits;
      return other;
    }
    entry = {held, ++latest_};
    auto* const release = std::get_deleter<Release>(held);
    release->store = this;
    release->number = latest_;
    ++statistics_.made;
    ++statistics_.held;
    statistics_.bytes += static_cast<int64_t>(bytes);
    return held;
  }

  CacheStatistics statistics() const {
    const std::scoped_lock lock(mutex_);
    return statistics_;
  }

 private:
  struct Entry {
    std::weak_ptr<T> value;
    uint64_t number = 0;
  };

  struct Release {
    WeakStore* store;  // null if the value was not added
    Hash128 key;
    size_t bytes;
    uint64_t number;  // of the entry
    std::shared_ptr<T> value;

    void operator()(T*) {
      if (store != nullptr) store->forget(key, number, bytes);
      value.reset();
    }
  };

  /// Another value may have replaced the one that is being freed.
  void forget(const Hash128& key, uint64_t number, size_t bytes) {
    const std::scoped_lock lock(mutex_);
    auto entry = entries_.find(key);
    if (entry != entries_.end() && entry->second.number == number) entries_.erase(entry);
    --statistics_.held;
    ++statistics_.evicted;
    statistics_.bytes -= static_cast<int64_t>(bytes);
  }

  mutable ForkSafeMutex mutex_;
  std::unordered_map<Hash128, Entry> entries_;
  uint64_t latest_ = 0;
  CacheStatistics statistics_;
};

}  // namespace tenon
