// Locks that a child of fork finds free, and what they protect in order, whatever the other threads
// of the parent were doing at that moment:
//
//   ForkSafeMutex mutex;                       // used as std::mutex, for a moment at a time
//   { const std::scoped_lock lock(mutex); }
//   { const ForkDelay delay; }                 // in a library with locks of its own: forks wait
//   const bool is_child = fork_generation() > 1;
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <type_traits>

namespace tenon {

namespace detail {

/// A lock in the list of those that fork takes.
class ForkSafeLock {
 public:
  ForkSafeLock(const ForkSafeLock&) = delete;
  ForkSafeLock& operator=(const ForkSafeLock&) = delete;

  virtual bool try_lock_for_fork() = 0;
  virtual void unlock_after_fork() = 0;
  virtual void free_in_child() = 0;

  ForkSafeLock* previous = nullptr;
  ForkSafeLock* next = nullptr;

 protected:
  ForkSafeLock() = default;
  ~ForkSafeLock() = default;
  /// From then on forks take it: once it is made as a whole.
  void join_list();
  void leave_list();
};

inline std::atomic<uint32_t> g_fork_generation{1};

}  // namespace detail

/// A std::mutex or std::shared_mutex that fork takes first and gives back in parent and child. It
/// costs no more than those; only making and destroying one does. Whoever holds it does not wait
/// for other threads, starts no ForkDelay and calls no code of the user. Others may be locked,
/// made and destroyed meanwhile. What is held while something is computed or compiled is a plain
/// mutex, which a child may find taken for ever: see fork_generation().
template <class Mutex>
class BasicForkSafeMutex final : public Mutex, private detail::ForkSafeLock {
 public:
  BasicForkSafeMutex() { join_list(); }
  ~BasicForkSafeMutex() { leave_list(); }

 private:
  static constexpr bool kIsShared = std::is_same_v<Mutex, std::shared_mutex>;

  /// Those who only read may go on: they leave nothing half changed.
  bool try_lock_for_fork() override {
    if constexpr (kIsShared) return this->try_lock_shared();
    return this->try_lock();
  }
  void unlock_after_fork() override {
    if constexpr (kIsShared) return this->unlock_shared();
    this->unlock();
  }
  /// Made anew: the system's shared lock knows its writer by a number that is another in the child.
  void free_in_child() override { new (static_cast<Mutex*>(this)) Mutex; }
};

using ForkSafeMutex = BasicForkSafeMutex<std::mutex>;
using ForkSafeSharedMutex = BasicForkSafeMutex<std::shared_mutex>;

/// While it lives, forks of other threads wait, and while one of those waits no new delay begins.
/// May be nested. Nobody waits for another thread in it or starts it with a ForkSafeMutex held.
class ForkDelay {
 public:
  ForkDelay();
  ~ForkDelay();
  ForkDelay(const ForkDelay&) = delete;
  ForkDelay& operator=(const ForkDelay&) = delete;
};

/// What a process has once: made when it is first asked for, and never destroyed. No child finds it
/// half made, as it may find a static variable of a function.
///
///   static constinit MadeOnce<Table> table;
///   return table.get([] { return new Table; });
template <class T>
class MadeOnce {
 public:
  template <class Make>
  T& get(Make&& make) {
    if (T* made = made_.load(std::memory_order_acquire)) return *made;
    const ForkDelay delay;
    const std::scoped_lock lock(mutex_);
    if (!made_.load(std::memory_order_relaxed)) made_.store(make(), std::memory_order_release);
    return *made_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<T*> made_ = nullptr;
  std::mutex mutex_;  // held within a ForkDelay only
};

/// 1, and one more in each child than in its parent, once the process has had a ForkSafeMutex or a
/// ForkDelay (everything that computes has). Of what was made in another generation, the
/// locks that are taken belong to threads that are not there: it is given up as it is.
inline uint32_t fork_generation() {
  return detail::g_fork_generation.load(std::memory_order_relaxed);
}

}  // namespace tenon
