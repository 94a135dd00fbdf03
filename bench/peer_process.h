#pragma once

//   PeerProcess peer("lenet_b64", "torch_eager");       // starts bench/peers/train.py
//   peer.ask("load /tmp/values.safetensors");           // one line, one answer; Error on "error …"
//   Times times;
//   peer.time(1.5, times);                              // adds a round of 1.5 s of steps
//   double bytes = peer.memory();                       // how far a step raises resident memory

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"

namespace tenon::bench {

/// Milliseconds of a step over one or several rounds.
struct Times {
  double best = std::numeric_limits<double>::infinity();
  std::vector<double> medians;

  void add(double round_best, double round_median) {
    best = std::min(best, round_best);
    medians.push_back(round_median);
  }
  double median() const {
    std::vector<double> sorted = medians;
    std::ranges::sort(sorted);
    return sorted.empty() ? best : sorted[sorted.size() / 2];
  }
};

/// The Python of bench/peers/requirements.txt, or an empty path.
inline std::filesystem::path peers_python() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::filesystem::path folder =
      cache != nullptr && *cache != '\0'
          ? std::filesystem::path(cache)
          : std::filesystem::path(home != nullptr ? home : "/") / ".cache";
  const auto python = folder / "tenon/peers/bin/python";
  return std::filesystem::exists(python) ? python : std::filesystem::path();
}

/// A peer that runs one work in a process of its own, which sleeps between commands, so that it
/// and our steps can take turns on the same cores.
class PeerProcess {
 public:
  PeerProcess(const std::string& work, const std::string& peer, int threads = 2) : name_(peer) {
    // A peer that died is an error at the next command, not a signal.
    ::signal(SIGPIPE, SIG_IGN);
    std::array<int, 2> down{}, up{};
    if (::pipe2(down.data(), O_CLOEXEC) != 0 || ::pipe2(up.data(), O_CLOEXEC) != 0) {
      fail(ErrorCode::io, "{}: no pipe", name_);
    }
    const std::string python = peers_python().string();
    // "torch_eager channels_last" and "torch_eager float64" are that peer with an option.
    const std::vector<std::string> parts = split(peer, ' ');
    std::vector<std::string> words = {
        python,      "bench/peers/train.py", "--work", work, "--peer", parts[0],
        "--threads", std::to_string(threads)};
    if (parts.size() > 1) words.insert(words.end(), {"--option", parts[1]});
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int nothing = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(down[0], STDIN_FILENO);
      ::dup2(up[1], STDOUT_FILENO);
      ::dup2(nothing, STDERR_FILENO);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(nothing);
    ::close(down[0]);
    ::close(up[1]);
    commands_ = down[1];
    answers_ = up[0];
    if (pid_ < 0) fail(ErrorCode::io, "{}: no process", name_);
    if (read_line() != "ready") fail(ErrorCode::io, "{}: it did not start", name_);
  }
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;
  ~PeerProcess() {
    ::close(commands_);  // the end of its input ends it
    ::close(answers_);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }

  const std::string& name() const { return name_; }

  std::string ask(const std::string& command) {
    const std::string line = command + "\n";
    if (::write(commands_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
      fail(ErrorCode::io, "{}: it has ended", name_);
    }
    std::string answer = read_line();
    if (answer.starts_with("error")) fail(ErrorCode::io, "{}: {}: {}", name_, command, answer);
    return answer;
  }

  /// Adds one round to `times`.
  void time(double seconds, Times& times) {
    const auto words = split(ask("time " + std::to_string(seconds)), ' ');
    times.add(number(words, 1), number(words, 3));
  }

  double memory() { return number(split(ask("memory"), ' '), 1); }

 private:
  double number(const std::vector<std::string>& words, size_t index) const {
    const auto value = index < words.size() ? parse_double(words[index]) : std::nullopt;
    if (!value) fail(ErrorCode::parse, "{}: an answer of '{}'", name_, join(words, " "));
    return *value;
  }

  std::string read_line() {
    std::string line;
    char c = 0;
    while (true) {
      const ssize_t got = ::read(answers_, &c, 1);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) fail(ErrorCode::io, "{}: it ended without an answer", name_);
      if (c == '\n') return line;
      line += c;
    }
  }

  std::string name_;
  pid_t pid_ = -1;
  int commands_ = -1;
  int answers_ = -1;
};

}  // namespace tenon::bench
