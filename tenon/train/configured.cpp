#include "tenon/train/configured.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/models/layer_list.h"
#include "tenon/models/zoo.h"
#include "tenon/nn/layers.h"
#include "tenon/train/labels.h"

namespace tenon::train {

namespace {

using Kind = Configuration::Kind;

/// One of a few words; the error names the place and the nearest word.
std::string choose(const Configuration& config, std::string_view key, std::string_view otherwise,
                   std::initializer_list<std::string> words) {
  std::string word = config.get_string(key, otherwise);
  std::vector<std::string> known(words);
  if (std::find(known.begin(), known.end(), word) != known.end()) return word;
  throw make_error(ErrorCode::invalid_argument, "{} '{}' is not known", key, word)
      .note("at {}", config.where(key))
      .note("hint: {}", hint(word, known));
}

/// Adds where the value of a key was written to errors that do not say it yet.
template <class F>
decltype(auto) at_key(const Configuration& config, std::string_view key, F f) {
  try {
    return f();
  } catch (Error& error) {
    bool placed = std::ranges::any_of(error.notes(), [](const std::string& note) {
      return note.starts_with("at ") || note.starts_with("in ");
    });
    std::string where = config.where(key);
    if (!placed && !where.empty()) error.note("at {}", where);
    throw;
  }
}

/// A whole number from `least` on.
int64_t count_of(const Configuration& config, std::string_view key, int64_t otherwise,
                 int64_t least) {
  int64_t count = config.get_int(key, otherwise);
  if (count >= least) return count;
  fail(ErrorCode::out_of_range, "{}: {} is {}, it must be at least {}", config.where(key), key,
       count, least);
}

/// A number that f32 can hold.
double real_of(const Configuration& config, std::string_view key, double otherwise) {
  double number = config.get_double(key, otherwise);
  if (std::isfinite(static_cast<float>(number))) return number;
  fail(ErrorCode::out_of_range, "{}: {} is {}, beyond what f32 can hold", config.where(key), key,
       number);
}

/// The largest class or token of a column.
int64_t largest(const data::Dataset& dataset, const std::string& column) {
  const Literal& values = dataset[column];
  int64_t result = 0;
  for (int64_t i = 0; i < values.size(); ++i) {
    int64_t value = values.to_int(i);
    if (value >= INT32_MAX)
      fail(ErrorCode::out_of_range, "'{}' of row {} is {}: too large for a class or a token",
           column, i / (values.size() / dataset.size()), value);
    result = std::max(result, value);
  }
  return result;
}

/// Classes of the labels, tokens of labels and inputs, or the real numbers of a row.
int64_t count_outputs(const data::Dataset& dataset, const std::string& input,
                      const std::string& label) {
  const Literal& labels = dataset[label];
  const Literal& inputs = dataset[input];
  if (is_floating(labels.dtype())) return labels.shape().size() == 2 ? labels.shape()[1] : 1;
  if (!dataset.classes().empty()) return static_cast<int64_t>(dataset.classes().size());
  bool tokens = kIndex.contains(inputs.dtype());
  return std::max(largest(dataset, label), tokens ? largest(dataset, input) : 0) + 1;
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
  const models::LayerKind* kind =
      at_key(element, "", [&] { return models::find_layer_kind(spec); });
  if (kind == nullptr || kind->settings.empty()) {
    throw make_error(ErrorCode::invalid_argument, "{}: {} has no settings", spec.where, spec.kind)
        .note("hint: write \"{}\"", spec.kind);
  }
  spec.settings[kind->settings.front()] = setting_of(element, spec.kind);
  return spec;
}

/// A list, or a number as a list of one.
std::vector<int64_t> sizes_of(const Configuration& section, const std::string& key) {
  if (section.kind(key) == Kind::list) return section.get_ints(key);
  return {section.get_int(key)};
}

std::string name_of_loss(const Configuration& train) {
  return choose(train, "loss", "cross_entropy", {"cross_entropy", "mean_squared_error"});
}

void configure_validation(const Configuration& train, ConfiguredRun& run) {
  if (!train.has("validation")) {
    if (run.options.patience <= 0) return;
    throw make_error(ErrorCode::invalid_argument,
                     "{}: patience needs a validation set to be patient about",
                     train.where("patience"))
        .note("hint: validation = 0.1 keeps a tenth of the training set back");
  }
  if (train.kind("validation") == Kind::string) {
    choose(train, "validation", "test", {"test"});
    if (run.test.empty()) {
      throw make_error(ErrorCode::invalid_argument, "{}: [data] names no test set to validate with",
                       train.where("validation"))
          .note("hint: validation = 0.1 keeps a tenth of the training set back instead");
    }
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
  const int64_t rows = run.train.size();
  auto [kept_back, rest] = std::move(run.train).split(fraction, run.options.seed);
  if (kept_back.empty() || rest.empty()) {
    fail(ErrorCode::out_of_range, "{}: validation = {} of {} rows leaves nothing to {} with",
         train.where("validation"), fraction, rows, rest.empty() ? "train" : "validate");
  }
  run.options.validation = std::move(kept_back);
  run.train = std::move(rest);
}

}  // namespace

namespace {

data::Dataset with_labels_as(DType dtype, data::Dataset dataset, const std::string& label) {
  const Literal& given = dataset[label];
  Literal labels = Literal::uninitialized(dtype, given.shape());
  for (int64_t i = 0; i < labels.size(); ++i) {
    if (is_floating(dtype)) {
      labels.set_double(i, given.to_double(i));
    } else {
      labels.set_int(i, given.to_int(i));
    }
  }
  return dataset.replace(label, std::move(labels));
}

}  // namespace

data::Dataset labelled_npz(const std::string& file, const std::string& input,
                           const std::string& label) {
  if (input == label)
    fail(ErrorCode::invalid_argument, "{}: '{}' cannot be input and label at once", file, input);
  data::Dataset dataset = data::npz(file, {input, label});
  if (dataset.empty()) {
    throw make_error(ErrorCode::invalid_argument, "{}: the data set has no rows", file)
        .note("{}  {}", input, dataset[input].type().to_string());
  }
  const DType labels = dataset[label].dtype();
  bool small = !is_floating(labels) && size_of(labels) == 1;
  return small ? with_labels_as(DType::i32, std::move(dataset), label) : dataset;
}

namespace {

/// What a source needs, all at once: the first missing key alone says little.
void require_files(const Configuration& data, const std::string& source,
                   std::initializer_list<std::string_view> keys, const char* wanted) {
  if (std::ranges::all_of(keys, [&](std::string_view key) { return data.has(key); })) return;
  std::string where = data.where("source");
  throw make_error(ErrorCode::not_found, "data: source = \"{}\" lacks its files", source)
      .note("at {}", where.empty() ? data.where("") : where)
      .note("wanted: {}", wanted)
      .note("found: {}", join(data.keys(), ", "));
}

}  // namespace

ConfiguredData configure_data(const Configuration& config, data::Parts parts) {
  const bool train = parts == data::Parts::all;
  Configuration section = config.section("data");
  ConfiguredData data;
  data.input = section.get_string("input", "image");
  data.label = section.get_string("label", "label");
  if (data.input == data.label) {
    throw make_error(ErrorCode::invalid_argument, "data: '{}' cannot be input and label at once",
                     data.input)
        .note("at {}", section.where(section.has("input") ? "input" : "label"));
  }
  std::string source = choose(section, "source", "fashion-mnist", {"fashion-mnist", "idx", "npz"});
  data::TrainTest both;
  if (source == "fashion-mnist") {
    both = data::fashion_mnist(section.get_string("folder", ""), parts);
  } else if (source == "idx" && section.has("folder")) {
    both = data::idx_folder(section.get_string("folder"), parts);
  } else if (source == "idx") {
    if (train) {
      require_files(section, source, {"images", "labels"},
                    "folder = …, or images, labels and, for a test set, test_images, test_labels");
      both.train = data::idx(section.get_string("images"), section.get_string("labels"));
    }
    if (section.has("test_images"))
      both.test = data::idx(section.get_string("test_images"), section.get_string("test_labels"));
  } else {
    if (train)
      require_files(section, source, {"train"}, "train = \"FILE.npz\" and, for a test set, test");
    auto read = [&](std::string_view key) {
      return at_key(section, key,
                    [&] { return labelled_npz(section.get_string(key), data.input, data.label); });
    };
    if (train) both.train = read("train");
    if (section.has("test")) both.test = read("test");
  }
  for (auto [half, name] : {std::pair(&both.train, "training"), std::pair(&both.test, "test")}) {
    if (!half->columns().empty() && half->empty())
      fail(ErrorCode::invalid_argument, "{}: the {} set has no rows", section.where(""), name);
  }
  if (section.has("classes")) {
    std::vector<std::string> classes = section.get_strings("classes");
    for (data::Dataset* half : {&both.train, &both.test})
      at_key(section, "classes", [&] { half->set_classes(classes); });
  }
  data.train = std::move(both.train);
  data.test = std::move(both.test);
  return data;
}

nn::Model configure_model(const Configuration& config, int64_t outputs) {
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
  models::Sizes sizes;
  for (const std::string& key : section.keys()) {
    if (key == "name") continue;
    sizes[key] = sizes_of(section, key);
    // By itself, so that what is wrong with it is placed where it was written.
    at_key(section, key, [&] { models::make(name, {{key, sizes[key]}}); });
  }
  if (outputs > 0) sizes.try_emplace(entry.outputs, std::vector<int64_t>{outputs});
  return models::make(name, sizes);
}

namespace {

nn::Schedule schedule_of(const Configuration& section, std::string_view key) {
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
    const std::vector<std::string> known = {"one_cycle", "cosine", "step", "constant"};
    std::vector<std::string> given = s.keys();
    throw make_error(ErrorCode::invalid_argument, "{}: which schedule?", key)
        .note("at {}", section.where(key))
        .note("wanted: a number, or a table such as {{one_cycle = 4e-3}}")
        .note("hint: {}", hint(given.empty() ? "" : given[0], known));
  }
  if (s.has("warm_up")) schedule = nn::warm_up(schedule, s.get_int("warm_up"));
  return schedule;
}

}  // namespace

nn::Schedule configure_schedule(const Configuration& section, std::string_view key) {
  return at_key(section, key, [&] { return schedule_of(section, key); });
}

namespace {

nn::Optimizer clipped(const nn::Optimizer& optimizer, const Configuration& o) {
  return o.has("clip") ? optimizer.with_clipped_gradient(o.get_double("clip")) : optimizer;
}

nn::Optimizer optimizer_of(const Configuration& o) {
  std::string name = choose(o, "name", "adamw", {"sgd", "adam", "adamw"});
  bool has_rate = o.has("learning_rate");
  if (name == "sgd") {
    nn::SgdOptions options;
    if (has_rate) options.learning_rate = configure_schedule(o, "learning_rate");
    options.momentum = o.get_double("momentum", options.momentum);
    options.nesterov = o.get_bool("nesterov", options.nesterov);
    options.weight_decay = o.get_double("weight_decay", options.weight_decay);
    return clipped(nn::sgd(options), o);
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
  return clipped(name == "adam" ? nn::adam(options) : nn::adamw(options), o);
}

}  // namespace

nn::Optimizer configure_optimizer(const Configuration& optimizer) {
  return at_key(optimizer, "", [&] { return optimizer_of(optimizer); });
}

namespace {

/// First of all: a misspelt section would be missed as a key that is not there.
void reject_unknown_sections(const Configuration& config) {
  const std::vector<std::string> known = {"data", "model", "train"};
  for (const std::string& name : config.keys()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    throw make_error(ErrorCode::invalid_argument, "unknown key {}", name)
        .note("{}: {}: {}", config.where(name), name, hint(name, known));
  }
}

}  // namespace

ConfiguredRun configure(const Configuration& config) {
  reject_unknown_sections(config);
  Configuration train = config.section("train");
  ConfiguredRun run;
  FitOptions& options = run.options;
  options.epochs = count_of(train, "epochs", options.epochs, 1);
  options.seed = static_cast<uint64_t>(train.get_int("seed", 0));
  options.batch = count_of(config, "data.batch", options.batch, 1);
  options.checkpoint = train.get_string("checkpoint", "");
  options.checkpoint_every = count_of(train, "checkpoint_every", 0, 0);
  options.checkpoint_seconds = train.get_double("checkpoint_seconds", options.checkpoint_seconds);
  if (!(options.checkpoint_seconds >= 0)) {
    fail(ErrorCode::out_of_range, "{}: checkpoint_seconds is {}, it must be at least 0",
         train.where("checkpoint_seconds"), options.checkpoint_seconds);
  }
  options.keep_checkpoints =
      static_cast<int>(count_of(train, "keep_checkpoints", options.keep_checkpoints, 1));
  options.patience = count_of(train, "patience", 0, 0);
  options.memory_limit = count_of(train, "memory_limit", 0, 0);
  options.optimizer = configure_optimizer(train.section("optimizer"));
  ConfiguredData data = configure_data(config);
  run.train = std::move(data.train);  // alone, so that a part for validation needs no second copy
  run.test = std::move(data.test);
  options.input = data.input;
  options.label = data.label;
  std::string loss = name_of_loss(train);
  options.loss = loss_named(loss);
  if (loss == "mean_squared_error") {
    run.train = with_labels_as(DType::f32, std::move(run.train), data.label);
    if (!run.test.empty()) run.test = with_labels_as(DType::f32, std::move(run.test), data.label);
  }
  run.model = configure_model(config, count_outputs(run.train, options.input, options.label));
  options.test = run.test;
  configure_validation(train, run);
  if (config.has("data.scale") || config.has("data.offset"))
    options.scaling = InputScaling{.scale = real_of(config, "data.scale", 1),
                                   .offset = real_of(config, "data.offset", 0)};
  config.reject_unknown_keys();
  return run;
}

}  // namespace tenon::train
