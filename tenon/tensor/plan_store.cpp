#include "tenon/tensor/plan_store.h"

#include <algorithm>

namespace tenon {

namespace detail {

namespace {

constexpr size_t kMaxPlansOfFamily = 64;
/// A family holds at least one plan with symbols, and is more than a plan to find again.
constexpr size_t kPlansAFamily = 2;

/// So that dropping is rare: an eighth goes at once.
size_t kept_of(size_t limit) { return limit - limit / 8; }

}  // namespace

PlanStore& PlanStore::shared() {
  // Never destroyed: threads may evaluate until the very end.
  static constinit MadeOnce<PlanStore> store;
  return store.get([] { return new PlanStore; });
}

/// In a child of fork: what threads of the parent were compiling for stays locked forever. Those
/// still have their handles, so that nothing half changed is taken down.
void PlanStore::forget_abandoned_families() {
  if (generation_ == fork_generation()) return;
  generation_ = fork_generation();
  std::erase_if(families_, [](const auto& entry) {
    return !std::unique_lock(entry.second->mutex, std::try_to_lock).owns_lock();
  });
}

PlanRef PlanStore::find(const Hash128& key) {
  Shard& shard = shard_of(key);
  std::scoped_lock lock(shard.mutex);
  auto found = shard.plans.find(key);
  if (found == shard.plans.end()) return nullptr;
  ++shard.hits;
  found->second->last_used.store(time_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  return found->second->plan;
}

std::shared_ptr<PlanFamily> PlanStore::family(const Hash128& key) {
  std::shared_ptr<PlanFamily> family;
  size_t count = 0;
  {
    std::scoped_lock lock(families_mutex_);
    forget_abandoned_families();
    std::shared_ptr<PlanFamily>& found = families_[key];
    if (!found) found = std::make_shared<PlanFamily>();
    found->last_used = time_.load();
    family = found;
    count = families_.size();
  }
  const size_t limit = std::max<size_t>(limit_ / kPlansAFamily, 1);
  if (count > limit) drop_oldest_families(limit);
  return family;
}

void PlanStore::drop_oldest_families(size_t limit) {
  std::vector<std::shared_ptr<PlanFamily>> dropped;
  std::scoped_lock lock(families_mutex_);
  std::vector<std::pair<uint64_t, Hash128>> ages;
  for (const auto& [key, family] : families_) ages.emplace_back(family->last_used, key);
  const size_t kept = std::max<size_t>(kept_of(limit), 1);
  if (ages.size() <= kept) return;
  const auto last = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() - kept);
  std::ranges::nth_element(ages, last);
  for (auto age = ages.begin(); age != last; ++age) {
    auto found = families_.find(age->second);
    dropped.push_back(std::move(found->second));
    families_.erase(found);
  }
}

void PlanStore::drop(const Hash128& key, Dropped& dropped) {
  Shard& shard = shard_of(key);
  std::scoped_lock lock(shard.mutex);
  auto found = shard.plans.find(key);
  if (found == shard.plans.end()) return;
  dropped.push_back(std::move(found->second));
  shard.plans.erase(found);
  --held_;
  ++evicted_;
}

void PlanStore::drop_oldest() {
  Dropped dropped;
  std::vector<std::pair<uint64_t, Hash128>> ages;
  for (Shard& shard : shards_) {
    std::scoped_lock lock(shard.mutex);
    for (const auto& [key, kept] : shard.plans) ages.emplace_back(kept->last_used, key);
  }
  const size_t kept = std::max<size_t>(kept_of(limit_), 1);
  if (ages.size() <= kept) return;
  const auto last = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() - kept);
  std::ranges::nth_element(ages, last);
  for (auto age = ages.begin(); age != last; ++age) drop(age->second, dropped);
}

void PlanStore::keep(const Hash128& key, PlanRef plan, PlanFamily& family) {
  auto made = std::make_shared<KeptPlan>();
  made->key = key;
  made->plan = std::move(plan);
  made->last_used = ++time_;
  Dropped dropped;
  std::erase_if(family.kept, [](const auto& kept) { return kept.expired(); });
  if (family.kept.size() >= kMaxPlansOfFamily) {
    std::shared_ptr<KeptPlan> oldest;
    for (const auto& kept : family.kept) {
      std::shared_ptr<KeptPlan> each = kept.lock();
      if (each && (!oldest || each->last_used < oldest->last_used)) oldest = std::move(each);
    }
    if (oldest) drop(oldest->key, dropped);
  }
  family.kept.push_back(made);
  {
    Shard& shard = shard_of(key);
    std::scoped_lock lock(shard.mutex);
    std::shared_ptr<KeptPlan>& place = shard.plans[key];
    if (!place) ++held_;
    place.swap(made);
  }
  if (held_ > limit_) drop_oldest();
}

PlanCacheStatistics PlanStore::statistics() {
  PlanCacheStatistics result;
  result.hits = served_;
  for (Shard& shard : shards_) {
    std::scoped_lock lock(shard.mutex);
    result.hits += shard.hits;
  }
  result.compilations = compilations_;
  result.evicted = evicted_;
  result.held = held_;
  result.limit = limit_;
  return result;
}

void PlanStore::set_limit(size_t plans) {
  limit_ = std::max<size_t>(plans, 1);
  if (held_ > limit_) drop_oldest();
}

void PlanStore::clear() {
  Dropped dropped;
  decltype(families_) families;
  {
    std::scoped_lock lock(families_mutex_);
    families.swap(families_);
  }
  for (Shard& shard : shards_) {
    std::scoped_lock lock(shard.mutex);
    for (auto& [key, kept] : shard.plans) dropped.push_back(std::move(kept));
    held_ -= shard.plans.size();
    evicted_ += shard.plans.size();
    shard.plans.clear();
  }
}

}  // namespace detail

PlanCacheStatistics plan_cache_statistics() { return detail::PlanStore::shared().statistics(); }
void set_plan_cache_limit(size_t plans) { detail::PlanStore::shared().set_limit(plans); }
void clear_plan_cache() { detail::PlanStore::shared().clear(); }

}  // namespace tenon
