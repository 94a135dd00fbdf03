#pragma once

//   #include <fstream>
//   given: std::string path; std::ofstream file;
//   log_info("resuming from {}", path);           // written to stderr, one line each
//   log_warning("built without LLVM: slow");      // "warning: built without LLVM: slow"
//   set_log_level(LogLevel::debug);               // or TENON_LOG=debug in the environment
//   set_log_sink([&](LogLevel, std::string_view text) { file << text << '\n'; });

#include <fmt/core.h>

#include <functional>
#include <string_view>
#include <utility>

namespace tenon {

enum class LogLevel { debug, info, warning, error, off };

/// Messages below the level are not even formatted. The default is info.
LogLevel log_level();
void set_log_level(LogLevel level);
/// "debug", "info", "warning", "error" or "off"; anything else is an Error.
LogLevel parse_log_level(std::string_view name);

using LogSink = std::function<void(LogLevel, std::string_view)>;
/// Sends messages to `sink` instead of stderr, one call at a time; an empty sink restores stderr.
void set_log_sink(LogSink sink);

namespace detail {
void vlog(LogLevel level, fmt::string_view format, fmt::format_args args);
}

template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (level >= log_level()) {
    detail::vlog(level, fmt::string_view(format), fmt::make_format_args(args...));
  }
}
template <typename... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::debug, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::info, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::warning, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::error, format, std::forward<Args>(args)...);
}

}  // namespace tenon
