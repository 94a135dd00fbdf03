// The models of the zoo by name, for configurations.
//
//   nn::ModelFunction model = models::make("mlp", {{"hidden", {256, 128}}, {"classes", {10}}});
//   for (const models::ZooEntry& entry : models::zoo()) print("{}: {}\n", entry.name, entry.doc);
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/nn/scope.h"

namespace tenon::models {

/// Sizes by name; a single number is a list of one.
using Sizes = std::map<std::string, std::vector<int64_t>, std::less<>>;

struct ZooEntry {
  std::string name;
  std::string doc;
  /// The options of `make`, with defaults. An option whose default is several numbers takes any
  /// list, the others one number.
  Sizes options;
  /// The option for the number of outputs: "classes" or "tokens".
  std::string outputs;
  nn::ModelFunction (*make)(const Sizes& sizes);
};

const std::vector<ZooEntry>& zoo();
/// Error not_found suggests the closest name.
const ZooEntry& find_in_zoo(std::string_view name);

/// Missing sizes get their defaults. Errors name the model and the option, and suggest the closest.
nn::ModelFunction make(std::string_view name, const Sizes& sizes = {});

}  // namespace tenon::models
