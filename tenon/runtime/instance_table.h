// A program's most recently used instances, by the values of its symbols.
//
//   InstanceTable table(64);
//   std::shared_ptr<const Instance> instance = table.latest_if(takes_these_shapes);
//   if (!instance) instance = table.find(symbols);
//   if (!instance) instance = table.add(symbols, std::make_shared<Instance>(program, symbols, …));
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <shared_mutex>

#include "tenon/base/cache_statistics.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/graph/dim.h"

namespace tenon {

class Instance;

/// Thread-safe. Runs hold the instance they use, so it may be dropped from the table meanwhile.
class InstanceTable {
 public:
  explicit InstanceTable(size_t most) : most_(most) {}
  ~InstanceTable();
  InstanceTable(const InstanceTable&) = delete;
  InstanceTable& operator=(const InstanceTable&) = delete;

  /// The most recently used one if `fits(instance)`, else null.
  template <class Fits>
  std::shared_ptr<const Instance> latest_if(Fits&& fits) const {
    const std::shared_lock lock(mutex_);
    const Entry* latest = latest_.load(std::memory_order_relaxed);
    if (latest == nullptr || !fits(*latest->instance)) return nullptr;
    return used(*latest);
  }
  /// Null if there is none. Readers do not wait for one another.
  std::shared_ptr<const Instance> find(const SymbolValues& symbols) const;
  /// Adds `instance` and returns it, or returns the one that another thread added before.
  std::shared_ptr<const Instance> add(const SymbolValues& symbols,
                                      std::shared_ptr<const Instance> instance);

  /// Of all tables.
  static CacheStatistics statistics();

 private:
  struct Entry {
    std::shared_ptr<const Instance> instance;
    mutable std::atomic<int64_t> used = 0;  // by the clock
  };
  std::shared_ptr<const Instance> used(const Entry& entry) const;
  std::shared_ptr<const Instance> take_oldest();

  const size_t most_;
  mutable ForkSafeSharedMutex mutex_;
  std::map<SymbolValues, Entry> entries_;
  mutable std::atomic<const Entry*> latest_ = nullptr;
  mutable std::atomic<int64_t> clock_ = 0;
};

}  // namespace tenon
