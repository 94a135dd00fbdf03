#include "tenon/runtime/arena_pool.h"

#include <algorithm>

namespace tenon {

ArenaPool::Lease ArenaPool::take(int64_t bytes) {
  if (bytes == 0) return {*this, Buffer()};
  Buffer buffer;
  Buffer replaced;  // freed after the lock is released
  {
    const std::lock_guard lock(mutex_);
    ++runs_;
    auto best = std::ranges::lower_bound(idle_, bytes, {},
                                         [](const Idle& idle) { return idle.buffer.size(); });
    if (best != idle_.end()) {
      ++counts_.hits;
      buffer = std::move(best->buffer);
      idle_.erase(best);
      return {*this, std::move(buffer)};
    }
    // A larger one replaces the largest that waits, so that growing plans do not leave a trail of
    // blocks.
    if (!idle_.empty()) {
      replaced = std::move(idle_.back().buffer);
      idle_.pop_back();
      ++counts_.evicted;
    }
    ++counts_.made;
  }
  replaced = Buffer();
  return {*this, Buffer::allocate(DType::u8, {bytes})};
}

void ArenaPool::give_back(Buffer buffer) {
  if (!buffer) return;
  std::vector<Idle> gone;  // freed after the lock is released
  const std::lock_guard lock(mutex_);
  // In front of those of equal size: the next run takes what is still in the cache.
  auto at = std::ranges::lower_bound(idle_, buffer.size(), {},
                                     [](const Idle& idle) { return idle.buffer.size(); });
  idle_.insert(at, {std::move(buffer), runs_});
  auto waited = [&](const Idle& idle) { return runs_ - idle.since > kPatience; };
  auto oldest = std::ranges::min_element(idle_, {}, &Idle::since);
  if (idle_.size() > kMostIdle || waited(*oldest)) {
    ++counts_.evicted;
    gone.push_back(std::move(*oldest));
    idle_.erase(oldest);
  }
}

void ArenaPool::release() {
  std::vector<Idle> gone;
  const std::lock_guard lock(mutex_);
  gone.swap(idle_);
  counts_.evicted += std::ssize(gone);
}

CacheStatistics ArenaPool::statistics() const {
  const std::lock_guard lock(mutex_);
  CacheStatistics statistics = counts_;
  statistics.held = std::ssize(idle_);
  for (const Idle& idle : idle_) statistics.bytes += static_cast<int64_t>(idle.buffer.bytes());
  return statistics;
}

ArenaPool& shared_arenas() {
  static constinit MadeOnce<ArenaPool> arenas;
  return arenas.get([] { return new ArenaPool; });
}

}  // namespace tenon
