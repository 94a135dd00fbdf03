// A model as a list of layers, each a name with settings, as in configurations.
//
//   nn::ModelFunction model = models::layer_list({
//       {"conv", {{"filters", int64_t{6}}, {"kernel", int64_t{5}}, {"padding", "same"}}},
//       {"relu"}, {"max_pool", {{"window", int64_t{2}}}}, {"flatten"},
//       {"dense", {{"units", int64_t{10}}}}});
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tenon/models/options.h"
#include "tenon/nn/model_function.h"

namespace tenon::models {

struct LayerSpec {
  std::string kind;
  std::map<std::string, OptionValue> settings = {};
  /// Its position in the configuration, for errors: "configs/lenet.toml:8:3". May be empty.
  std::string where = {};
};

/// The name of a layer, what it does and its settings; the first setting may be given without its
/// name, as in {dense = 10}.
struct LayerKind {
  std::string name;
  std::string doc;
  std::vector<std::string> settings;
};
/// Every layer except activations (all ops of that family, and tanh, sigmoid and softmax).
const std::vector<LayerKind>& layer_kinds();
std::vector<std::string> activation_names();
/// Error not_found suggests the closest layer or activation; null for an activation.
const LayerKind* find_layer_kind(const LayerSpec& spec);

/// Parameters are named after the layer and its number among layers of its kind: conv1, conv2,
/// dense1. Names and settings are checked here, shapes when the model is initialised for an input;
/// errors name the layer and its position in the configuration.
nn::ModelFunction layer_list(std::vector<LayerSpec> layers);

}  // namespace tenon::models
