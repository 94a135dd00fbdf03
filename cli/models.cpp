// tenon models: the zoo, with what each model costs.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command.h"
#include "tenon/base/error.h"
#include "tenon/base/json.h"
#include "tenon/base/strings.h"
#include "tenon/models/cost.h"
#include "tenon/models/zoo.h"

namespace tenon::cli {

namespace {

struct Options {
  std::string name;
  bool json = false;
};

struct Row {
  const models::ZooEntry* entry;
  models::Cost cost;
};

Row row_of(const models::ZooEntry& entry) {
  return {&entry, models::cost_of(entry.make({}), entry.inputs)};
}

/// "61,706", "11.17 M"
std::string short_count(int64_t count) {
  const auto number = static_cast<double>(count);
  if (count < 1'000'000) return group_digits(count);
  if (count < 1'000'000'000) return fmt::format("{:.2f} M", number / 1e6);
  return fmt::format("{:.2f} G", number / 1e9);
}

std::string text_of(const nn::Signature& signature) {
  std::vector<std::string> parts;
  for (const auto& [name, type] : signature)
    parts.push_back(name.empty() ? type.to_string() : name + " " + type.to_string());
  return join(parts, ", ");
}

Json json_of(const models::Options& options) {
  Json json = Json::object();
  for (const auto& [name, value] : options)
    std::visit([&](const auto& v) { json[name] = v; }, value);
  return json;
}

Json json_of(const Row& row) {
  const models::ZooEntry& entry = *row.entry;
  Json json = {{"name", entry.name},
               {"doc", entry.doc},
               {"parameters", row.cost.parameters},
               {"multiply_adds", row.cost.multiply_adds},
               {"options", json_of(entry.options)}};
  if (!entry.small_inputs.empty()) json["small"] = json_of(entry.small);
  for (const auto& [name, type] : entry.inputs)
    json["inputs"].push_back({{"name", name}, {"type", type.to_string()}});
  return json;
}

void print_one(const Row& row) {
  const models::ZooEntry& entry = *row.entry;
  fmt::print("{}: {}\n\n", entry.name, entry.doc);
  fmt::print("  input           {}\n", text_of(entry.inputs));
  fmt::print("  parameters      {}\n", group_digits(row.cost.parameters));
  fmt::print("  multiply-adds   {}, of one example\n", group_digits(row.cost.multiply_adds));
  fmt::print("\noptions\n");
  for (const auto& [name, value] : entry.options) {
    const models::OptionValue* small = models::find_option(entry.small, name);
    fmt::print("  {:<14}  {}{}\n", name, models::to_string(value),
               small ? "   small: " + models::to_string(*small) : "");
  }
  if (!entry.small_inputs.empty()) {
    fmt::print("\npreset = \"small\"\n");
    const models::Cost cost = models::cost_of(entry.make(entry.small), entry.small_inputs);
    fmt::print("  input           {}\n", text_of(entry.small_inputs));
    fmt::print("  parameters      {}\n", group_digits(cost.parameters));
    fmt::print("  multiply-adds   {}\n", group_digits(cost.multiply_adds));
  }
}

int show_models(const Options& options) {
  if (!options.name.empty()) {
    const Row row = row_of(models::find_in_zoo(options.name));
    if (options.json) {
      fmt::print("{}\n", dump_json(json_of(row)));
    } else {
      print_one(row);
    }
    return kOk;
  }
  Json all = Json::array();
  if (!options.json)
    fmt::print("{:<20} {:>12} {:>13}  {}\n", "name", "parameters", "multiply-adds", "what it is");
  for (const models::ZooEntry& entry : models::zoo()) {
    const Row row = row_of(entry);
    if (options.json) {
      all.push_back(json_of(row));
    } else {
      fmt::print("{:<20} {:>12} {:>13}  {}\n", entry.name, short_count(row.cost.parameters),
                 short_count(row.cost.multiply_adds), entry.doc);
    }
  }
  if (options.json) fmt::print("{}\n", dump_json(all));
  return kOk;
}

}  // namespace

void add_models(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("models", "The zoo: models by name, and what they cost");
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, "One model: inputs, options, presets");
  command->add_flag("--json", options->json, "Print JSON");
  command->footer(
      "\nMultiply-adds are those of products and convolutions, for one example.\n\n"
      "Examples:\n  tenon models\n  tenon models resnet18\n  tenon models --json");
  command->callback([options, &exit_code] { exit_code = show_models(*options); });
}

}  // namespace tenon::cli
