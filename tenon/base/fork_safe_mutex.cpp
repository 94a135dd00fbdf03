#include "tenon/base/fork_safe_mutex.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace tenon {
namespace detail {
namespace {

#if defined(__SANITIZE_THREAD__)
#define TENON_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TENON_THREAD_SANITIZER 1
#endif
#endif
#ifdef TENON_THREAD_SANITIZER
/// It lets no thread hold more than 64 locks, and no such child compute.
constexpr bool kTakesLocks = false;
#else
constexpr bool kTakesLocks = true;
#endif

constexpr uint32_t kClosed = 1u << 31;  // set in g_delays: none may begin

// Need no code to begin with, and never end.
constinit std::mutex g_forking;                // the thread that forks
constinit std::mutex g_list;                   // of ForkSafeLocks; the last that a fork takes
constinit ForkSafeLock* g_first = nullptr;     // under g_list
constinit std::atomic<uint32_t> g_delays{0};   // threads with a ForkDelay
constinit std::atomic<bool> g_follows{false};  // the handlers are registered
thread_local int t_delays = 0;                 // how many of them this thread has

uint32_t own_delays() { return t_delays > 0 ? 1 : 0; }

void begin_delay() {
  uint32_t now = g_delays.load(std::memory_order_relaxed);
  for (;;) {
    if ((now & kClosed) != 0) {
      g_delays.wait(now);
      now = g_delays.load(std::memory_order_relaxed);
    } else if (g_delays.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) {
      return;
    }
  }
}

void end_delay() {
  if ((g_delays.fetch_sub(1, std::memory_order_acq_rel) & kClosed) != 0) g_delays.notify_all();
}

/// Waits for those that have begun.
void refuse_delays() {
  uint32_t now = g_delays.fetch_or(kClosed) | kClosed;
  for (; (now & ~kClosed) > own_delays(); now = g_delays.load()) g_delays.wait(now);
}

void allow_delays() {
  g_delays.fetch_and(~kClosed);
  g_delays.notify_all();
}

}  // namespace

class ForkHandlers {
 public:
  static void follow_forks() {
    static constinit std::once_flag once;  // one that a fork interrupted is done again in the child
    std::call_once(once, [] {
      if (!g_follows.exchange(true)) pthread_atfork(&before, &after_in_parent, &after_in_child);
    });
  }

  static void add(ForkSafeLock& lock) {
    const std::scoped_lock held(g_list);
    lock.next = g_first;
    if (g_first) g_first->previous = &lock;
    g_first = &lock;
  }

  static void remove(ForkSafeLock& lock) {
    const std::scoped_lock held(g_list);
    (lock.previous ? lock.previous->next : g_first) = lock.next;
    if (lock.next) lock.next->previous = lock.previous;
  }

 private:
  static void before() {
    g_forking.lock();
    for (;;) {
      refuse_delays();
      if (lock_all()) return;
      allow_delays();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  static void after_in_parent() {
    unlock_until(nullptr);
    allow_delays();
    g_forking.unlock();
  }

  static void after_in_child() {
    g_fork_generation.fetch_add(1);
    for (ForkSafeLock* lock = g_first; lock; lock = lock->next) lock->free_in_child();
    new (&g_list) std::mutex;
    g_delays.store(own_delays());
    new (&g_forking) std::mutex;
  }

  /// All or none, so that their order does not matter: whoever holds one may need others to go on.
  /// Gives up after some attempts.
  static bool lock_all() {
    using namespace std::chrono_literals;
    constexpr int kAttempts = 100;
    constexpr auto kLongestPause = 1000us;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      g_list.lock();
      ForkSafeLock* taken = try_lock_each();
      if (!taken) return true;
      unlock_until(taken);
      std::this_thread::sleep_for(std::min(attempt * 10us, kLongestPause));
    }
    return false;
  }

  /// Null, or the first that is taken.
  static ForkSafeLock* try_lock_each() {
    if (!kTakesLocks) return nullptr;
    ForkSafeLock* lock = g_first;
    while (lock && lock->try_lock_for_fork()) lock = lock->next;
    return lock;
  }

  static void unlock_until(const ForkSafeLock* end) {
    for (ForkSafeLock* lock = g_first; kTakesLocks && lock != end; lock = lock->next)
      lock->unlock_after_fork();
    g_list.unlock();
  }
};

void ForkSafeLock::join_list() {
  ForkHandlers::follow_forks();
  ForkHandlers::add(*this);
}

void ForkSafeLock::leave_list() { ForkHandlers::remove(*this); }

}  // namespace detail

ForkDelay::ForkDelay() {
  detail::ForkHandlers::follow_forks();
  if (detail::t_delays++ == 0) detail::begin_delay();
}

ForkDelay::~ForkDelay() {
  if (--detail::t_delays == 0) detail::end_delay();
}

}  // namespace tenon
