// The worker threads of parallel_for: one pool for the whole process. Private.
//
//   ThreadPool& pool = ThreadPool::of_process();
//   bool done = pool.run(4, function, context);     // false: another caller has the pool
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace tenon::detail {

constexpr int kMaxThreads = 128;

/// Serves one caller at a time. Callers do not wait for the pool, nor for a worker that has not
/// started: on a busy machine the caller does the work before the worker wakes up.
class ThreadPool {
 public:
  /// One thread's part of the shared work: 0 is the caller, which must be able to do everything
  /// alone. Does not throw.
  using Function = void (*)(void* context, int self);

  static ThreadPool& of_process();
  constexpr ThreadPool() = default;

  /// Calls the function here and, while that runs, on up to threads - 1 workers; returns when all
  /// of them are done. Returns false without calling it while another caller has the pool.
  bool run(int threads, Function function, void* context);

 private:
  using Clock = std::chrono::steady_clock;

  struct alignas(64) Helper {
    std::atomic<int> asleep{0};
  };
  /// How long waiting threads spin before they sleep: if the processor is free, and if others need
  /// it.
  struct Patience {
    Clock::duration alone, disturbed;
  };

  static Patience patience_of_environment();
  static void forget_helpers();

  int start_helpers(int wanted);
  void help(int self, uint32_t seen);
  void wake(Helper& helper);
  bool enter();
  void leave();
  template <class Ready>
  bool spin(Ready&& ready);

  static constexpr uint32_t kClosed = 1u << 31;  // set in inside_: no helper may begin

  alignas(64) std::atomic<bool> taken_{false};
  // Down to inside_: written by the caller that has the pool.
  bool is_prepared_ = false;
  Patience patience_{};
  int started_ = 0;  // helpers
  int threads_ = 0;
  Function function_ = nullptr;
  void* context_ = nullptr;
  alignas(64) std::atomic<uint32_t> inside_{kClosed};  // helpers that have begun and not ended
  alignas(64) std::atomic<uint32_t> generation_{0};    // counts runs
  std::atomic<Clock::rep> disturbed_until_{0};
  std::array<Helper, kMaxThreads> helpers_;  // 0 is unused: the caller
};

}  // namespace tenon::detail
