// Locks that are free in a child of fork, with the data they protect consistent, whatever the other
// threads of the parent were doing at that moment:
//
//   ForkSafeMutex mutex;                       // used like std::mutex, held only briefly
//   { const std::scoped_lock lock(mutex); }
//   { const ForkDelay delay; }                 // around a library with its own locks: forks wait
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

/// A lock in the list of locks that fork takes.
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
  /// From now on forks take it. Call it when the object is fully constructed.
  void join_list();
  void leave_list();
};

inline std::atomic<uint32_t> g_fork_generation{1};

}  // namespace detail

/// A std::mutex or std::shared_mutex that fork acquires first and releases in parent and child.
/// Locking costs the same; only construction and destruction cost more. A thread that holds it must
/// not wait for other threads, start a ForkDelay or call user code. It may lock, make and destroy
/// other ForkSafeMutexes. Locks held while something is computed or compiled are plain mutexes,
/// which may stay locked forever in a child: see fork_generation().
template <class Mutex>
class BasicForkSafeMutex final : public Mutex, private detail::ForkSafeLock {
 public:
  BasicForkSafeMutex() { join_list(); }
  ~BasicForkSafeMutex() { leave_list(); }

 private:
  static constexpr bool kIsShared = std::is_same_v<Mutex, std::shared_mutex>;

  /// Readers may continue: they leave nothing half changed.
  bool try_lock_for_fork() override {
    if constexpr (kIsShared) return this->try_lock_shared();
    return this->try_lock();
  }
  void unlock_after_fork() override {
    if constexpr (kIsShared) return this->unlock_shared();
    this->unlock();
  }
  /// Constructed anew: the shared lock stores its writer's thread id, which differs in the child.
  void free_in_child() override { new (static_cast<Mutex*>(this)) Mutex; }
};

using ForkSafeMutex = BasicForkSafeMutex<std::mutex>;
using ForkSafeSharedMutex = BasicForkSafeMutex<std::shared_mutex>;

/// While it lives, forks of other threads wait; while a fork waits, no new delay begins. May be
/// nested. Do not wait for another thread inside it, nor start it with a ForkSafeMutex held.
class ForkDelay {
 public:
  ForkDelay();
  ~ForkDelay();
  ForkDelay(const ForkDelay&) = delete;
  ForkDelay& operator=(const ForkDelay&) = delete;
};

/// An object that a process has once, created on first use and never destroyed. Unlike a static
/// variable of a function, it is never half constructed in a child of fork.
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
/// ForkDelay (every process that computes has). Locks from another generation that are taken belong
/// to threads that do not exist here: abandon the objects they protect.
inline uint32_t fork_generation() {
  return detail::g_fork_generation.load(std::memory_order_relaxed);
}

}  // namespace tenon
