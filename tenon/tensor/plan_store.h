// All plans of the process, by structure. Private to tensor/; plan_cache.h is its public side.
#pragma once

#include <array>
#include <atomic>
#include <unordered_map>

#include "tenon/base/fork_safe_mutex.h"
#include "tenon/tensor/plan_cache.h"
#include "tenon/tensor/plan_family.h"

namespace tenon::detail {

struct KeptPlan {
  Hash128 key;
  PlanRef plan;
  std::atomic<uint64_t> last_used = 0;
};

/// Bounded: the least recently used plans are dropped. Thread-safe; threads with different programs
/// rarely contend for a lock, and none is held while anything is compiled, run or freed.
class PlanStore {
 public:
  static PlanStore& shared();

  PlanRef find(const Hash128& key);
  std::shared_ptr<PlanFamily> family(const Hash128& key);
  /// Call under the family's mutex. A family has a limit, so that one program with many sizes does
  /// not evict the plans of others.
  void keep(const Hash128& key, PlanRef plan, PlanFamily& family);
  /// For one evaluation whose plan was not found: 0 if a plan of its family served it.
  void count_compilations(uint64_t count) {
    compilations_ += count;
    if (count == 0) ++served_;
  }

  PlanCacheStatistics statistics();
  void set_limit(size_t plans);
  void clear();

 private:
  PlanStore() = default;

  struct alignas(64) Shard {
    ForkSafeMutex mutex;
    std::unordered_map<Hash128, std::shared_ptr<KeptPlan>> plans;
    uint64_t hits = 0;
  };
  using Dropped = std::vector<std::shared_ptr<KeptPlan>>;  // freed when no lock is held

  Shard& shard_of(const Hash128& key) { return shards_[key.high % shards_.size()]; }
  void drop(const Hash128& key, Dropped& dropped);
  void drop_oldest();
  void drop_oldest_families(size_t limit);
  void forget_abandoned_families();

  std::array<Shard, 16> shards_;
  ForkSafeMutex families_mutex_;
  std::unordered_map<Hash128, std::shared_ptr<PlanFamily>> families_;
  uint32_t generation_ = fork_generation();  // that families_ belong to
  /// Advances with every new plan; orders plans by their last use.
  std::atomic<uint64_t> time_ = 1;
  std::atomic<size_t> held_ = 0;
  std::atomic<size_t> limit_ = 1024;
  std::atomic<uint64_t> served_ = 0, compilations_ = 0, evicted_ = 0;
};

}  // namespace tenon::detail
