// Help for command lines that cannot be parsed, and what several commands share.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <new>

#include "cli/command.h"
#include "tenon/base/error.h"
#include "tenon/base/parallel.h"
#include "tenon/base/strings.h"

namespace tenon::cli {

namespace {

std::vector<std::string> long_flags(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

const CLI::App* find_command(const CLI::App& app, const std::string& name) {
  for (const CLI::App* command : app.get_subcommands({})) {
    if (command->get_name() == name) return command;
  }
  return nullptr;
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// The innermost command that was named, and the first word after it.
struct Place {
  const CLI::App* command;
  size_t next = 0;
};

Place find_place(const CLI::App& app, const std::vector<std::string>& words) {
  Place place{&app};
  while (place.next < words.size()) {
    const CLI::App* inner = find_command(*place.command, words[place.next]);
    if (inner == nullptr) break;
    place.command = inner;
    ++place.next;
  }
  return place;
}

std::vector<std::string> unknown_flags(const Place& place, const std::vector<std::string>& words) {
  std::vector<std::string> flags = long_flags(*place.command), unknown;
  for (size_t i = place.next; i < words.size(); ++i) {
    std::string flag = words[i].substr(0, words[i].find('='));
    if (flag.starts_with("--") && !contains(flags, flag)) unknown.push_back(flag);
  }
  return unknown;
}

}  // namespace

std::string usage_error(const CLI::App& app, const std::vector<std::string>& words,
                        const std::string& reason) {
  Place place = find_place(app, words);
  if (place.next < words.size() && !words[place.next].starts_with("-") &&
      !place.command->get_subcommands({}).empty())
    return fmt::format("unknown command '{}'", words[place.next]);
  std::vector<std::string> unknown = unknown_flags(place, words);
  return unknown.empty() ? reason : fmt::format("unknown option {}", join(unknown, ", "));
}

std::vector<std::string> usage_hints(const CLI::App& app, const std::vector<std::string>& words) {
  Place place = find_place(app, words);
  std::vector<std::string> hints, names;
  for (const CLI::App* inner : place.command->get_subcommands({}))
    names.push_back(inner->get_name());
  if (!names.empty() && place.next < words.size() && !words[place.next].starts_with("-"))
    hints.push_back(hint(words[place.next], names));
  for (const std::string& flag : unknown_flags(place, words))
    hints.push_back(fmt::format("{}: {}", flag, hint(flag, long_flags(*place.command))));
  std::string path = place.command->get_name();
  for (const CLI::App* up = place.command->get_parent(); up != nullptr; up = up->get_parent())
    path = up->get_name() + " " + path;
  hints.push_back(fmt::format("`{} --help` shows the usage", path));
  return hints;
}

void report_error(std::string_view what) {
  std::fflush(stdout);
  fmt::print(stderr, "error: {}\n", what);
}

std::map<std::string, std::string> for_each_file(
    const std::vector<std::string>& files,
    const std::function<void(const std::string& file)>& action) {
  std::map<std::string, std::string> errors;
  for (const std::string& file : files) {
    try {
      action(file);
    } catch (Error& error) {
      if (files.size() == 1) throw;
      if (error.message().find(file) == std::string::npos) error.note("in {}", file);
      errors[file] = error.what();
    } catch (const std::bad_alloc&) {
      if (files.size() == 1) throw;
      errors[file] = file + ": out of memory";
    }
    if (errors.contains(file)) report_error(errors[file]);
  }
  return errors;
}

void add_threads_option(CLI::App& command) {
  command
      .add_option_function<int>(
          "--threads", [](const int& count) { set_thread_count(count); },
          "Threads to use; results do not depend on it")
      ->type_name("N")
      ->check(CLI::Range(1, 4096).description(""));
}

}  // namespace tenon::cli
