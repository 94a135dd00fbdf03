#pragma once

//   Trace trace;
//   set_current_trace(&trace);                      // nullptr, the default, records nothing
//   { TraceSpan span("dot", "kernel"); span.argument("flops", 2048.0); }
//   set_current_trace(nullptr);
//   trace.write("out.json");                        // open in chrome://tracing or ui.perfetto.dev

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/base/fork_safe_mutex.h"

namespace tenon {

/// A named piece of time on one thread, with what was measured about it.
struct TraceEvent {
  std::string name;
  std::string category;
  int64_t begin_ns = 0;
  int64_t duration_ns = 0;
  int thread = 0;
  std::vector<std::pair<std::string, double>> numbers;
  std::vector<std::pair<std::string, std::string>> texts;
};

/// Collects events from any thread.
class Trace {
 public:
  void add(TraceEvent event);
  std::vector<TraceEvent> events() const;
  /// Chrome's trace event format (JSON object form), times relative to the first event.
  std::string to_json() const;
  void write(const std::filesystem::path& path) const;

 private:
  mutable ForkSafeMutex mutex_;
  std::vector<TraceEvent> events_;
};

/// Where spans of this process are recorded. The caller keeps the trace alive while it is set.
void set_current_trace(Trace* trace);
Trace* current_trace();

/// Nanoseconds of a clock that never goes back.
int64_t monotonic_ns();
/// A small number for the calling thread, stable while it lives.
int trace_thread();

/// Records its own life. Costs one load when nothing is traced.
class TraceSpan {
 public:
  TraceSpan(std::string_view name, std::string_view category) : trace_(current_trace()) {
    if (trace_ != nullptr) begin(name, category);
  }
  TraceSpan(const TraceSpan&) = delete;
  TraceSpan& operator=(const TraceSpan&) = delete;
  ~TraceSpan() {
    if (trace_ != nullptr) end();
  }

  bool active() const { return trace_ != nullptr; }
  void argument(std::string_view key, double value);
  void argument(std::string_view key, std::string_view value);

 private:
  void begin(std::string_view name, std::string_view category);
  void end() noexcept;

  Trace* trace_;
  TraceEvent event_;
};

}  // namespace tenon
