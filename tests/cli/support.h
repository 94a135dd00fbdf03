// Runs the tenon binary as a user would.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support.h"

namespace tenon::testing {

struct Finished {
  int exit_code = -1;  // 128 + signal when killed
  std::string out, err;
};

struct RunOptions {
  std::filesystem::path folder = ".";  // working directory
  /// Largest file that may be written, in bytes: how a full disk looks to a program.
  uint64_t file_size_limit = 0;
  /// Where standard output goes instead, such as /dev/full.
  std::filesystem::path out = {};
  /// Without standard output and error, as `>&- 2>&-` leaves a program.
  bool closed = false;
};

/// A running `tenon`; its output goes to files in the folder.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments, const RunOptions& options = {});
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();
  void send(int signal) const;
  /// Whether it ended within so many seconds.
  bool ended_within(double seconds);
  Finished wait();

 private:
  pid_t pid_ = -1;
  int status_ = 0;
  bool ended_ = false;
  std::filesystem::path out_, err_;
};

Finished run(std::vector<std::string> arguments, const RunOptions& options = {});

/// Pictures u8[rows,8,8,1] of four classes (which quarter is bright) with labels, as an .npz.
void write_quarters(const std::filesystem::path& path, int64_t rows, uint64_t seed);
void write_text(const std::filesystem::path& path, const std::string& text);
std::string read_text(const std::filesystem::path& path);

/// train.npz, test.npz and run.toml: a small classifier with batch norm and dropout.
void write_small_run(const std::filesystem::path& folder, int64_t epochs = 3,
                     const std::string& more = "");

}  // namespace tenon::testing
