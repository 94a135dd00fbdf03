#pragma once

//   Profile profile;
//   set_current_profile(&profile);                      // nullptr, the default, records nothing
//   { ProfileSpan span("dot", "kernel"); span.argument("flops", 2048.0); }
//   set_current_profile(nullptr);
//   profile.write("out.json");                        // open in chrome://tracing or ui.perfetto.dev

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/base/fork_safe_mutex.h"

namespace tenon {

/// A named time span on one thread, with measured values.
struct ProfileEvent {
  std::string name;
  std::string category;
  int64_t begin_ns = 0;
  int64_t duration_ns = 0;
  int thread = 0;
  std::vector<std::pair<std::string, double>> numbers;
  std::vector<std::pair<std::string, std::string>> texts;
};

/// Collects events from any thread.
class Profile {
 public:
  void add(ProfileEvent event);
  std::vector<ProfileEvent> events() const;
  /// Chrome's trace event format (JSON object form), times relative to the first event.
  std::string to_json() const;
  void write(const std::filesystem::path& path) const;

 private:
  mutable ForkSafeMutex mutex_;
  std::vector<ProfileEvent> events_;
};

/// Where spans of this process are recorded. The caller keeps the profile alive while it is set.
void set_current_profile(Profile* profile);
Profile* current_profile();

/// Nanoseconds of a monotonic clock.
int64_t monotonic_ns();
/// A small number for the calling thread, stable while it lives.
int profile_thread();

/// Records its own lifetime. Costs one load if no profile is set.
class ProfileSpan {
 public:
  ProfileSpan(std::string_view name, std::string_view category) : profile_(current_profile()) {
    if (profile_ != nullptr) begin(name, category);
  }
  ProfileSpan(const ProfileSpan&) = delete;
  ProfileSpan& operator=(const ProfileSpan&) = delete;
  ~ProfileSpan() {
    if (profile_ != nullptr) end();
  }

  bool active() const { return profile_ != nullptr; }
  void argument(std::string_view key, double value);
  void argument(std::string_view key, std::string_view value);

 private:
  void begin(std::string_view name, std::string_view category);
  void end() noexcept;

  Profile* profile_;
  ProfileEvent event_;
};

}  // namespace tenon
