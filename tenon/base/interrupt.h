#pragma once

//   given: void (*train_one_step)(); void (*save_checkpoint)();
//   InterruptScope scope;                      // Ctrl-C and SIGTERM now only ask to stop
//   while (!interrupted()) train_one_step();
//   save_checkpoint();
//   throw_if_interrupted();                    // or end with an Error instead

namespace tenon {

/// While one exists, the first SIGINT or SIGTERM sets the flag and a second one ends the process
/// at once. The handlers from before come back afterwards.
class InterruptScope {
 public:
  InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
  ~InterruptScope();
};

/// Asked to stop? Costs one load.
bool interrupted();
/// The signal that asked, or 0.
int interrupting_signal();
/// As a signal would: for embedding programs and tests.
void request_interrupt();
void clear_interrupt();
/// Error with ErrorCode::interrupted if asked to stop.
void throw_if_interrupted();

}  // namespace tenon
