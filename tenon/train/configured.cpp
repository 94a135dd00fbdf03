#include "tenon/train/configured.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/data/sources.h"
#include "tenon/models/layer_list.h"
#include "tenon/models/zoo.h"
#include "tenon/nn/layers.h"

namespace tenon::train {

namespace {

using Kind = Configuration::Kind;

/// One of a few words; the error names the place and the nearest word.
std::string choose(const Configuration& config, std::string_view key, std::string_view otherwise,
                   std::initializer_list<std::string> words) {
  std::string word = config.get_string(key, otherwise);
  std::vector<std::string> known(words);
  if (std::find(known.begin(), known.end(), word) != known.end()) return word;
  throw make_error(ErrorCode::invalid_argument, "{}: {} '{}' is not known", config.where(key), key,
                   word)
      .note("hint: {}", hint(word, known));
}

/// Adds where the value of a key was written to errors about it.
template <class F>
auto at_key(const Configuration& config, std::string_view key, F f) {
  try {
    return f();
  } catch (Error& error) {
    if (std::string where = config.where(key); !where.empty()) error.note("at {}", where);
    throw;
  }
}

int64_t largest(const Literal& values) {
  int64_t result = 0;
  for (int64_t i = 0; i < values.size(); ++i) result = std::max(result, values.to_int(i));
  return result;
}

/// Classes of the labels, or tokens of labels and inputs; 0 where labels are real numbers.
int64_t count_outputs(const data::Dataset& dataset, const std::string& input,
                      const std::string& label) {
  if (!dataset.classes().empty()) return static_cast<int64_t>(dataset.classes().size());
  const Literal& labels = dataset[label];
  const Literal& inputs = dataset[input];
  if (is_floating(labels.dtype())) return 0;
  bool tokens = kIndex.contains(inputs.dtype());
  return std::max(largest(labels), tokens ? largest(inputs) : 0) + 1;
}

models::LayerSetting setting_of(const Configuration& table, const std::string& key) {
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
  const models::LayerKind* kind = models::find_layer_kind(spec);
  if (kind == nullptr || kind->settings.empty()) {
    throw make_error(ErrorCode::invalid_argument, "{}: {} has no settings", spec.where, spec.kind)
        .note("hint: write \"{}\"", spec.kind);
  }
  spec.settings[kind->settings.front()] = setting_of(element, spec.kind);
  return spec;
}

models::Sizes sizes_of(const Configuration& section) {
  models::Sizes sizes;
  for (const std::string& key : section.keys()) {
    if (key == "name") continue;
    sizes[key] = section.kind(key) == Kind::list ? section.get_ints(key)
                                                 : std::vector<int64_t>{section.get_int(key)};
  }
  return sizes;
}

Loss configure_loss(const Configuration& train) {
  std::string name =
      choose(train, "loss", "cross_entropy", {"cross_entropy", "mean_squared_error"});
  if (name == "mean_squared_error") return nn::mean_squared_error;
  return nn::cross_entropy;
}

void configure_validation(const Configuration& train, ConfiguredRun& run) {
  if (!train.has("validation")) return;
  if (train.kind("validation") == Kind::string) {
    choose(train, "validation", "test", {"test"});
    if (run.options.patience > 0) {
      throw make_error(ErrorCode::invalid_argument,
                       "{}: with patience the test set would choose the model",
                       train.where("validation"))
          .note("hint: validation = 0.1 keeps a tenth of the training set back instead");
    }
    run.options.validation = run.test;
    return;
  }
  double fraction = train.get_double("validation");
  if (fraction <= 0 || fraction >= 1) {
    fail(ErrorCode::out_of_range,
         "{}: validation is {}, a part of the training set between 0 and 1",
         train.where("validation"), fraction);
  }
  auto [kept_back, rest] = run.train.split(fraction, run.options.seed);
  run.options.validation = kept_back;
  run.train = rest;
}

}  // namespace

data::Dataset with_index_labels(const data::Dataset& dataset, const std::string& label) {
  const Literal& labels = dataset[label];
  if (!is_integer(labels.dtype()) || size_of(labels.dtype()) > 1) return dataset;
  data::Dataset result;
  for (const data::Dataset::Column& column : dataset.columns()) {
    if (column.name != label) {
      result.add(column.name, *column.values);
      continue;
    }
    Literal wide(DType::i32, labels.shape());
    for (int64_t i = 0; i < labels.size(); ++i) wide.set_int(i, labels.to_int(i));
    result.add(label, std::move(wide));
  }
  result.set_classes(dataset.classes());
  return result;
}

ConfiguredData configure_data(const Configuration& config) {
  Configuration section = config.section("data");
  ConfiguredData data;
  data.input = section.get_string("input", "image");
  data.label = section.get_string("label", "label");
  std::string source = choose(section, "source", "fashion-mnist", {"fashion-mnist", "idx", "npz"});
  if (source == "fashion-mnist") {
    data::TrainTest both = data::fashion_mnist(section.get_string("folder", ""));
    return {both.train, both.test, data.input, data.label};
  }
  if (source == "idx") {
    if (section.has("folder")) {
      data::TrainTest both = data::idx_folder(section.get_string("folder"));
      return {both.train, both.test, data.input, data.label};
    }
    data.train = data::idx(section.get_string("images"), section.get_string("labels"));
    if (section.has("test_images"))
      data.test = data::idx(section.get_string("test_images"), section.get_string("test_labels"));
  } else {
    data.train = with_index_labels(data::npz(section.get_string("train")), data.label);
    if (section.has("test"))
      data.test = with_index_labels(data::npz(section.get_string("test")), data.label);
  }
  if (section.has("classes")) {
    std::vector<std::string> classes = section.get_strings("classes");
    data.train.set_classes(classes);
    if (!data.test.empty()) data.test.set_classes(classes);
  }
  return data;
}

nn::Model configure_model(const Configuration& config, int64_t outputs) {
  Configuration section = config.section("model");
  if (section.kind("layers") == Kind::list) {  // a number is an option of some models
    std::vector<models::LayerSpec> layers;
    for (const Configuration& element : section.list("layers")) layers.push_back(layer_of(element));
    return models::layer_list(std::move(layers));
  }
  std::string name = section.get_string("name");
  models::Sizes sizes = sizes_of(section);
  return at_key(section, "name", [&] {
    const models::ZooEntry& entry = models::find_in_zoo(name);
    if (outputs > 0) sizes.try_emplace(entry.outputs, std::vector<int64_t>{outputs});
    return models::make(name, sizes);
  });
}

nn::Schedule configure_schedule(const Configuration& section, std::string_view key) {
  if (section.kind(key) != Kind::table) return nn::Schedule(section.get_double(key));
  Configuration s = section.section(key);
  nn::Schedule schedule = 0.0;
  if (s.has("one_cycle")) {
    schedule = nn::one_cycle(s.get_double("one_cycle"), s.get_double("rise", 0.3));
  } else if (s.has("cosine")) {
    schedule = nn::cosine(s.get_double("cosine"), s.get_double("final", 0));
  } else if (s.has("step")) {
    schedule =
        nn::step_decay(s.get_double("step"), s.get_double("factor", 0.1), s.get_int("every"));
  } else if (s.has("constant")) {
    schedule = s.get_double("constant");
  } else {
    throw make_error(ErrorCode::invalid_argument, "{}: which schedule?", section.where(key))
        .note("wanted: a number, or a table with one_cycle, cosine, step or constant = rate")
        .note("hint: learning_rate = {{one_cycle = 4e-3}}");
  }
  if (s.has("warm_up")) schedule = nn::warm_up(schedule, s.get_int("warm_up"));
  return schedule;
}

nn::Optimizer configure_optimizer(const Configuration& o) {
  std::string name = choose(o, "name", "adamw", {"sgd", "adam", "adamw"});
  bool has_rate = o.has("learning_rate");
  if (name == "sgd") {
    nn::SgdOptions options;
    if (has_rate) options.learning_rate = configure_schedule(o, "learning_rate");
    options.momentum = o.get_double("momentum", options.momentum);
    options.nesterov = o.get_bool("nesterov", options.nesterov);
    options.weight_decay = o.get_double("weight_decay", options.weight_decay);
    return nn::sgd(options);
  }
  nn::AdamOptions options;
  if (has_rate) options.learning_rate = configure_schedule(o, "learning_rate");
  if (o.has("betas")) {
    std::vector<double> betas = o.get_doubles("betas");
    if (betas.size() != 2)
      fail(ErrorCode::invalid_argument, "{}: betas are two numbers, not {}", o.where("betas"),
           betas.size());
    options.beta1 = betas[0];
    options.beta2 = betas[1];
  }
  options.epsilon = o.get_double("epsilon", options.epsilon);
  options.weight_decay = o.get_double("weight_decay", options.weight_decay);
  return name == "adam" ? nn::adam(options) : nn::adamw(options);
}

ConfiguredRun configure(const Configuration& config) {
  Configuration train = config.section("train");
  ConfiguredRun run;
  FitOptions& options = run.options;
  options.epochs = train.get_int("epochs", options.epochs);
  options.seed = static_cast<uint64_t>(train.get_int("seed", 0));
  options.batch = config.get_int("data.batch", options.batch);
  options.checkpoint = train.get_string("checkpoint", "");
  options.checkpoint_every = train.get_int("checkpoint_every", 0);
  options.keep_checkpoints =
      static_cast<int>(train.get_int("keep_checkpoints", options.keep_checkpoints));
  options.patience = train.get_int("patience", 0);
  if (train.has("memory_limit")) options.memory_limit = train.get_int("memory_limit");
  options.loss = configure_loss(train);
  options.optimizer = configure_optimizer(train.section("optimizer"));
  ConfiguredData data = configure_data(config);
  run.train = data.train;
  run.test = data.test;
  options.input = data.input;
  options.label = data.label;
  run.model = configure_model(config, count_outputs(run.train, options.input, options.label));
  configure_validation(train, run);
  if (config.has("data.scale") || config.has("data.offset")) {
    options.scaling.scale = config.get_double("data.scale", 1);
    options.scaling.offset = config.get_double("data.offset", 0);
  } else if (is_floating(run.train[options.input].dtype())) {
    options.scaling.scale = 1;
  }
  config.reject_unknown_keys();
  return run;
}

}  // namespace tenon::train
