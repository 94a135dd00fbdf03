#include "tenon/models/layer_list.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/nn/call.h"
#include "tenon/nn/layers.h"

namespace tenon::models {

namespace {

/// Typed access to the settings of one layer.
class Settings {
 public:
  explicit Settings(const LayerSpec& spec) : spec_(spec) {}

  bool has(const std::string& name) const { return spec_.settings.contains(name); }
  int64_t integer(const std::string& name) const { return get<int64_t>(name, "a whole number"); }
  int64_t integer(const std::string& name, int64_t otherwise) const {
    return has(name) ? integer(name) : otherwise;
  }
  bool boolean(const std::string& name, bool otherwise) const {
    return has(name) ? get<bool>(name, "true or false") : otherwise;
  }
  std::string text(const std::string& name, const std::string& otherwise) const {
    return has(name) ? get<std::string>(name, "a string") : otherwise;
  }
  double real(const std::string& name, double otherwise) const {
    if (!has(name)) return otherwise;
    if (auto* whole = std::get_if<int64_t>(&spec_.settings.at(name)))
      return static_cast<double>(*whole);
    return get<double>(name, "a number");
  }
  /// One number for all of `axes`, or a list of so many.
  std::vector<int64_t> integers(const std::string& name, size_t axes) const {
    if (has(name)) {
      if (auto* list = std::get_if<std::vector<int64_t>>(&spec_.settings.at(name))) {
        if (list->size() != axes) {
          throw problem("{} has {} numbers, the input has {} spatial axes", name, list->size(),
                        axes);
        }
        return *list;
      }
    }
    return std::vector<int64_t>(axes, integer(name));
  }
  std::vector<int64_t> integers_or_none(const std::string& name, size_t axes) const {
    return has(name) ? integers(name, axes) : std::vector<int64_t>{};
  }

  template <class... Args>
  Error problem(fmt::format_string<Args...> format, Args&&... args) const {
    std::string reason = fmt::vformat(fmt::string_view(format), fmt::make_format_args(args...));
    return make_error(ErrorCode::invalid_argument, "layer {}: {}", spec_.kind, reason);
  }

 private:
  template <class T>
  T get(const std::string& name, std::string_view wanted) const {
    auto found = spec_.settings.find(name);
    if (found == spec_.settings.end()) throw problem("it needs {}, {}", name, wanted);
    if (const T* value = std::get_if<T>(&found->second)) return *value;
    throw problem("{} must be {}", name, wanted);
  }

  const LayerSpec& spec_;
};

size_t spatial_axes(const Settings& settings, const Tensor& x) {
  if (x.rank() < 3) {
    throw settings.problem("it works on images [batch, height, width, channels], not on {}",
                           x.type().to_string());
  }
  return x.rank() - 2;
}

Tensor conv(nn::Scope s, const Tensor& x, const Settings& settings) {
  size_t axes = spatial_axes(settings, x);
  std::string padding = settings.text("padding", "valid");
  if (padding != "valid" && padding != "same")
    throw settings.problem("padding is \"valid\" or \"same\", not \"{}\"", padding);
  return nn::conv(s, x,
                  {.filters = settings.integer("filters"),
                   .kernel = settings.integers("kernel", axes),
                   .stride = settings.integers_or_none("stride", axes),
                   .dilation = settings.integers_or_none("dilation", axes),
                   .padding = padding,
                   .groups = settings.integer("groups", 1),
                   .bias = settings.boolean("bias", true)});
}

Tensor pool(nn::Scope s, const char* op, const Tensor& x, const Settings& settings) {
  LabelScope label(s.path());
  size_t axes = spatial_axes(settings, x);
  Integers window = settings.integers("window", axes);
  Integers strides = settings.has("stride") ? settings.integers("stride", axes) : window;
  return call(op, {x}, {{"window", window}, {"strides", strides}});
}

nn::NormOptions norm_options(const Settings& settings) {
  nn::NormOptions options;
  options.epsilon = settings.real("epsilon", options.epsilon);
  options.momentum = settings.real("momentum", options.momentum);
  return options;
}

std::string op_of(const std::string& activation) {
  return activation == "sigmoid" ? "logistic" : activation;
}

Tensor apply_layer(nn::Scope s, const Tensor& x, const LayerSpec& spec) {
  Settings settings(spec);
  const std::string& kind = spec.kind;
  if (kind == "conv") return conv(s, x, settings);
  if (kind == "dense")
    return nn::dense(s, x, settings.integer("units"), {.bias = settings.boolean("bias", true)});
  if (kind == "max_pool") return pool(s, "max_pool", x, settings);
  if (kind == "average_pool") return pool(s, "average_pool", x, settings);
  if (kind == "dropout") return nn::dropout(s, x, settings.real("rate", 0.5));
  if (kind == "batch_norm") return nn::batch_norm(s, x, norm_options(settings));
  if (kind == "layer_norm") return nn::layer_norm(s, x, norm_options(settings));
  if (kind == "embedding")
    return nn::embedding(s, x, settings.integer("tokens"), settings.integer("depth"));
  if (kind == "lstm") return nn::lstm(s, x, settings.integer("hidden")).outputs;
  LabelScope label(s.path());
  if (kind == "flatten") return nn::flatten_from(x, 1);
  return call(op_of(kind), {x});  // global_average_pool and activations
}

/// Whether `setting` is one of the layer's; an activation has none.
void check_settings(const LayerSpec& spec, const LayerKind* kind) {
  const std::vector<std::string> known = kind ? kind->settings : std::vector<std::string>{};
  for (const auto& [name, value] : spec.settings) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    Error error = Settings(spec).problem("it has no setting '{}'", name);
    if (!known.empty()) error.note("hint: {}", hint(name, known));
    throw error;
  }
}

/// Errors about a layer say where it was written.
template <class F>
void at_its_place(const LayerSpec& spec, F f) {
  try {
    f();
  } catch (Error& error) {
    if (!spec.where.empty()) error.note("at {}", spec.where);
    throw;
  }
}

}  // namespace

const std::vector<LayerKind>& layer_kinds() {
  static const std::vector<LayerKind> kinds = {
      {"dense", "x · weight + bias", {"units", "bias"}},
      {"conv",
       "convolution over the spatial axes",
       {"filters", "kernel", "stride", "dilation", "padding", "groups", "bias"}},
      {"max_pool", "largest value in each window", {"window", "stride"}},
      {"average_pool", "mean of each window", {"window", "stride"}},
      {"global_average_pool", "mean over the spatial axes", {}},
      {"flatten", "all axes but the batch joined", {}},
      {"dropout", "zeroes a part of the values in training", {"rate"}},
      {"batch_norm", "normalises over the batch", {"epsilon", "momentum"}},
      {"layer_norm", "normalises over the last axis", {"epsilon"}},
      {"embedding", "rows of a table by token id", {"tokens", "depth"}},
      {"lstm", "LSTM over the time axis", {"hidden"}},
  };
  return kinds;
}

std::vector<std::string> activation_names() {
  std::vector<std::string> names = {"tanh", "sigmoid", "softmax"};
  for (const auto& op : core_ops().all()) {
    if (op->family == "activations" && op->inputs.size() == 1) names.push_back(op->name);
  }
  return names;
}

const LayerKind* find_layer_kind(const LayerSpec& spec) {
  std::vector<std::string> names = activation_names();
  if (std::find(names.begin(), names.end(), spec.kind) != names.end()) return nullptr;
  for (const LayerKind& kind : layer_kinds()) {
    if (kind.name == spec.kind) return &kind;
    names.push_back(kind.name);
  }
  throw make_error(ErrorCode::not_found, "there is no layer '{}'", spec.kind)
      .note("hint: {}", hint(spec.kind, names));
}

nn::Model layer_list(std::vector<LayerSpec> layers) {
  if (layers.empty()) fail(ErrorCode::invalid_argument, "a model needs at least one layer");
  std::vector<std::string> names;
  std::map<std::string, int> count;
  for (const LayerSpec& spec : layers) {
    at_its_place(spec, [&] { check_settings(spec, find_layer_kind(spec)); });
    names.push_back(spec.kind + std::to_string(++count[spec.kind]));
  }
  return [layers = std::move(layers), names](nn::Scope s, Tensor x) {
    for (size_t i = 0; i < layers.size(); ++i)
      at_its_place(layers[i], [&] { x = apply_layer(s / names[i], x, layers[i]); });
    return x;
  };
}

}  // namespace tenon::models
