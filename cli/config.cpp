// tenon config: what differs between two configurations, after bases and overrides.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command.h"
#include "tenon/base/configuration.h"

namespace tenon::cli {

namespace {

struct Options {
  std::string first, second;
  std::vector<std::string> set;
};

int show_differences(const Options& options) {
  auto changes = diff(Configuration::load(options.first), Configuration::load(options.second));
  for (const ConfigurationChange& change : changes) {
    if (change.before.empty()) {
      fmt::print("+ {} = {}\n", change.key, change.after);
    } else if (change.after.empty()) {
      fmt::print("- {} = {}\n", change.key, change.before);
    } else {
      fmt::print("  {} = {} -> {}\n", change.key, change.before, change.after);
    }
  }
  if (changes.empty()) fmt::print("no differences\n");
  return kOk;
}

int show(const Options& options) {
  Configuration config = Configuration::load(options.first);
  for (const std::string& assignment : options.set) config.set(assignment);
  fmt::print("{}", config.to_toml());
  return kOk;
}

}  // namespace

void add_config(CLI::App& app, int& exit_code) {
  CLI::App* config = app.add_subcommand("config", "Compare and show configurations");
  config->require_subcommand(1);
  config->footer(
      "\nExamples:\n"
      "  tenon config diff configs/fashion-lenet.toml configs/mine.toml\n"
      "  tenon config show configs/mine.toml --set train.epochs=1");
  auto options = std::make_shared<Options>();

  CLI::App* differences = config->add_subcommand("diff", "Show the differences between two files");
  differences->add_option("A", options->first, "A configuration")->required();
  differences->add_option("B", options->second, "Another one")->required();
  differences->footer(
      "\nKeys are compared after `base = …` files are read in.\n\n"
      "Example:\n  tenon config diff configs/fashion-lenet.toml configs/mine.toml");
  differences->callback([options, &exit_code] { exit_code = show_differences(*options); });

  CLI::App* whole =
      config->add_subcommand("show", "Show all settings of a file, including its bases");
  whole->add_option("FILE", options->first, "A configuration")->required();
  whole->add_option("--set", options->set, "Change a setting first")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  whole->footer("\nExample:\n  tenon config show configs/fashion-lenet.toml --set train.epochs=1");
  whole->callback([options, &exit_code] { exit_code = show(*options); });
}

}  // namespace tenon::cli
