#include "tenon/runtime/instance_table.h"

#include <algorithm>
#include <mutex>

namespace tenon {

namespace {

struct Counts {
  std::atomic<int64_t> hits = 0, made = 0, held = 0, evicted = 0;
};

Counts& counts() {
  static Counts counts;
  return counts;
}

}  // namespace

InstanceTable::~InstanceTable() { counts().held -= std::ssize(entries_); }

/// The entry that was used last is left alone: threads that all use it write no clock.
std::shared_ptr<const Instance> InstanceTable::used(const Entry& entry) const {
  if (entry.used != clock_) {
    entry.used = ++clock_;
    latest_ = &entry;
  }
  counts().hits.fetch_add(1, std::memory_order_relaxed);
  return entry.instance;
}

std::shared_ptr<const Instance> InstanceTable::find(const SymbolValues& symbols) const {
  const std::shared_lock lock(mutex_);
  auto found = entries_.find(symbols);
  return found == entries_.end() ? nullptr : used(found->second);
}

std::shared_ptr<const Instance> InstanceTable::add(const SymbolValues& symbols,
                                                   std::shared_ptr<const Instance> instance) {
  std::shared_ptr<const Instance> gone;  // freed after the lock is released
  const std::unique_lock lock(mutex_);
  auto [entry, fresh] = entries_.try_emplace(symbols);
  if (!fresh) return entry->second.instance;
  entry->second.instance = instance;
  entry->second.used = ++clock_;
  latest_ = &entry->second;
  ++counts().made;
  ++counts().held;
  if (entries_.size() > most_) gone = take_oldest();
  return instance;
}

std::shared_ptr<const Instance> InstanceTable::take_oldest() {
  auto oldest = std::ranges::min_element(
      entries_, {}, [](const auto& entry) { return entry.second.used.load(); });
  std::shared_ptr<const Instance> instance = std::move(oldest->second.instance);
  entries_.erase(oldest);
  --counts().held;
  ++counts().evicted;
  return instance;
}

CacheStatistics InstanceTable::statistics() {
  const Counts& c = counts();
  return {.hits = c.hits, .made = c.made, .held = c.held, .evicted = c.evicted};
}

}  // namespace tenon
