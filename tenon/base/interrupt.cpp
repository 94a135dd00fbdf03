#include "tenon/base/interrupt.h"

#include <signal.h>

#include <array>
#include <atomic>

namespace tenon {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM};

std::atomic<int> g_signal{0};
std::atomic<int> g_scopes{0};
std::array<struct sigaction, kSignals.size()> g_before;

static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");

extern "C" void on_signal(int signal_number) {
  int none = 0;
  if (g_signal.compare_exchange_strong(none, signal_number)) return;
  // The second one: as if nobody had been listening.
  ::signal(signal_number, SIG_DFL);
  ::raise(signal_number);
}

}  // namespace

InterruptScope::InterruptScope() {
  if (g_scopes.fetch_add(1) > 0) return;
  clear_interrupt();
  struct sigaction action{};
  action.sa_handler = on_signal;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &g_before[i]);
}

InterruptScope::~InterruptScope() {
  if (g_scopes.fetch_sub(1) > 1) return;
  for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &g_before[i], nullptr);
}

bool interrupted() { return g_signal.load(std::memory_order_relaxed) != 0; }

void clear_interrupt() { g_signal.store(0); }

}  // namespace tenon
