#pragma once

//   given: void (*train_one_step)(); void (*save_checkpoint)();
//   InterruptScope scope;                      // Ctrl-C and SIGTERM now only ask to stop
//   while (!interrupted()) train_one_step();
//   save_checkpoint();

namespace tenon {

/// While one exists, the first SIGINT or SIGTERM sets the flag and a second one ends the process
/// at once. Afterwards the earlier handlers are restored, and the flag stays readable. The next
/// outermost scope clears the flag, so that a request to stop one piece of work does not affect the
/// next.
class InterruptScope {
 public:
  InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
  ~InterruptScope();
};

/// Whether a stop was requested. Costs one load.
bool interrupted();
void clear_interrupt();

}  // namespace tenon
