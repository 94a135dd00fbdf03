#include "tenon/models/layer_list.h"

#include <algorithm>
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/nn/layers.h"
#include "tenon/ops/registry.h"
#include "tenon/tensor/apply.h"
#include "tenon/tensor/numpy.h"

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

/// Of a pooling layer; without a stride windows lie side by side.
struct Window {
  Integers sizes, strides;
  Window(const Settings& settings, const Tensor& x) {
    size_t axes = spatial_axes(settings, x);
    sizes = settings.integers("window", axes);
    strides = settings.has("stride") ? settings.integers("stride", axes) : sizes;
  }
};

nn::NormOptions norm_options(const Settings& settings) {
  nn::NormOptions options;
  options.epsilon = settings.real("epsilon", options.epsilon);
  options.momentum = settings.real("momentum", options.momentum);
  if (!(options.epsilon >= 0 && std::isfinite(options.epsilon)))
    throw settings.problem("epsilon is {}, it must be a number from 0 on", options.epsilon);
  if (!(options.momentum >= 0 && options.momentum <= 1))
    throw settings.problem("momentum is {}, it must be from 0 to 1", options.momentum);
  return options;
}

/// A kind of layer and what makes one.
struct Layer {
  LayerKind kind;
  Tensor (*make)(nn::Scope s, const Tensor& x, const Settings& settings);
};

const std::vector<Layer>& layers() {
  static const std::vector<Layer> all = {
      {{"dense", "x · weight + bias", {"units", "bias"}},
       [](nn::Scope s, const Tensor& x, const Settings& settings) {
         return nn::dense(s, x, settings.integer("units"),
                          {.bias = settings.boolean("bias", true)});
       }},
      {{"conv",
        "convolution over the spatial axes",
        {"filters", "kernel", "stride", "dilation", "padding", "groups", "bias"}},
       conv},
      {{"max_pool", "largest value in each window", {"window", "stride"}},
       [](nn::Scope s, const Tensor& x, const Settings& settings) {
         LabelScope label(s.path());
         Window window(settings, x);
         return max_pool(x, window.sizes, window.strides);
       }},
      {{"average_pool", "mean of each window", {"window", "stride"}},
       [](nn::Scope s, const Tensor& x, const Settings& settings) {
         LabelScope label(s.path());
         Window window(settings, x);
         return average_pool(x, window.sizes, window.strides);
       }},
      {{"global_average_pool", "mean over the spatial axes", {}},
       [](nn::Scope s, const Tensor& x, const Settings&) {
         LabelScope label(s.path());
         return global_average_pool(x);
       }},
      {{"flatten", "all axes but the batch joined", {}},
       [](nn::Scope, const Tensor& x, const Settings&) { return flatten(x); }},
      {{"dropout", "zeroes a part of the values in training", {"rate"}},
       [](nn::Scope s, const Tensor& x, const Settings& settings) {
         return nn::dropout(s, x, settings.real("rate", 0.5));
       }},
      {{"batch_norm", "normalises over the batch", {"epsilon", "momentum"}},
       [](nn::Scope s, const Tensor& x, const Settings& settings) {
         return nn::batch_norm(s, x, norm_options(settings));
       }},
      {{"layer_norm", "normalises over the last axis", {"epsilon"}},
       [](nn::Scope s, const Tensor& x, const Settings& settings) {
         return nn::layer_norm(s, x, norm_options(settings));
       }},
      {{"embedding", "rows of a table by token id", {"tokens", "depth"}},
       [](nn::Scope s, const Tensor& x, const Settings& settings) {
         return nn::embedding(s, x, settings.integer("tokens"), settings.integer("depth"));
       }},
      {{"lstm", "LSTM over the time axis", {"hidden"}},
       [](nn::Scope s, const Tensor& x, const Settings& settings) {
         return nn::lstm(s, x, settings.integer("hidden")).outputs;
       }},
      {{"gru", "GRU over the time axis", {"hidden"}},
       [](nn::Scope s, const Tensor& x, const Settings& settings) {
         return nn::gru(s, x, settings.integer("hidden")).outputs;
       }},
      {{"self_attention",
        "attention of each step to all, or with causal = true to those before",
        {"heads", "causal", "bias"}},
       [](nn::Scope s, const Tensor& x, const Settings& settings) {
         return nn::self_attention(
             s, x, settings.integer("heads"),
             {.causal = settings.boolean("causal", false), .bias = settings.boolean("bias", true)});
       }},
  };
  return all;
}

Tensor apply_layer(nn::Scope s, const Tensor& x, const LayerSpec& spec) {
  for (const Layer& layer : layers()) {
    if (layer.kind.name == spec.kind) return layer.make(s, x, Settings(spec));
  }
  LabelScope label(s.path());
  return apply(core_ops().get(spec.kind == "sigmoid" ? "logistic" : spec.kind), {x});
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
  static const std::vector<LayerKind> kinds = [] {
    std::vector<LayerKind> all;
    for (const Layer& layer : layers()) all.push_back(layer.kind);
    return all;
  }();
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

nn::ModelFunction layer_list(std::vector<LayerSpec> layers) {
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
