// tenon: the command line. Each command has its own file.

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <new>
#include <sstream>
#include <system_error>

#include "cli/command.h"
#include "tenon/base/error.h"

namespace tenon::cli {

namespace {

constexpr const char* kFooter = R"(
Examples:
  tenon train configs/fashion-lenet.toml --set train.epochs=1
  tenon evaluate runs/fashion-lenet/model.tenon fashion-mnist
  tenon predict runs/fashion-lenet/model.tenon shirt.png
  tenon inspect runs/fashion-lenet/model.tenon --graph
  tenon ops softmax

Exit codes: 0 done, 1 error, 2 wrong usage, 130 stopped by Ctrl-C.
`tenon COMMAND --help` shows more about each command. Guides: docs/guides/.)";

int report_usage(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {  // --help or --version
    std::ostringstream text;
    app.exit(error, text, text);
    fmt::print("{}", text.str());
    return kOk;
  }
  std::vector<std::string> words(argv + 1, argv + argc);
  fmt::print(stderr, "error: {}\n", usage_error(app, words, error.what()));
  for (const std::string& line : usage_hints(app, words)) fmt::print(stderr, "  {}\n", line);
  return kUsage;
}

/// A file opened as descriptor 1 or 2 would receive what is printed.
void open_standard_descriptors() {
  for (int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF) ::open("/dev/null", O_RDWR);
  }
}

int run(int argc, char** argv) {
  CLI::App app("Machine learning in one program: train, evaluate, predict, inspect.", "tenon");
  app.set_version_flag("--version", version_text, "Version, CPU, threads and libraries");
  app.set_help_flag("-h,--help", "Print this help");
  app.get_formatter()->column_width(28);
  app.require_subcommand(1);
  app.footer(kFooter);
  int exit_code = kOk;
  add_train(app, exit_code);
  add_evaluate(app, exit_code);
  add_predict(app, exit_code);
  add_inspect(app, exit_code);
  add_models(app, exit_code);
  add_ops(app, exit_code);
  add_config(app, exit_code);
  add_completion(app, exit_code);
  if (argc == 1) {
    fmt::print("{}", app.help());
    return kUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report_usage(app, error, argc, argv);
  }
  return exit_code;
}

/// run() with its errors printed.
int run_and_report(int argc, char** argv) {
  try {
    const int exit_code = run(argc, argv);
    // What was printed may still be in a buffer: only now it turns out whether it arrives.
    if (std::fflush(stdout) != 0) throw std::system_error(errno, std::generic_category());
    return exit_code;
  } catch (const Error& error) {
    report_error(error.what());
    return error.code() == ErrorCode::interrupted ? kInterrupted : kError;
  } catch (const std::system_error& error) {
    const bool output = std::ferror(stdout) != 0;
    fmt::print(stderr, "error: {}\n",
               output ? "cannot write the output: " + error.code().message() : error.what());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "error: out of memory\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
  }
  return kError;
}

}  // namespace

}  // namespace tenon::cli

int main(int argc, char** argv) {
  tenon::cli::open_standard_descriptors();
  return tenon::cli::run_and_report(argc, argv);
}
