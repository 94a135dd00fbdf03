// A trained model: its function as a graph, its variables, and the meaning of its inputs and
// outputs. One file holds all of it.
//
//   given: train::Model model; Tensor images;
//   model.save("lenet.tenon");                         // safetensors, with the graph in its metadata
//   train::Model same = train::Model::load("lenet.tenon");
//   Tensor logits = same.predict(images);              // raw inputs: scaling is part of the graph
//   same.classes();
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/nn/scope.h"
#include "tenon/runtime/executable.h"

namespace tenon {
class SafetensorsFile;
}

namespace tenon::train {

/// How raw inputs are converted for the model: cast to f32, times scale, plus offset. Integer ids
/// are not changed.
struct InputScaling {
  bool to_float = true;
  double scale = 1;
  double offset = 0;
  Tensor apply(const Tensor& raw) const;
};

/// For inputs like `example`, without the batch: bytes of images ([height, width] or more) become
/// 0 to 1; bytes of tables ([features]) and floating-point values become f32; integer ids stay.
InputScaling default_scaling(const Type& example);

class Model {
 public:
  Model() = default;
  /// Records the evaluation graph of `function` for inputs like `example` (without its batch
  /// dimension, which becomes a symbol). Tensors that the function captures, such as a precomputed
  /// table, become part of the model.
  Model(const nn::ModelFunction& function, nn::Variables variables, const Type& example,
        InputScaling scaling, std::vector<std::string> classes,
        std::map<std::string, std::string> about = {});

  /// The same graph, compiled once for both, with other values of the same types; not bound.
  Model with_variables(nn::Variables variables) const;

  /// The same model, optimised for many predictions: the first one computes values that depend only
  /// on the variables and packs the weights for the kernels, once for this and every model with
  /// equal variables (Executable::bind). Loaded models are bound.
  Model bound() const;
  bool is_bound() const { return bound_ != nullptr; }

  /// inputs [batch, …] of the example's dtype to the model's results [batch, …].
  Tensor predict(const Tensor& inputs) const;

  const nn::Variables& variables() const& { return variables_; }
  nn::Variables variables() && { return std::move(variables_); }
  const std::vector<std::string>& classes() const& { return classes_; }
  std::vector<std::string> classes() && { return std::move(classes_); }
  /// The type of one input, without the batch.
  const Type& example() const& { return example_; }
  Type example() && { return std::move(example_); }
  const Graph& graph() const& { return *graph_; }
  Graph graph() && { return *graph_; }
  /// Free text by key: the configuration it was trained with, its accuracy. `fit` writes "loss",
  /// "input" and "label": the loss's name and the columns.
  const std::map<std::string, std::string>& about() const& { return about_; }
  std::map<std::string, std::string> about() && { return std::move(about_); }
  /// The text of a key, or `otherwise` if there is none.
  std::string about(const std::string& key, const std::string& otherwise) const;
  void describe(const std::string& key, const std::string& text) { about_[key] = text; }
  /// Whether results are scores of classes, according to the loss of `fit` ("loss" in about); true
  /// for a user-defined loss.
  bool gives_classes() const;

  void save(const std::filesystem::path& path) const;
  /// Errors name the file: corrupt with the byte, or with line and column of the graph; and
  /// invalid_argument for a safetensors file without a model.
  /// `mapped` reads variables from the mapped file on first use: see SafetensorsFile::map for what
  /// must not happen to the file.
  enum class Loading : uint8_t { copied, mapped };
  static Model load(const std::filesystem::path& path, Loading loading = Loading::copied);
  /// From memory; `name` stands for the file in errors.
  static Model parse(std::span<const std::byte> bytes, std::string_view name);
  /// Whether an open file is a model.
  static bool is_in(const SafetensorsFile& file);

 private:
  static Model read(const SafetensorsFile& file, std::string_view name, Loading loading);
  /// The graph's inputs after the first, in order, with unique names.
  std::vector<std::pair<std::string, Tensor>> operands() const;

  nn::Variables variables_;
  std::vector<Tensor> captured_;
  std::vector<std::string> classes_;
  Type example_;
  std::shared_ptr<const Graph> graph_;  // inputs: "input", then the operands
  std::map<std::string, std::string> about_;
  /// Made by the first prediction; copies of the model share it.
  struct Compiled {
    std::once_flag once;
    std::shared_ptr<const Executable> executable;
  };
  std::shared_ptr<Compiled> compiled_ = std::make_shared<Compiled>();
  std::shared_ptr<Compiled> bound_;  // to these variables; null if the model is not bound
};

void save(const Model& model, const std::filesystem::path& path);

}  // namespace tenon::train
