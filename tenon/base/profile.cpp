#include "tenon/base/profile.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "tenon/base/files.h"
#include "tenon/base/json.h"

namespace tenon {
namespace {

std::atomic<Profile*> g_current{nullptr};

double microseconds(int64_t ns) { return static_cast<double>(ns) / 1000.0; }

}  // namespace

void Profile::add(ProfileEvent event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
}

std::vector<ProfileEvent> Profile::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

std::string Profile::to_json() const {
  std::vector<ProfileEvent> events = this->events();
  // Spans are recorded when they end; viewers want the outer one first.
  std::stable_sort(events.begin(), events.end(), [](const ProfileEvent& a, const ProfileEvent& b) {
    return a.begin_ns != b.begin_ns ? a.begin_ns < b.begin_ns : a.duration_ns > b.duration_ns;
  });
  const int64_t start = events.empty() ? 0 : events.front().begin_ns;
  Json list = Json::array();
  for (const ProfileEvent& event : events) {
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

void Profile::write(const std::filesystem::path& path) const { atomic_write(path, to_json()); }

void set_current_profile(Profile* profile) { g_current.store(profile, std::memory_order_release); }

Profile* current_profile() { return g_current.load(std::memory_order_acquire); }

int64_t monotonic_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

int profile_thread() {
  static std::atomic<int> next{1};
  thread_local const int number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

void ProfileSpan::begin(std::string_view name, std::string_view category) {
  event_.name = name;
  event_.category = category;
  event_.thread = profile_thread();
  event_.begin_ns = monotonic_ns();
}

void ProfileSpan::end() noexcept {
  event_.duration_ns = monotonic_ns() - event_.begin_ns;
  try {
    profile_->add(std::move(event_));
  } catch (const std::exception&) {
    // Out of memory: the event is lost, the program it watches goes on.
  }
}

void ProfileSpan::argument(std::string_view key, double value) {
  if (profile_ != nullptr) event_.numbers.emplace_back(key, value);
}

void ProfileSpan::argument(std::string_view key, std::string_view value) {
  if (profile_ != nullptr) event_.texts.emplace_back(key, value);
}

}  // namespace tenon
