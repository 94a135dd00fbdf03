#include "tenon/base/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>

#include "tenon/base/strings.h"

namespace tenon {
namespace {

constexpr int kBarWidth = 16;
constexpr double kRedrawSeconds = 0.1;

double steady_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

bool shows_a_bar(std::FILE* output) {
  const char* terminal = std::getenv("TERM");
  if (terminal != nullptr && std::string_view(terminal) == "dumb") return false;
  return ::isatty(::fileno(output)) != 0;
}

size_t terminal_width(std::FILE* output) {
  struct winsize size{};
  if (::ioctl(::fileno(output), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

// Cuts after `width` characters, never inside one; a line that wraps cannot be redrawn in place.
std::string cut_utf8(std::string text, size_t width) {
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool starts_character = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (starts_character && characters++ == width) {
      text.resize(i);
      break;
    }
  }
  return text;
}

std::string format_rate(double rate) {
  if (rate >= 100) return group_digits(std::llround(rate));
  return fmt::format("{:.{}f}", rate, rate >= 10 ? 1 : 2);
}

std::string bar(double fraction) {
  const int filled = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * kBarWidth);
  std::string text;
  for (int i = 0; i < kBarWidth; ++i) text += i < filled ? "━" : "─";
  return text;
}

}  // namespace

Progress::Progress(std::string label, int64_t total, ProgressOptions options)
    : label_(std::move(label)), total_(std::max<int64_t>(total, 0)), options_(std::move(options)) {
  if (!options_.clock) options_.clock = steady_seconds;
  terminal_ = options_.terminal < 0 ? shows_a_bar(options_.output) : options_.terminal != 0;
  start_ = options_.clock();
  last_drawn_ = start_;
}

Progress::~Progress() {
  if (line_open_) std::fputc('\n', options_.output);
}

void Progress::start_from(int64_t done) {
  first_ = done;
  done_ = done;
}

void Progress::update(int64_t done, std::string_view text) {
  done_ = done;
  const double now = options_.clock();
  const double interval = terminal_ ? kRedrawSeconds : options_.line_interval;
  const bool first_bar = terminal_ && !line_open_;
  if (now - last_drawn_ < interval && !first_bar) return;
  last_drawn_ = now;
  draw(line(done, text, /*finished=*/false));
}

void Progress::finish(std::string_view text) {
  draw(line(done_, text, /*finished=*/true));
  if (line_open_) std::fputc('\n', options_.output);
  line_open_ = false;
  std::fflush(options_.output);
}

std::string Progress::line(int64_t done, std::string_view text, bool finished) const {
  const double seconds = options_.clock() - start_;
  const double steps = static_cast<double>(done - first_);
  std::string out = label_;
  if (terminal_ && total_ > 0)
    out += "  " + bar(static_cast<double>(done) / static_cast<double>(total_));
  out += total_ > 0 ? fmt::format("  {}/{}", done, total_) : fmt::format("  {}", done);
  if (!text.empty()) out += fmt::format("  {}", text);
  if (seconds > 0 && steps > 0) {
    out += fmt::format("  {} {}/s", format_rate(steps * options_.units_per_step / seconds),
                       options_.unit);
    if (!finished && done < total_)
      out += fmt::format("  {} left",
                         format_duration(seconds / steps * static_cast<double>(total_ - done)));
  }
  return out;
}

void Progress::draw(const std::string& line) {
  if (!terminal_) {
    fmt::print(options_.output, "{}\n", line);
  } else {
    // Back to the first column, the line, then clear what a longer one left behind.
    fmt::print(options_.output, "\r{}\x1b[K", cut_utf8(line, terminal_width(options_.output) - 1));
    line_open_ = true;
  }
  std::fflush(options_.output);
}

std::string format_duration(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9) return "?";
  const int64_t whole = std::llround(seconds);
  const int64_t hours = whole / 3600, minutes = whole / 60 % 60, rest = whole % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, rest);
  return fmt::format("{}:{:02}", minutes, rest);
}

}  // namespace tenon
