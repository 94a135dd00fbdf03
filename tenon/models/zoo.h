// The models of the zoo by name, for configurations.
//
//   nn::ModelFunction model = models::make("mlp", {{"hidden", std::vector<int64_t>{256, 128}}, {"classes", int64_t{10}}});
//   nn::ModelFunction little = models::make("gpt", {}, "small");
//   for (const models::ZooEntry& entry : models::zoo()) print("{}: {}\n", entry.name, entry.doc);
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/models/options.h"
#include "tenon/nn/model_function.h"

namespace tenon::models {

/// A model at the size of its paper and, where there is one, at a small size for machines without
/// accelerators.
struct ZooEntry {
  std::string name;
  std::string doc;  // what it is, and its paper
  /// The option that says how many outputs there are, such as "classes" or "tokens"; empty: none.
  std::string outputs;
  nn::Signature inputs;        // of the published size
  nn::Signature small_inputs;  // of the preset "small"; empty where there is no such preset
  Options options;             // all, as published
  Options small;               // what differs in the preset "small"
  /// `options` name what differs from the published ones.
  std::function<nn::ModelFunction(const Options& options)> make;
};

/// What an entry says about a model besides its options.
struct ZooText {
  std::string name, doc, outputs;
  nn::Signature inputs;
};

/// An entry for a model whose options are a struct `O`.
template <class O>
ZooEntry zoo_entry(ZooText text, nn::ModelFunction (*make)(O), const O& published = {}) {
  return {.name = text.name,
          .doc = std::move(text.doc),
          .outputs = std::move(text.outputs),
          .inputs = std::move(text.inputs),
          .options = options_of(published),
          .make = [=, name = text.name](const Options& given) {
            O options = published;
            set_options(options, given, name);
            return make(options);
          }};
}
/// With a preset "small" for inputs of another size.
template <class O>
ZooEntry zoo_entry(ZooText text, nn::ModelFunction (*make)(O), const O& published, const O& small,
                   nn::Signature small_inputs) {
  ZooEntry entry = zoo_entry(std::move(text), make, published);
  for (const auto& [name, value] : options_of(small)) {
    if (*find_option(entry.options, name) != value) put_option(entry.small, name, value);
  }
  entry.small_inputs = std::move(small_inputs);
  return entry;
}

const std::vector<ZooEntry>& zoo();
/// Error not_found suggests the closest name.
const ZooEntry& find_in_zoo(std::string_view name);

/// What is not given is as published, or as in the preset `preset`, which is "" or "small". Errors
/// name the model, the option and the nearest one.
nn::ModelFunction make(std::string_view name, const Options& options = {},
                       std::string_view preset = "");

}  // namespace tenon::models
