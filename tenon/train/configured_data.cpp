#include <algorithm>
#include <utility>

#include "tenon/base/strings.h"
#include "tenon/data/sources.h"
#include "tenon/train/configured.h"
#include "tenon/train/configured_values.h"

namespace tenon::train {

namespace {

/// What a source needs, all at once: the first missing key alone says little.
void require_files(const Configuration& data, const std::string& source,
                   std::initializer_list<std::string_view> keys, const char* wanted) {
  if (std::ranges::all_of(keys, [&](std::string_view key) { return data.has(key); })) return;
  std::string where = data.where("source");
  throw make_error(ErrorCode::not_found, "data: source = \"{}\" lacks its files", source)
      .note("at {}", where.empty() ? data.where("") : where)
      .note("expected: {}", wanted)
      .note("found: {}", join(data.keys(), ", "));
}

}  // namespace

data::Dataset labelled_npz(const std::string& file, const Columns& input, const Columns& label) {
  std::vector<std::string> names = input.names();
  for (const std::string& name : label.names()) {
    if (std::ranges::find(names, name) == names.end()) {
      names.push_back(name);
    } else if (label.is_one() && input.is_one()) {
      fail(ErrorCode::invalid_argument, "{}: '{}' cannot be input and label at once", file, name);
    }
  }
  data::Dataset dataset = data::npz(file, names);
  if (dataset.empty()) {
    throw make_error(ErrorCode::invalid_argument, "{}: the data set has no rows", file)
        .note("{}  {}", names.front(), dataset[names.front()].type().to_string());
  }
  if (!label.is_one()) return dataset;
  const std::string& only = label.names().front();
  const DType labels = dataset[only].dtype();
  bool small = !is_floating(labels) && size_of(labels) == 1;
  return small ? labels_as(DType::i32, std::move(dataset), only) : dataset;
}

namespace {

/// "image" for one column, ["source", "target"] for a tree of several.
Columns columns_of(const Configuration& section, std::string_view key, const char* otherwise) {
  if (section.kind(key) == Configuration::Kind::list) return Columns(section.get_strings(key));
  return Columns(section.get_string(key, otherwise));
}

}  // namespace

ConfiguredData configure_data(const Configuration& config, data::Parts parts) {
  const bool train = parts == data::Parts::all;
  Configuration section = config.section("data");
  ConfiguredData data;
  data.input = columns_of(section, "input", "image");
  data.label = columns_of(section, "label", "label");
  if (data.input == data.label) {
    throw make_error(ErrorCode::invalid_argument, "data: '{}' cannot be input and label at once",
                     data.input.to_string())
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

}  // namespace tenon::train
