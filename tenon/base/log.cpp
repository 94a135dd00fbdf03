#include "tenon/base/log.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "tenon/base/error.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/base/strings.h"

namespace tenon {
namespace {

constexpr std::array kLevelNames = {"debug", "info", "warning", "error", "off"};
constexpr int kUndecided = -1;

std::atomic<int> g_level{kUndecided};

/// One message after the other, and no sink is replaced while it runs.
class Output {
 public:
  void replace_sink(LogSink& sink) {
    const std::scoped_lock turn(this->turn());
    const std::scoped_lock lock(mutex_);
    sink_.swap(sink);
  }

  template <class Function>
  void write(Function&& function) {
    const std::scoped_lock turn(this->turn());
    function(sink_);
  }

 private:
  /// Held while the user's code runs. In a child of fork it may belong to a thread that is not
  /// there: that begins with a new one, and the old one stays as it is.
  std::mutex& turn() {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(generation_, fork_generation()) != fork_generation()) turn_ = new std::mutex;
    return *turn_;
  }

  ForkSafeMutex mutex_;
  LogSink sink_;  // changes with both locks held
  uint32_t generation_ = fork_generation();
  std::mutex* turn_ = new std::mutex;
};

Output& output() {
  // Never destroyed: messages may come from destructors at exit.
  static constinit MadeOnce<Output> output;
  return output.get([] { return new Output; });
}

// The first to ask decides, and warns of a value that means nothing.
void decide_level() {
  const char* name = std::getenv("TENON_LOG");
  auto level = static_cast<int>(LogLevel::info);
  std::string problem;
  try {
    if (name != nullptr && *name != '\0') level = static_cast<int>(parse_log_level(name));
  } catch (const Error& error) {
    problem = fmt::format("TENON_LOG: {}; {}", error.message(), error.notes().at(0));
  }
  int undecided = kUndecided;
  if (g_level.compare_exchange_strong(undecided, level) && !problem.empty())
    log_warning("{}", problem);
}

}  // namespace

LogLevel log_level() {
  if (g_level.load(std::memory_order_relaxed) == kUndecided) decide_level();
  return static_cast<LogLevel>(g_level.load(std::memory_order_relaxed));
}

void set_log_level(LogLevel level) {
  g_level.store(static_cast<int>(level), std::memory_order_relaxed);
}

LogLevel parse_log_level(std::string_view name) {
  for (size_t i = 0; i < kLevelNames.size(); ++i)
    if (name == kLevelNames[i]) return static_cast<LogLevel>(i);
  const std::vector<std::string> known(kLevelNames.begin(), kLevelNames.end());
  throw make_error(ErrorCode::invalid_argument, "unknown log level {}", name)
      .add_note(hint(name, known));
}

void set_log_sink(LogSink sink) { output().replace_sink(sink); }

namespace detail {

void vlog(LogLevel level, fmt::string_view format, fmt::format_args args) {
  std::string text = fmt::vformat(format, args);
  output().write([&](const LogSink& sink) {
    if (sink) return sink(level, text);
    // What went as planned needs no label.
    const char* label = kLevelNames[static_cast<size_t>(level)];
    if (level != LogLevel::info) text = fmt::format("{}: {}", label, text);
    text += '\n';
    std::fwrite(text.data(), 1, text.size(), stderr);
  });
}

}  // namespace detail
}  // namespace tenon
