#include "tenon/train/model.h"

#include <fmt/format.h>

#include "tenon/base/error.h"
#include "tenon/base/json.h"
#include "tenon/format/safetensors.h"
#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"
#include "tenon/tensor/tracing.h"

namespace tenon::train {

namespace {

constexpr const char* kGraphKey = "tenon.graph";
constexpr const char* kModelKey = "tenon.model";
constexpr int kFormatVersion = 2;  // 1 knows no long literals

constexpr std::string_view kParameters = "parameters.";
constexpr std::string_view kState = "state.";
constexpr std::string_view kCaptured = "captured.";
constexpr std::string_view kConstants = "constants.";  // long literals of the graph

std::vector<Type> types_of(const Tree& tree) {
  std::vector<Type> types;
  for_each_leaf(tree,
                [&](const std::string&, const Tensor& leaf) { types.push_back(leaf.type()); });
  return types;
}

}  // namespace

Tensor InputScaling::apply(const Tensor& raw) const {
  if (!to_float) return raw;
  Tensor x = raw.cast(DType::f32);
  if (scale != 1) x = x * scale;
  return offset != 0 ? x + offset : x;
}

InputScaling default_scaling(const Type& example) {
  const bool bytes = example.dtype == DType::u8;
  // A column of a table has its own range, such as 0 to 15, which 1/255 would all but erase.
  const bool picture = bytes && example.rank() >= 2;
  return {.to_float = bytes || !is_integer(example.dtype), .scale = picture ? 1.0 / 255 : 1.0};
}

Model::Model(const nn::ModelFunction& function, nn::Variables variables, const Type& example,
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
  auto f = [&](std::vector<Tensor> arguments) {
    std::span<const Tensor> all(arguments);
    nn::Variables traced{with_leaves(variables_.parameters, all.subspan(1, parameters)),
                         with_leaves(variables_.state, all.subspan(1 + parameters))};
    return std::vector<Tensor>{nn::apply(function, traced, scaling.apply(arguments[0]))};
  };
  Traced traced = trace(f, types, "model", names);
  graph_ = traced.graph;
  captured_ = traced.captures;
}

std::vector<std::pair<std::string, Tensor>> Model::operands() const {
  std::vector<std::pair<std::string, Tensor>> all;
  auto add = [&](std::string_view prefix, const Tree& tree) {
    for_each_leaf(tree, [&](const std::string& path, const Tensor& leaf) {
      all.emplace_back(std::string(prefix) + path, leaf);
    });
  };
  add(kParameters, variables_.parameters);
  add(kState, variables_.state);
  for (size_t i = 0; i < captured_.size(); ++i)
    all.emplace_back(fmt::format("{}{}", kCaptured, i), captured_[i]);
  return all;
}

Model Model::with_variables(nn::Variables variables) const {
  bool same = types_of(variables.parameters) == types_of(variables_.parameters) &&
              types_of(variables.state) == types_of(variables_.state);
  if (!same)
    fail(ErrorCode::shape_mismatch, "with_variables: these are not the variables of this model");
  Model other = *this;
  other.variables_ = std::move(variables);
  other.bound_ = nullptr;
  return other;
}

Model Model::bound() const {
  Model other = *this;
  if (!bound_) other.bound_ = std::make_shared<Compiled>();
  return other;
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
  if (bound_) {
    std::call_once(bound_->once, [&] {
      BoundInputs values;
      for (const auto& [name, tensor] : operands())
        values.emplace(values.size() + 1, tensor.buffer());
      bound_->executable = compiled_->executable->bind_inputs(values);
    });
    return Tensor(bound_->executable->run({inputs.buffer()}).at(0));
  }
  std::vector<Buffer> buffers{inputs.buffer()};
  for (const auto& [name, tensor] : operands()) buffers.push_back(tensor.buffer());
  return Tensor(compiled_->executable->run(std::move(buffers)).at(0));
}

std::string Model::about(const std::string& key, const std::string& otherwise) const {
  auto text = about_.find(key);
  return text == about_.end() ? otherwise : text->second;
}

bool Model::gives_classes() const { return about("loss", "cross_entropy") == "cross_entropy"; }

void Model::save(const std::filesystem::path& path) const {
  if (!graph_) fail(ErrorCode::invalid_argument, "save: this model is empty");
  std::vector<std::string> order;
  NamedLiterals kept;
  for (const auto& [name, tensor] : operands()) {
    order.push_back(name);
    kept.emplace(name, tensor.literal());
  }
  const std::map<std::string, Literal> constants = long_literals(*graph_);
  for (const auto& [name, literal] : constants)
    kept.emplace(fmt::format("{}{}", kConstants, name), literal);
  Json meta = {{"version", constants.empty() ? 1 : kFormatVersion},
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

bool Model::is_in(const SafetensorsFile& file) {
  return file.metadata().contains(kGraphKey) && file.metadata().contains(kModelKey);
}

Model Model::load(const std::filesystem::path& path, Loading loading) {
  return read(SafetensorsFile(path), path.string(), loading);
}

Model Model::parse(std::span<const std::byte> bytes, std::string_view name) {
  return read(SafetensorsFile(bytes, name), name, Loading::copied);
}

namespace {

std::unique_ptr<Graph> read_graph(const SafetensorsFile& file,
                                  const std::function<Literal(const SafetensorsEntry&)>& read) {
  std::map<std::string, Literal> constants;
  for (const SafetensorsEntry& entry : file.tensors()) {
    if (entry.name.starts_with(kConstants))
      constants.emplace(entry.name.substr(kConstants.size()), read(entry));
  }
  return parse_graph(file.metadata().at(kGraphKey), core_ops(), constants);
}

}  // namespace

Model Model::read(const SafetensorsFile& file, std::string_view name, Loading loading) {
  if (!is_in(file)) {
    throw make_error(ErrorCode::invalid_argument, "{} holds tensors but no model", name)
        .note(
            "hint: `tenon train` writes models; a checkpoint becomes one when its training goes on "
            "to the end");
  }
  std::string source = fmt::format("{} (metadata)", name);
  Json json = parse_json(file.metadata().at(kModelKey), source);
  int64_t version = json_integer(json, "version", source);
  if (version > kFormatVersion) {
    fail(ErrorCode::unsupported,
         "{}: model format {} is newer than this build, which reads up to {}", name, version,
         kFormatVersion);
  }
  // Models of equal variables hold them once.
  const auto literal_of = [&](const SafetensorsEntry& entry) {
    return loading == Loading::mapped ? file.map(entry) : share_equal(file.read(entry));
  };
  Model model;
  model.bound_ = std::make_shared<Compiled>();
  model.classes_ = json_strings(json, "classes", source);
  model.about_ = json_texts(json, "about", source);
  try {
    model.example_ = Type::parse(json_string(json, "example", source));
    model.graph_ = read_graph(file, literal_of);
  } catch (const Error& error) {
    throw make_error(ErrorCode::corrupt, "{}: the model's graph cannot be read: {}", name,
                     error.message());
  }
  // The graph takes its inputs in this order; the file keeps them in another one.
  for (const std::string& full : json_strings(json, "order", source)) {
    Tensor tensor(literal_of(file.at(full)));
    if (full.starts_with(kParameters)) {
      model.variables_.parameters.set(full.substr(kParameters.size()), tensor);
    } else if (full.starts_with(kState)) {
      model.variables_.state.set(full.substr(kState.size()), tensor);
    } else {
      model.captured_.push_back(tensor);
    }
  }
  std::vector<Type> inputs = model.graph_->input_types();
  std::vector<Type> wanted{model.example_};
  wanted[0].shape.insert(0, Dim::symbol("batch"));
  for (const auto& [operand, tensor] : model.operands()) wanted.push_back(tensor.type());
  if (inputs != wanted)
    fail(ErrorCode::corrupt, "{}: the tensors are not those that the model's graph takes", name);
  return model;
}

void save(const Model& model, const std::filesystem::path& path) { model.save(path); }

}  // namespace tenon::train
