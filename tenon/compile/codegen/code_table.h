#pragma once

// The machine code of a process by key. Code belongs to the plans that use it and is freed with the
// last of them; recently requested code stays for plans that are made again soon:
//
//   CodeTable<KernelFunction> code(512);
//   std::shared_ptr<KernelFunction> kernel = code.find(key);     // or null
//   if (!kernel) kernel = code.add(key, linked, object.size());

#include <algorithm>
#include <atomic>
#include <memory>
#include <unordered_map>

#include "tenon/base/cache_statistics.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/base/hash.h"
#include "tenon/base/recent.h"

namespace tenon {

/// Thread-safe. The returned code may outlive the table.
template <class Code>
class CodeTable {
 public:
  /// `recent`: how many pieces of code stay without other users.
  explicit CodeTable(size_t recent) : recent_(recent) {}

  std::shared_ptr<Code> find(const Hash128& key) {
    Gone gone;  // code is freed after the lock is released
    const std::scoped_lock lock(mutex_);
    std::shared_ptr<Code> code = locked_find(key);
    if (!code) return nullptr;
    ++hits_;
    gone = recent_.insert(key, code);
    return code;
  }

  /// Adds `code` and returns it, or returns the code that another thread added before.
  std::shared_ptr<Code> add(const Hash128& key, std::shared_ptr<Code> code, int64_t bytes) {
    Gone gone;
    const std::scoped_lock lock(mutex_);
    if (std::shared_ptr<Code> known = locked_find(key)) return known;
    ++held_->made;
    held_->bytes += bytes;
    Code* address = code.get();
    std::shared_ptr<Code> counted(address, [code = std::move(code), held = held_, bytes](Code*) {
      ++held->freed;
      held->bytes -= bytes;
    });
    codes_[key] = counted;
    gone = recent_.insert(key, counted);
    forget_freed();
    return counted;
  }

  CacheStatistics statistics() const {
    const int64_t made = held_->made, freed = held_->freed;
    return {
        .hits = hits_, .made = made, .held = made - freed, .evicted = freed, .bytes = held_->bytes};
  }

 private:
  using Gone = std::list<std::pair<Hash128, std::shared_ptr<Code>>>;
  struct Held {
    std::atomic<int64_t> made = 0, freed = 0, bytes = 0;
  };

  std::shared_ptr<Code> locked_find(const Hash128& key) const {
    auto found = codes_.find(key);
    return found == codes_.end() ? nullptr : found->second.lock();
  }

  /// Removes keys of freed code when the number of keys has doubled since the last time.
  void forget_freed() {
    constexpr size_t kFewest = 256;
    if (codes_.size() < most_keys_) return;
    std::erase_if(codes_, [](const auto& entry) { return entry.second.expired(); });
    most_keys_ = std::max(kFewest, 2 * codes_.size());
  }

  ForkSafeMutex mutex_;
  std::unordered_map<Hash128, std::weak_ptr<Code>> codes_;
  Recent<Hash128, std::shared_ptr<Code>> recent_;
  size_t most_keys_ = 0;
  std::shared_ptr<Held> held_ = std::make_shared<Held>();
  std::atomic<int64_t> hits_ = 0;
};

}  // namespace tenon
