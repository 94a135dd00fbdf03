// The commands of `tenon`: each adds itself to the command line in the file of its name.
//
//   CLI::App app;
//   int exit_code = kOk;
//   add_train(app, exit_code);           // its callback sets exit_code or throws tenon::Error
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace tenon::cli {

enum ExitCode : int { kOk = 0, kError = 1, kUsage = 2, kInterrupted = 130 };

void add_train(CLI::App& app, int& exit_code);
void add_evaluate(CLI::App& app, int& exit_code);
void add_predict(CLI::App& app, int& exit_code);
void add_inspect(CLI::App& app, int& exit_code);
void add_models(CLI::App& app, int& exit_code);
void add_ops(CLI::App& app, int& exit_code);
void add_config(CLI::App& app, int& exit_code);
void add_completion(CLI::App& app, int& exit_code);

/// The text of `tenon --version`.
std::string version_text();

/// `--threads N`, for the commands that compute.
void add_threads_option(CLI::App& command);

/// Does something with each file in turn. With several, the Error of one is printed and the others
/// go on: the result has the errors by file. The Error of a file that is alone is thrown.
std::map<std::string, std::string> for_each_file(
    const std::vector<std::string>& files,
    const std::function<void(const std::string& file)>& action);
/// `error: …` on standard error, behind what has been printed so far.
void report_error(std::string_view what);

/// What is wrong with a command line that cannot be parsed, in our words where they are better.
std::string usage_error(const CLI::App& app, const std::vector<std::string>& words,
                        const std::string& reason);
/// What it should have been: notes for the error.
std::vector<std::string> usage_hints(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace tenon::cli
