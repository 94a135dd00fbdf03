// A program's instances by the values of its symbols: those that were used last.
//
//   InstanceTable table(64);
//   std::shared_ptr<const Bound> bound = table.find(symbols);
//   if (!bound) bound = table.add(symbols, std::make_shared<Bound>(program, symbols, options));
#pragma once

#include <atomic>
#include <map>
#include <memory>

#include "tenon/base/cache_statistics.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/graph/dim.h"

namespace tenon {

struct Bound;  // an instance, and what its executable knows of it

/// Thread-safe. Runs hold the instance they use, so that it may go from the table meanwhile.
class InstanceTable {
 public:
  explicit InstanceTable(size_t most) : most_(most) {}
  ~InstanceTable();
  InstanceTable(const InstanceTable&) = delete;
  InstanceTable& operator=(const InstanceTable&) = delete;

  /// Null where there is none. Readers do not wait for one another.
  std::shared_ptr<const Bound> find(const SymbolValues& symbols) const;
  /// What is found from now on: `bound`, or what another thread added before.
  std::shared_ptr<const Bound> add(const SymbolValues& symbols, std::shared_ptr<const Bound> bound);

  /// Of all tables.
  static CacheStatistics statistics();

 private:
  struct Entry {
    std::shared_ptr<const Bound> bound;
    mutable std::atomic<int64_t> used = 0;  // by the clock
  };
  void mark_used(const Entry& entry) const;
  std::shared_ptr<const Bound> take_oldest();

  const size_t most_;
  mutable ForkSafeSharedMutex mutex_;
  std::map<SymbolValues, Entry> entries_;
  mutable std::atomic<int64_t> clock_ = 0;
};

}  // namespace tenon
