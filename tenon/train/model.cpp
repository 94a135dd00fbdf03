#include "tenon/train/model.h"

#include <fmt/format.h>

#include "tenon/base/error.h"
#include "tenon/base/json.h"
#include "tenon/base/strings.h"
#include "tenon/format/safetensors.h"
#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"
#include "tenon/tensor/tracing.h"
#include "tenon/train/labels.h"

namespace tenon::train {

namespace {

constexpr const char* kGraphKey = "tenon.graph";
constexpr const char* kModelKey = "tenon.model";
/// The newest of the formats: 2 adds long literals, 3 several inputs or outputs. A file says the
/// oldest that it needs.
constexpr int kFormatVersion = 3;

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

namespace {

nn::Signature one_input(Type example) {
  example.shape.insert(0, Dim::symbol("batch"));
  return {{"", std::move(example)}};
}

bool is_one_unnamed(const std::vector<std::string>& names) {
  return names.size() == 1 && names[0].empty();
}

/// What the graph calls an input.
std::string graph_name(const nn::NamedType& input) {
  return input.name.empty() ? "input" : input.name;
}

Tree scaled(const Tree& inputs, const InputScalings& scalings) {
  if (inputs.is_leaf()) {
    auto scaling = scalings.find("");
    return scaling == scalings.end() ? inputs : Tree(scaling->second.apply(inputs.leaf()));
  }
  Tree result = inputs;
  for_each_leaf(result, [&](const std::string& path, Tensor& leaf) {
    if (auto scaling = scalings.find(path); scaling != scalings.end())
      leaf = scaling->second.apply(leaf);
  });
  return result;
}

}  // namespace

Model::Model(const nn::ModelFunction& function, nn::Variables variables, const Type& example,
             InputScaling scaling, std::vector<std::string> classes,
             std::map<std::string, std::string> about)
    : Model(function, std::move(variables), one_input(example), {{"", scaling}}, std::move(classes),
            std::move(about)) {}

Model::Model(const nn::ModelFunction& function, nn::Variables variables, nn::Signature inputs,
             const InputScalings& scalings, std::vector<std::string> classes,
             std::map<std::string, std::string> about)
    : variables_(std::move(variables)),
      classes_(std::move(classes)),
      inputs_(std::move(inputs)),
      about_(std::move(about)) {
  std::vector<Type> types;
  std::vector<std::string> names;
  for (const nn::NamedType& input : inputs_) {
    types.push_back(input.type);
    names.push_back(graph_name(input));
  }
  for (const Tree* tree : {&variables_.parameters, &variables_.state}) {
    for_each_leaf(*tree, [&](const std::string& path, const Tensor& leaf) {
      types.push_back(leaf.type());
      names.push_back(path);
    });
  }
  const size_t count = inputs_.size(), parameters = variables_.parameters.leaf_count();
  auto f = [&](std::vector<Tensor> arguments) {
    std::span<const Tensor> all(arguments);
    nn::Variables traced{with_leaves(variables_.parameters, all.subspan(count, parameters)),
                         with_leaves(variables_.state, all.subspan(count + parameters))};
    Tree given =
        nn::tree_of(inputs_, {arguments.begin(), arguments.begin() + static_cast<long>(count)});
    Tree outputs = nn::apply(function, traced, scaled(given, scalings));
    output_names_ = leaf_paths(outputs);
    return leaves_of(outputs);
  };
  Traced traced = trace(f, types, "model", names);
  graph_ = traced.graph;
  captured_ = traced.captures;
}

nn::Signature Model::outputs() const {
  require_graph("outputs");
  nn::Signature outputs;
  for (size_t i = 0; i < output_names_.size(); ++i)
    outputs.push_back({output_names_[i], graph_->output_types()[i]});
  return outputs;
}

Type Model::example() const {
  if (inputs_.size() != 1 || inputs_[0].type.rank() == 0) {
    std::vector<std::string> names;
    for (const nn::NamedType& input : inputs_) names.push_back(graph_name(input));
    throw make_error(ErrorCode::unsupported, "the model does not take rows of one tensor")
        .note("its inputs are {}", join(names, ", "));
  }
  Type row = inputs_[0].type;
  row.shape.erase(0);
  return row;
}

void Model::require_graph(const char* what) const {
  if (!graph_) fail(ErrorCode::invalid_argument, "{}: this model is empty", what);
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

namespace {

/// Whether a tensor may stand for an input: equal but for the symbols of the input.
bool fits(const Type& given, const Type& wanted) {
  if (given.dtype != wanted.dtype || given.rank() != wanted.rank()) return false;
  for (size_t i = 0; i < wanted.rank(); ++i) {
    if (wanted.shape[i].is_constant() && given.shape[i] != wanted.shape[i]) return false;
  }
  return true;
}

}  // namespace

std::vector<Buffer> Model::input_buffers(const Tree& inputs) const {
  std::vector<Buffer> buffers;
  for (const nn::NamedType& input : inputs_) {
    const Tensor& given =
        input.name.empty() ? nn::detail::only_tensor(inputs, "takes") : inputs.at(input.name);
    if (!fits(given.type(), input.type)) {
      throw make_error(ErrorCode::shape_mismatch, "predict: the model takes {}{}, not {}",
                       input.name.empty() ? "" : input.name + " ", input.type.to_string(),
                       given.type().to_string());
    }
    buffers.push_back(given.buffer());
  }
  return buffers;
}

Tree Model::predict(const Tree& inputs) const {
  require_graph("predict");
  std::vector<Buffer> buffers = input_buffers(inputs);
  std::call_once(compiled_->once, [&] { compiled_->executable = compile(*graph_, core_ops()); });
  const Executable* executable = compiled_->executable.get();
  if (bound_) {
    std::call_once(bound_->once, [&] {
      BoundInputs values;
      for (const auto& [name, tensor] : operands())
        values.emplace(values.size() + inputs_.size(), tensor.buffer());
      bound_->executable = compiled_->executable->bind_inputs(values);
    });
    executable = bound_->executable.get();
  } else {
    for (const auto& [name, tensor] : operands()) buffers.push_back(tensor.buffer());
  }
  std::vector<Buffer> results = executable->run(std::move(buffers));
  if (is_one_unnamed(output_names_)) return Tree(Tensor(results.at(0)));
  Tree outputs;
  for (size_t i = 0; i < output_names_.size(); ++i)
    outputs.set(output_names_[i], Tensor(results.at(i)));
  return outputs;
}

Tensor Model::predict(const Tensor& inputs) const {
  return nn::detail::only_tensor(predict(Tree(inputs)), "gives");
}

std::string Model::about(const std::string& key, const std::string& otherwise) const {
  auto text = about_.find(key);
  return text == about_.end() ? otherwise : text->second;
}

bool Model::gives_classes() const {
  return labels_of(about("loss", "cross_entropy")) == LabelKind::classes;
}

namespace {

/// A model of rows of one tensor says what older versions read.
void add_signature(const nn::Signature& inputs, const std::vector<std::string>& outputs,
                   Json& meta) {
  const Type& first = inputs[0].type;
  const bool has_rows = first.rank() > 0 && first.shape[0] == Dim::symbol("batch");
  if (inputs.size() == 1 && inputs[0].name.empty() && has_rows && is_one_unnamed(outputs)) {
    Type row = first;
    row.shape.erase(0);
    meta["example"] = row.to_string();
    return;
  }
  meta["version"] = kFormatVersion;
  meta["inputs"] = Json::array();
  for (const nn::NamedType& input : inputs)
    meta["inputs"].push_back({{"name", input.name}, {"type", input.type.to_string()}});
  meta["outputs"] = outputs;
}

nn::Signature inputs_of(const Json& meta, const std::string& source) {
  if (!meta.contains("inputs")) return one_input(Type::parse(json_string(meta, "example", source)));
  if (!meta["inputs"].is_array() || meta["inputs"].empty())
    fail(ErrorCode::corrupt, "{}: \"inputs\" is not a list of names and types", source);
  nn::Signature inputs;
  for (const Json& input : meta["inputs"]) {
    inputs.push_back(
        {json_string(input, "name", source), Type::parse(json_string(input, "type", source))});
  }
  return inputs;
}

}  // namespace

void Model::save(const std::filesystem::path& path) const {
  require_graph("save");
  std::vector<std::string> order;
  NamedLiterals kept;
  for (const auto& [name, tensor] : operands()) {
    order.push_back(name);
    kept.emplace(name, tensor.literal());
  }
  const std::map<std::string, Literal> constants = long_literals(*graph_);
  for (const auto& [name, literal] : constants)
    kept.emplace(fmt::format("{}{}", kConstants, name), literal);
  Json meta = {{"version", constants.empty() ? 1 : 2}, {"classes", classes_}, {"order", order}};
  add_signature(inputs_, output_names_, meta);
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
    model.inputs_ = inputs_of(json, source);
    if (json.contains("inputs")) model.output_names_ = json_strings(json, "outputs", source);
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
  std::vector<Type> wanted;
  for (const nn::NamedType& input : model.inputs_) wanted.push_back(input.type);
  for (const auto& [operand, tensor] : model.operands()) wanted.push_back(tensor.type());
  if (inputs != wanted || model.graph_->output_types().size() != model.output_names_.size())
    fail(ErrorCode::corrupt, "{}: the tensors are not those that the model's graph takes", name);
  return model;
}

void save(const Model& model, const std::filesystem::path& path) { model.save(path); }

}  // namespace tenon::train
