// Which evaluation computes a pending call, so that no other does it too. Private to tensor/.
#pragma once

#include "tenon/tensor/walk.h"

namespace tenon::detail {

/// The calls that this thread is computing. Threads that want one of them wait until it is done.
/// Nobody waits while he holds a claim, and calls that run the user's code are not claimed: so
/// there are no circles. A claim that cannot be had is no error: the call is computed twice.
class Claim {
 public:
  Claim();
  /// Gives up the calls and wakes who waits for them.
  ~Claim();
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

  /// False where another thread held one of the calls: it is done with them now, and the section is
  /// to be collected again.
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

/// Whether it is cheaper to compute again than to keep: zeros, ranges, broadcast numbers.
bool is_generator(const PendingCall& call);

}  // namespace tenon::detail
