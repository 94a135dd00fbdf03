// The zoo by name, as configurations ask for it.
//
//   nn::ModelFunction model = models::make("mlp", {{"hidden", {256, 128}}, {"classes", {10}}});
//   for (const models::ZooEntry& entry : models::zoo()) print("{}: {}\n", entry.name, entry.doc);
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/nn/model_function.h"

namespace tenon::models {

/// Sizes by name; a single number is a list of one.
using Sizes = std::map<std::string, std::vector<int64_t>, std::less<>>;

struct ZooEntry {
  std::string name;
  std::string doc;
  /// What `make` understands, with defaults. Where the default is several numbers any list will do,
  /// elsewhere one number.
  Sizes options;
  /// The option that says how many outputs there are: "classes" or "tokens".
  std::string outputs;
  nn::ModelFunction (*make)(const Sizes& sizes);
};

const std::vector<ZooEntry>& zoo();
/// Error not_found with the nearest name.
const ZooEntry& find_in_zoo(std::string_view name);

/// Defaults fill what is not given. Errors name the model, the option and the nearest one.
nn::ModelFunction make(std::string_view name, const Sizes& sizes = {});

}  // namespace tenon::models
