#pragma once

//   Progress progress("epoch 1/5", 938, {.unit = "images", .units_per_step = 64});
//   for (int64_t step = 1; step <= 938; ++step) progress.update(step, "loss 0.512");
//   progress.finish("loss 0.401  accuracy 0.861");
//   // epoch 1/5  ━━━━━━━━━━━━━━━━  938/938  loss 0.401  accuracy 0.861  41,900 images/s

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

namespace tenon {

struct ProgressOptions {
  std::string unit = "steps";
  double units_per_step = 1;
  /// 1: a bar that is redrawn; 0: plain lines; -1: depends on whether `output` is a terminal.
  int terminal = -1;
  std::FILE* output = stderr;
  /// Seconds between two plain lines.
  double line_interval = 10;
  /// Seconds, for tests; the default is a monotonic clock.
  std::function<double()> clock;
};

/// A progress bar. On a terminal it is redrawn in place at most ten times per second; elsewhere it
/// prints plain lines occasionally. update() is cheap enough for every step.
class Progress {
 public:
  Progress(std::string label, int64_t total, ProgressOptions options = {});
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Ends the line if finish() was not reached, so that an error starts on a new line.
  ~Progress();

  /// `done` of the total; `text` is shown after the bar.
  void update(int64_t done, std::string_view text = "");
  /// Steps done earlier, by the run that this one resumes; they do not count for the rate.
  void start_from(int64_t done);
  /// The last state, with the mean rate; a line break ends it.
  void finish(std::string_view text);

 private:
  std::string line(int64_t done, std::string_view text, bool finished) const;
  void draw(const std::string& line);

  std::string label_;
  int64_t total_;
  ProgressOptions options_;
  bool terminal_;
  bool line_open_ = false;
  int64_t first_ = 0;
  int64_t done_ = 0;
  double start_ = 0;
  double last_drawn_ = 0;
};

/// Seconds in a readable form: "0:07", "12:40", "3:02:09".
std::string format_duration(double seconds);

}  // namespace tenon
