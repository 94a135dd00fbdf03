// Which evaluation computes a pending call, so that no other does it too. Private to tensor/.
#pragma once

#include "tenon/tensor/walk.h"

namespace tenon::detail {

/// The calls that this thread is computing. Threads that need one of them wait until it is done.
/// A thread that holds a claim never waits, and calls that run user code are not claimed, so there
/// are no deadlocks. A claim that cannot be taken is not an error: the call is computed twice.
class Claim {
 public:
  Claim();
  /// Releases the calls and wakes the threads that wait for them.
  ~Claim();
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

  /// False if another thread held one of the calls. That thread is now done, and the caller must
  /// collect the section again.
  bool take(const Section& section);

 private:
  struct Slot;
  struct Slots;
  static Slots& slots();
  static Slot& slot_of_thread();
  static bool is_held(uint64_t claim);
  void release();

  Slot* slot_ = nullptr;  // when it was needed
  bool nested_;           // within the user's function, which a claimed call may be waiting for
  bool holds_ = false;
  int refusals_ = 0;
};

/// Whether recomputing is cheaper than keeping the result: zeros, ranges, broadcast numbers.
bool is_generator(const PendingCall& call);

}  // namespace tenon::detail
