#pragma once

//   given: void (*train_one_step)(); void (*save_checkpoint)();
//   InterruptScope scope;                      // Ctrl-C and SIGTERM now only ask to stop
//   while (!interrupted()) train_one_step();
//   save_checkpoint();

namespace tenon {

/// While one exists, the first SIGINT or SIGTERM sets the flag and a second one ends the process
/// at once. The handlers from before come back afterwards, and the flag stays for whoever asks what
/// happened. The next scope that is not inside another begins without it: what was asked of one
/// piece of work is not asked of the next.
class InterruptScope {
 public:
  InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
  ~InterruptScope();
};

/// Asked to stop? Costs one load.
bool interrupted();
void clear_interrupt();

}  // namespace tenon
