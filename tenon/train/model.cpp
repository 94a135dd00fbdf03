#include "tenon/train/model.h"

#include <fmt/format.h>

#include "tenon/base/error.h"
#include "tenon/base/json.h"
#include "tenon/format/safetensors.h"
#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"

namespace tenon::train {

namespace {

constexpr const char* kGraphKey = "tenon.graph";
constexpr const char* kModelKey = "tenon.model";
constexpr int kFormatVersion = 1;

std::vector<Tensor> all_leaves(const nn::Variables& variables) {
  std::vector<Tensor> leaves = leaves_of(variables.parameters);
  std::vector<Tensor> state = leaves_of(variables.state);
  leaves.insert(leaves.end(), state.begin(), state.end());
  return leaves;
}

}  // namespace

Tensor InputScaling::apply(const Tensor& raw) const {
  if (!to_float) return raw;
  Tensor x = raw.cast(DType::f32);
  if (scale != 1) x = x * scale;
  return offset != 0 ? x + offset : x;
}

Model::Model(const nn::Model& function, nn::Variables variables, const Type& example,
             InputScaling scaling, std::vector<std::string> classes,
             std::map<std::string, std::string> about)
    : variables_(std::move(variables)),
      classes_(std::move(classes)),
      example_(example),
      about_(std::move(about)) {
  Type input = example_;
  input.shape.insert(0, Dim::symbol("batch"));
  std::vector<Type> types{input};
  std::vector<std::string> names{"input"};
  for (const Tree* tree : {&variables_.parameters, &variables_.state}) {
    for_each_leaf(*tree, [&](const std::string& path, const Tensor& leaf) {
      types.push_back(leaf.type());
      names.push_back(path);
    });
  }
  size_t parameters = variables_.parameters.leaf_count();
  FlatFunction f = [&](std::vector<Tensor> arguments) {
    std::span<const Tensor> all(arguments);
    nn::Variables traced{with_leaves(variables_.parameters, all.subspan(1, parameters)),
                         with_leaves(variables_.state, all.subspan(1 + parameters))};
    return std::vector<Tensor>{nn::apply(function, traced, scaling.apply(arguments[0]))};
  };
  Traced traced = trace(f, types, "model", names);
  check(traced.captures.empty(), "a model's graph takes everything as inputs");
  graph_ = traced.graph;
}

Tensor Model::predict(const Tensor& inputs) const {
  if (!graph_) fail(ErrorCode::invalid_argument, "predict: this model is empty");
  Type wanted = example_;
  wanted.shape.insert(0, inputs.rank() > 0 ? inputs.shape()[0] : Dim(1));
  if (inputs.type() != wanted) {
    Type shown = example_;
    shown.shape.insert(0, Dim::symbol("batch"));
    throw make_error(ErrorCode::shape_mismatch, "predict: the model takes {}, not {}",
                     shown.to_string(), inputs.type().to_string());
  }
  std::call_once(compiled_->once, [&] { compiled_->executable = compile(*graph_, core_ops()); });
  std::vector<Buffer> buffers{inputs.buffer()};
  for (const Tensor& leaf : all_leaves(variables_)) buffers.push_back(leaf.buffer());
  return Tensor(compiled_->executable->run(std::move(buffers)).at(0));
}

void Model::save(const std::filesystem::path& path) const {
  if (!graph_) fail(ErrorCode::invalid_argument, "save: this model is empty");
  std::vector<std::string> order;
  NamedLiterals kept;
  auto add = [&](const std::string& prefix, const Tree& tree) {
    for_each_leaf(tree, [&](const std::string& leaf_path, const Tensor& leaf) {
      order.push_back(prefix + leaf_path);
      kept.emplace(order.back(), leaf.literal());
    });
  };
  add("parameters.", variables_.parameters);
  add("state.", variables_.state);
  Json meta = {{"version", kFormatVersion},
               {"example", example_.to_string()},
               {"classes", classes_},
               {"order", order}};
  Json about = Json::object();
  for (const auto& [key, text] : about_) about[key] = text;
  meta["about"] = about;
  write_safetensors(
      path, views_of(kept),
      {{kGraphKey, to_text(*graph_)}, {kModelKey, dump_json(meta, JsonStyle::compact)}});
}

Model Model::load(const std::filesystem::path& path) {
  return read(SafetensorsFile(path), path.string());
}

Model Model::parse(std::span<const std::byte> bytes, std::string_view name) {
  return read(SafetensorsFile(bytes, name), name);
}

Model Model::read(const SafetensorsFile& file, std::string_view name) {
  auto graph = file.metadata().find(kGraphKey);
  auto meta = file.metadata().find(kModelKey);
  if (graph == file.metadata().end() || meta == file.metadata().end()) {
    throw make_error(ErrorCode::invalid_argument, "{} holds tensors but no model", name)
        .note(
            "hint: `tenon train` writes models; a checkpoint becomes one when its training goes on "
            "to the end");
  }
  std::string source = fmt::format("{} (metadata)", name);
  Json json = parse_json(meta->second, source);
  int64_t version = json_integer(json, "version", source);
  if (version > kFormatVersion) {
    fail(ErrorCode::unsupported,
         "{}: model format {} is newer than this build, which reads up to {}", name, version,
         kFormatVersion);
  }
  Model model;
  model.classes_ = json_strings(json, "classes", source);
  model.about_ = json_texts(json, "about", source);
  try {
    model.example_ = Type::parse(json_string(json, "example", source));
    model.graph_ = parse_graph(graph->second, core_ops());
  } catch (const Error& error) {
    throw make_error(error.code(), "{}: the model's graph cannot be read: {}", name,
                     error.message());
  }
  // The graph takes its inputs in this order; the file keeps them in another one.
  for (const std::string& full : json_strings(json, "order", source)) {
    Tree& tree =
        full.starts_with("parameters.") ? model.variables_.parameters : model.variables_.state;
    tree.set(full.substr(full.find('.') + 1), Tensor(file.read(full)));
  }
  std::vector<Type> inputs = model.graph_->input_types();
  std::vector<Type> wanted{model.example_};
  wanted[0].shape.insert(0, Dim::symbol("batch"));
  for (const Tensor& leaf : all_leaves(model.variables_)) wanted.push_back(leaf.type());
  if (inputs != wanted)
    fail(ErrorCode::corrupt, "{}: the tensors are not those that the model's graph takes", name);
  return model;
}

void save(const Model& model, const std::filesystem::path& path) { model.save(path); }

}  // namespace tenon::train
