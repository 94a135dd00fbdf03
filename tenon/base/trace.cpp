#include "tenon/base/trace.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "tenon/base/files.h"
#include "tenon/base/json.h"

namespace tenon {
namespace {

std::atomic<Trace*> g_current{nullptr};

double microseconds(int64_t ns) { return static_cast<double>(ns) / 1000.0; }

}  // namespace

void Trace::add(TraceEvent event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
}

std::vector<TraceEvent> Trace::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

std::string Trace::to_json() const {
  std::vector<TraceEvent> events = this->events();
  // Spans are recorded when they end; viewers want the outer one first.
  std::stable_sort(events.begin(), events.end(), [](const TraceEvent& a, const TraceEvent& b) {
    return a.begin_ns != b.begin_ns ? a.begin_ns < b.begin_ns : a.duration_ns > b.duration_ns;
  });
  const int64_t start = events.empty() ? 0 : events.front().begin_ns;
  Json list = Json::array();
  for (const TraceEvent& event : events) {
    Json entry = {{"name", event.name},
                  {"cat", event.category},
                  {"ph", "X"},
                  {"ts", microseconds(event.begin_ns - start)},
                  {"dur", microseconds(event.duration_ns)},
                  {"pid", 1},
                  {"tid", event.thread}};
    for (const auto& [key, value] : event.numbers) entry["args"][key] = value;
    for (const auto& [key, value] : event.texts) entry["args"][key] = value;
    list.push_back(std::move(entry));
  }
  const Json document = {{"traceEvents", std::move(list)}, {"displayTimeUnit", "ms"}};
  return dump_json(document, JsonStyle::compact);
}

void Trace::write(const std::filesystem::path& path) const { atomic_write(path, to_json()); }

void set_current_trace(Trace* trace) { g_current.store(trace, std::memory_order_release); }

Trace* current_trace() { return g_current.load(std::memory_order_acquire); }

int64_t monotonic_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

int trace_thread() {
  static std::atomic<int> next{1};
  thread_local const int number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

void TraceSpan::begin(std::string_view name, std::string_view category) {
  event_.name = name;
  event_.category = category;
  event_.thread = trace_thread();
  event_.begin_ns = monotonic_ns();
}

void TraceSpan::end() noexcept {
  event_.duration_ns = monotonic_ns() - event_.begin_ns;
  try {
    trace_->add(std::move(event_));
  } catch (const std::exception&) {
    // Out of memory: the event is lost, the program it watches goes on.
  }
}

void TraceSpan::argument(std::string_view key, double value) {
  if (trace_ != nullptr) event_.numbers.emplace_back(key, value);
}

void TraceSpan::argument(std::string_view key, std::string_view value) {
  if (trace_ != nullptr) event_.texts.emplace_back(key, value);
}

}  // namespace tenon
