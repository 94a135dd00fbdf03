// Memory for the intermediates of runs, kept between them and shared by all plans of the process.
//
//   ArenaPool::Lease arena = shared_arenas().take(instance.arena_bytes());
//   instance.run(inputs, outputs, arena.data());
#pragma once

#include <vector>

#include "tenon/base/cache_statistics.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/runtime/buffer.h"

namespace tenon {

/// Plans that run one after the other share one block; concurrent runs take one each. Only a few
/// idle blocks are kept, and blocks unused for a long time are freed. Thread-safe.
class ArenaPool {
 public:
  class Lease {
   public:
    Lease(ArenaPool& pool, Buffer buffer) : pool_(pool), buffer_(std::move(buffer)) {}
    ~Lease() { pool_.give_back(std::move(buffer_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    std::byte* data() const { return buffer_.as<std::byte>(); }

   private:
    ArenaPool& pool_;
    Buffer buffer_;
  };

  Lease take(int64_t bytes);
  /// Frees the idle blocks.
  void release();
  CacheStatistics statistics() const;

  static constexpr size_t kMostIdle = 64;
  static constexpr int64_t kPatience = 4096;  // runs

 private:
  struct Idle {
    Buffer buffer;
    int64_t since;  // by the count of runs
  };
  void give_back(Buffer buffer);

  mutable ForkSafeMutex mutex_;
  std::vector<Idle> idle_;  // by size
  int64_t runs_ = 0;
  CacheStatistics counts_;
};

/// One per process.
ArenaPool& shared_arenas();

}  // namespace tenon
