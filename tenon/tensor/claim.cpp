#include "tenon/tensor/claim.h"

#include <pthread.h>

#include <array>

#include "tenon/ops/known_op.h"

namespace tenon::detail {

/// One a thread that evaluates. A claim is the number of a slot and the sequence that it had: it
/// ends for all calls at once when the sequence goes on.
struct alignas(64) Claim::Slot {
  std::atomic<uint32_t> sequence = 0;
  std::atomic<uint32_t> waiting = 0;
  std::atomic<bool> taken = false;
};

struct Claim::Slots {
  static constexpr uint32_t kCount = 1024;  // of more threads, some claim nothing
  std::array<Slot, kCount> slots;
  std::atomic<bool> follows_forks = false;

  uint64_t claim_of(const Slot& slot) const {
    return uint64_t{static_cast<uint32_t>(&slot - slots.data()) + 1} << 32 |
           slot.sequence.load(std::memory_order_relaxed);
  }
  Slot& slot_of(uint64_t claim) { return slots[(claim >> 32) - 1]; }
};

Claim::Slots& Claim::slots() {
  static constinit Slots all;
  return all;
}

namespace {

thread_local int open_claims = 0;

/// Whether a call may run functions of the user: those may themselves evaluate, and wait for what
/// other threads hold.
bool may_run_user_code(const OpDef& op) {
  static constinit KnownOp custom_call("custom_call");
  return &op == &custom_call.get() || op.derivative_class == DerivativeClass::region;
}

}  // namespace

Claim::Slot& Claim::slot_of_thread() {
  struct Holder {
    Slot* slot = nullptr;
    Slot none;  // its claims are never written to calls
    Holder() {
      for (Slot& free : slots().slots) {
        if (free.taken.exchange(true)) continue;
        slot = &free;
        break;
      }
      if (!slot) slot = &none;
      // The threads that held claims are not there in a forked child.
      if (!slots().follows_forks.exchange(true)) {
        pthread_atfork(nullptr, nullptr, [] {
          for (Slot& each : slots().slots) each.sequence.fetch_add(1);
        });
      }
    }
    ~Holder() { slot->taken.store(false); }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
  };
  thread_local Holder holder;
  return *holder.slot;
}

Claim::Claim() : nested_(open_claims++ > 0) {}

Claim::~Claim() {
  --open_claims;
  if (holds_) release();
}

void Claim::release() {
  slot_->sequence.fetch_add(1);
  if (slot_->waiting.load() > 0) slot_->sequence.notify_all();
  holds_ = false;
}

bool Claim::is_held(uint64_t claim) {
  return claim != 0 && slots().slot_of(claim).sequence.load(std::memory_order_acquire) ==
                           static_cast<uint32_t>(claim);
}

bool Claim::take(const Section& section) {
  constexpr int kMaxRefusals = 8;  // then no more waiting
  if (nested_ || refusals_ == kMaxRefusals) return true;
  if (!slot_) slot_ = &slot_of_thread();
  bool claims = slot_->taken.load(std::memory_order_relaxed);
  for (const Section::Call& call : section.calls) claims = claims && !may_run_user_code(*call->op);
  const uint64_t mine = claims ? slots().claim_of(*slot_) : 0;
  for (const Section::Call& call : section.calls) {
    // These are not kept, so nobody finds them done.
    if (is_generator(*call)) continue;
    uint64_t other = call->claim.load(std::memory_order_acquire);
    if (!is_held(other)) {
      if (!claims) continue;
      holds_ = true;
      if (call->claim.compare_exchange_strong(other, mine, std::memory_order_acq_rel)) continue;
    }
    if (!is_held(other)) continue;  // it came and went
    if (holds_) release();
    ++refusals_;
    Slot& slot = slots().slot_of(other);
    ++slot.waiting;  // before it looks at the sequence, as the other looks here after changing that
    slot.sequence.wait(static_cast<uint32_t>(other));
    --slot.waiting;
    return false;
  }
  return true;
}

bool is_generator(const PendingCall& call) {
  for (const NodeRef& input : call.inputs) {
    if (!input->is_number) return false;
  }
  return true;
}

}  // namespace tenon::detail
