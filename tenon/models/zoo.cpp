#include "tenon/models/zoo.h"

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/models/char_lstm.h"
#include "tenon/models/cnn.h"
#include "tenon/models/gpt.h"
#include "tenon/models/lenet.h"
#include "tenon/models/mlp.h"
#include "tenon/models/resnet.h"

namespace tenon::models {

namespace {

int64_t one(const Sizes& sizes, std::string_view name) { return sizes.find(name)->second.at(0); }

void check_size(std::string_view model, const std::string& option,
                const std::vector<int64_t>& given, bool is_list) {
  if (!is_list && given.size() != 1)
    fail(ErrorCode::invalid_argument, "model {}: {} is one number, not {}", model, option,
         given.size());
  for (int64_t size : given) {
    if (size < 1)
      fail(ErrorCode::invalid_argument, "model {}: {} is {}, it must be at least 1", model, option,
           size);
  }
}

}  // namespace

const std::vector<ZooEntry>& zoo() {
  static const std::vector<ZooEntry> entries = {
      {"mlp",
       "layers of `hidden` units with ReLU",
       {{"hidden", {512, 512}}, {"classes", {10}}},
       "classes",
       [](const Sizes& s) {
         return mlp({.hidden = s.find("hidden")->second, .classes = one(s, "classes")});
       }},
      {"lenet5",
       "LeNet-5 for small images",
       {{"classes", {10}}},
       "classes",
       [](const Sizes& s) { return lenet5(one(s, "classes")); }},
      {"cnn",
       "three 3x3 convolutions of `width` filters with batch norm",
       {{"width", {64}}, {"classes", {10}}},
       "classes",
       [](const Sizes& s) {
         return cnn({.width = one(s, "width"), .classes = one(s, "classes")});
       }},
      {"resnet18",
       "ResNet-18 for 32x32 images",
       {{"classes", {10}}},
       "classes",
       [](const Sizes& s) { return resnet18(one(s, "classes")); }},
      {"char_lstm",
       "stacked LSTMs over token ids",
       {{"tokens", {65}}, {"depth", {128}}, {"layers", {2}}},
       "tokens",
       [](const Sizes& s) {
         return char_lstm(
             {.tokens = one(s, "tokens"), .depth = one(s, "depth"), .layers = one(s, "layers")});
       }},
      {"gpt",
       "GPT-style decoder over token ids",
       {{"tokens", {65}}, {"context", {64}}, {"depth", {128}}, {"heads", {4}}, {"layers", {4}}},
       "tokens",
       [](const Sizes& s) {
         return gpt({.tokens = one(s, "tokens"),
                     .context = one(s, "context"),
                     .depth = one(s, "depth"),
                     .heads = one(s, "heads"),
                     .layers = one(s, "layers")});
       }},
  };
  return entries;
}

const ZooEntry& find_in_zoo(std::string_view name) {
  std::vector<std::string> names;
  for (const ZooEntry& entry : zoo()) {
    if (entry.name == name) return entry;
    names.push_back(entry.name);
  }
  throw make_error(ErrorCode::not_found, "there is no model '{}'", name)
      .note("hint: {}", hint(name, names));
}

nn::ModelFunction make(std::string_view name, const Sizes& sizes) {
  const ZooEntry& entry = find_in_zoo(name);
  Sizes all = entry.options;
  for (const auto& [option, given] : sizes) {
    auto known = all.find(option);
    if (known == all.end()) {
      std::vector<std::string> names;
      for (const auto& [known_name, size] : entry.options) names.push_back(known_name);
      throw make_error(ErrorCode::not_found, "model {} has no option '{}'", name, option)
          .note("hint: {}", hint(option, names));
    }
    check_size(name, option, given, known->second.size() > 1);
    known->second = given;
  }
  return entry.make(all);
}

}  // namespace tenon::models
