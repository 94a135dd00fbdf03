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

/// A model of one tensor.
nn::Signature takes(std::string_view type) { return {{"", Type::parse(type)}}; }

std::vector<ZooEntry> all_entries() {
  std::vector<ZooEntry> all;
  all.push_back(zoo_entry<MlpOptions>({.name = "mlp",
                                       .doc = "layers of `hidden` units with ReLU",
                                       .outputs = "classes",
                                       .inputs = takes("f32[batch,784]")},
                                      mlp));
  all.push_back(zoo_entry<LenetOptions>({.name = "lenet5",
                                         .doc = "LeNet-5 for small images (LeCun et al. 1998)",
                                         .outputs = "classes",
                                         .inputs = takes("f32[batch,28,28,1]")},
                                        lenet5));
  all.push_back(
      zoo_entry<CnnOptions>({.name = "cnn",
                             .doc = "three 3x3 convolutions of `width` filters with batch norm",
                             .outputs = "classes",
                             .inputs = takes("f32[batch,28,28,1]")},
                            cnn));
  all.push_back(zoo_entry<ResnetOptions>({.name = "resnet18",
                                          .doc = "ResNet-18 for 32x32 images (He et al. 2016)",
                                          .outputs = "classes",
                                          .inputs = takes("f32[batch,32,32,3]")},
                                         resnet18));
  all.push_back(zoo_entry<CharLstmOptions>({.name = "char_lstm",
                                            .doc = "stacked LSTMs over token ids",
                                            .outputs = "tokens",
                                            .inputs = takes("i32[batch,50]")},
                                           char_lstm));
  all.push_back(
      zoo_entry<GptOptions>({.name = "gpt",
                             .doc = "GPT-style decoder over token ids (Radford et al. 2019)",
                             .outputs = "tokens",
                             .inputs = takes("i32[batch,64]")},
                            gpt));
  return all;
}

}  // namespace

const std::vector<ZooEntry>& zoo() {
  static const std::vector<ZooEntry> entries = all_entries();
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

nn::ModelFunction make(std::string_view name, const Options& options, std::string_view preset) {
  const ZooEntry& entry = find_in_zoo(name);
  if (!preset.empty() && (preset != "small" || entry.small_inputs.empty())) {
    throw make_error(ErrorCode::not_found, "model {} has no preset '{}'", name, preset)
        .note("{}", entry.small_inputs.empty() ? "it has none" : "hint: \"small\"");
  }
  Options all = preset.empty() ? Options() : entry.small;
  for (const auto& [option, value] : options) put_option(all, option, value);
  return entry.make(all);
}

}  // namespace tenon::models
