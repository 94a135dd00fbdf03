#include <utility>

#include "tenon/models/layer_list.h"
#include "tenon/models/zoo.h"
#include "tenon/train/configured.h"
#include "tenon/train/configured_values.h"

namespace tenon::train {

namespace {

using Kind = Configuration::Kind;

models::OptionValue setting_of(const Configuration& table, const std::string& key) {
  switch (table.kind(key)) {
    case Kind::boolean:
      return table.get_bool(key);
    case Kind::integer:
      return table.get_int(key);
    case Kind::number:
      return table.get_double(key);
    case Kind::list:
      return table.get_ints(key);
    default:
      return table.get_string(key);
  }
}

/// "relu", {dense = 10} or {conv = {filters = 6, kernel = 5}}.
models::LayerSpec layer_of(const Configuration& element) {
  models::LayerSpec spec;
  spec.where = element.where("");
  if (element.kind("") == Kind::string) {
    spec.kind = element.get_string("");
    return spec;
  }
  std::vector<std::string> names =
      element.kind("") == Kind::table ? element.keys() : std::vector<std::string>{};
  if (names.size() != 1) {
    throw make_error(ErrorCode::invalid_argument, "{}: a layer is a name, or a table with one name",
                     spec.where)
        .note("example: \"relu\", {{dense = 10}}, {{conv = {{filters = 6, kernel = 5}}}}");
  }
  spec.kind = names[0];
  if (element.kind(spec.kind) == Kind::table) {
    Configuration settings = element.section(spec.kind);
    for (const std::string& key : settings.keys()) spec.settings[key] = setting_of(settings, key);
    return spec;
  }
  const models::LayerKind* kind =
      at_key(element, "", [&] { return models::find_layer_kind(spec); });
  if (kind == nullptr || kind->settings.empty()) {
    throw make_error(ErrorCode::invalid_argument, "{}: {} has no settings", spec.where, spec.kind)
        .note("hint: write \"{}\"", spec.kind);
  }
  spec.settings[kind->settings.front()] = setting_of(element, spec.kind);
  return spec;
}

}  // namespace

nn::ModelFunction configure_model(const Configuration& config, int64_t outputs) {
  Configuration section = config.section("model");
  if (section.kind("layers") == Kind::list) {  // a number is an option of some models
    if (section.has("name")) {
      throw make_error(ErrorCode::invalid_argument, "the model has a name and a list of layers")
          .note("name    {}", section.where("name"))
          .note("layers  {}", section.where("layers"))
          .note("hint: keep one; --set 'model={{name=\"mlp\"}}' replaces the whole section");
    }
    std::vector<models::LayerSpec> layers;
    for (const Configuration& element : section.list("layers")) layers.push_back(layer_of(element));
    return models::layer_list(std::move(layers));
  }
  std::string name = section.get_string("name");
  const models::ZooEntry& entry = at_key(
      section, "name", [&]() -> const models::ZooEntry& { return models::find_in_zoo(name); });
  const std::string preset = section.get_string("preset", "");
  at_key(section, "preset", [&] { models::make(name, {}, preset); });
  models::Options options;
  if (outputs > 0 && !entry.outputs.empty()) options.emplace_back(entry.outputs, outputs);
  for (const std::string& key : section.keys()) {
    if (key == "name" || key == "preset") continue;
    const models::OptionValue value = setting_of(section, key);
    // By itself, so that what is wrong with it is placed where it was written.
    at_key(section, key, [&] { models::make(name, {{key, value}}, preset); });
    models::put_option(options, key, value);
  }
  return models::make(name, options, preset);
}

}  // namespace tenon::train
