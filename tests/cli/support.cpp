#include "support.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "tenon/base/random.h"
#include "tenon/format/npy.h"

namespace tenon::testing {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void become_tenon(std::vector<char*>& argv, const RunOptions& options,
                               const fs::path& out, const fs::path& err) {
  const fs::path& place = options.out.empty() ? out : options.out;
  int out_file = open(place.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
  int err_file = open(err.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
  dup2(out_file, 1);
  dup2(err_file, 2);
  // Only these three are the program's.
  close(out_file);
  close(err_file);
  if (options.closed) {
    close(1);
    close(2);
  }
  if (options.file_size_limit > 0) {
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit{options.file_size_limit, options.file_size_limit};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  // Tests run side by side: a thread that waits for another must not hold a CPU meanwhile.
  setenv("OMP_WAIT_POLICY", "passive", 1);
  if (chdir(options.folder.c_str()) == 0) execv(TENON_BINARY, argv.data());
  _exit(126);
}

}  // namespace

Process::Process(std::vector<std::string> arguments, const RunOptions& options) {
  static int count = 0;
  std::string name = fmt::format("tenon-{}-{}", getpid(), count++);
  out_ = fs::temp_directory_path() / (name + ".out");
  err_ = fs::temp_directory_path() / (name + ".err");
  arguments.insert(arguments.begin(), "tenon");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) become_tenon(argv, options, out_, err_);
}

Process::~Process() {
  if (!ended_) {
    send(SIGKILL);
    wait();
  }
  std::error_code ignored;
  fs::remove(out_, ignored);
  fs::remove(err_, ignored);
}

void Process::send(int signal) const { kill(pid_, signal); }

bool Process::ended_within(double seconds) {
  auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!ended_) {
    if (waitpid(pid_, &status_, WNOHANG) == pid_) {
      ended_ = true;
    } else if (std::chrono::steady_clock::now() > end) {
      return false;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  return true;
}

Finished Process::wait() {
  if (!ended_) waitpid(pid_, &status_, 0);
  ended_ = true;
  int code = WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  return {code, read_text(out_), read_text(err_)};
}

Finished run(std::vector<std::string> arguments, const RunOptions& options) {
  return Process(std::move(arguments), options).wait();
}

void write_quarters(const fs::path& path, int64_t rows, uint64_t seed) {
  Literal images(DType::u8, {rows, 8, 8, 1}), labels(DType::i32, {rows});
  RandomStream random((RandomKey(seed)));
  for (int64_t i = 0; i < rows; ++i) {
    int64_t label = random.below(4);
    labels.set_int(i, label);
    for (int64_t p = 0; p < 64; ++p) {
      bool bright = p / 32 == label / 2 && p % 8 / 4 == label % 2;
      images.set_int(i * 64 + p, random.below(100) + (bright ? 120 : 0));
    }
  }
  write_npz(path, {{"image", images}, {"label", labels}});
}

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_small_run(const fs::path& folder, int64_t epochs, const std::string& more) {
  write_quarters(folder / "train.npz", 256, 1);
  write_quarters(folder / "test.npz", 64, 2);
  write_text(folder / "run.toml", fmt::format(R"([data]
source = "npz"
train = "train.npz"
test = "test.npz"
classes = ["north-west", "north-east", "south-west", "south-east"]
batch = 16

[model]
layers = ["flatten", {{dense = 24}}, "batch_norm", "relu", {{dropout = 0.2}}, {{dense = 4}}]

[train]
epochs = {}
seed = 3
optimizer = {{name = "adamw", learning_rate = 1e-2}}
{})",
                                              epochs, more));
}

}  // namespace tenon::testing
