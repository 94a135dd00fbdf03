#include "tenon/base/thread_pool.h"

#include <pthread.h>
#include <signal.h>
#include <strings.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <thread>

namespace tenon::detail {
namespace {

using namespace std::chrono_literals;

/// Between two looks at the clock a spinning thread does about a microsecond of work: where more
/// has passed, the system gave its processor to somebody else.
constexpr auto kLostProcessor = 100us;
/// For so long after that threads spin only briefly.
constexpr auto kDisturbed = 50ms;

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// What is started meanwhile leaves signals to the threads of the program.
class WithoutSignals {
 public:
  WithoutSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

namespace {
// Needs no code to begin with, so that no child of fork can find it half made; and never ends,
// since its threads wait in it until the process does.
constinit ThreadPool g_pool;
}  // namespace

ThreadPool& ThreadPool::of_process() { return g_pool; }

ThreadPool::Patience ThreadPool::patience_of_environment() {
  const char* const policy = std::getenv("OMP_WAIT_POLICY");
  if (policy != nullptr && ::strcasecmp(policy, "passive") == 0) return {0s, 0s};
  if (policy != nullptr && ::strcasecmp(policy, "active") == 0) return {1s, 1s};
  return {1ms, 50us};
}

/// A child of fork has the thread that forked and no other; new helpers come when they are needed.
void ThreadPool::forget_helpers() {
  g_pool.started_ = 0;
  for (Helper& helper : g_pool.helpers_) helper.asleep.store(0);
  g_pool.inside_.store(kClosed);
  g_pool.taken_.store(false);
}

bool ThreadPool::run(int threads, Function function, void* context) {
  if (taken_.load(std::memory_order_relaxed) || taken_.exchange(true, std::memory_order_acquire))
    return false;
  threads_ = std::min(threads, start_helpers(threads - 1) + 1);
  function_ = function;
  context_ = context;
  inside_.store(0, std::memory_order_release);
  generation_.fetch_add(1);
  for (int self = 1; self < threads_; ++self) wake(helpers_[static_cast<size_t>(self)]);
  function(context, 0);

  inside_.fetch_or(kClosed, std::memory_order_acq_rel);
  const auto all_left = [&] { return inside_.load(std::memory_order_acquire) == kClosed; };
  if (!all_left() && !spin(all_left)) {
    for (uint32_t now = inside_.load(); now != kClosed; now = inside_.load()) inside_.wait(now);
  }
  taken_.store(false, std::memory_order_release);
  return true;
}

/// Returns how many there are; fewer than wanted where the system gives no more.
int ThreadPool::start_helpers(int wanted) {
  if (started_ >= wanted) return started_;
  if (!is_prepared_) {
    is_prepared_ = true;
    patience_ = patience_of_environment();
    pthread_atfork(nullptr, nullptr, &ThreadPool::forget_helpers);
  }
  const WithoutSignals quiet;
  try {
    for (; started_ < wanted; ++started_) {
      std::thread(&ThreadPool::help, this, started_ + 1, generation_.load()).detach();
    }
  } catch (const std::system_error&) {  // those that came have to do
  }
  return started_;
}

void ThreadPool::help(int self, uint32_t seen) {
  Helper& own = helpers_[static_cast<size_t>(self)];
  const auto is_new = [&] { return generation_.load() != seen; };
  for (;;) {
    if (!spin(is_new)) {
      for (own.asleep.store(1); !is_new(); own.asleep.store(1)) own.asleep.wait(1);
      own.asleep.store(0);
    }
    seen = generation_.load();
    if (!enter()) continue;
    if (self < threads_) function_(context_, self);
    leave();
  }
}

void ThreadPool::wake(Helper& helper) {
  if (helper.asleep.load() == 0) return;
  helper.asleep.store(0);
  helper.asleep.notify_one();
}

bool ThreadPool::enter() {
  uint32_t now = inside_.load(std::memory_order_relaxed);
  while ((now & kClosed) == 0) {
    if (inside_.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) return true;
  }
  return false;
}

void ThreadPool::leave() {
  if (inside_.fetch_sub(1, std::memory_order_acq_rel) == kClosed + 1) inside_.notify_one();
}

/// True once ready() is; false when it is time to sleep.
template <class Ready>
bool ThreadPool::spin(Ready&& ready) {
  if (patience_.alone == Clock::duration::zero()) return ready();
  const Clock::time_point start = Clock::now();
  const bool disturbed = start.time_since_epoch().count() < disturbed_until_.load();
  const Clock::duration limit = disturbed ? patience_.disturbed : patience_.alone;
  for (Clock::time_point last = start, now = start; now - start < limit; last = now) {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      pause_briefly();
    }
    now = Clock::now();
    if (now - last < kLostProcessor) continue;
    disturbed_until_.store((now + kDisturbed).time_since_epoch().count());
    if (patience_.disturbed < patience_.alone) return ready();
  }
  return ready();
}

}  // namespace tenon::detail
