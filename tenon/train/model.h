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

#include "tenon/nn/model_function.h"
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

/// By the name of an input, which is empty for a model of one tensor.
using InputScalings = std::map<std::string, InputScaling>;

/// For inputs like `example`, without the batch: the bytes of pictures ([height, width] or more)
/// become 0 to 1; those of tables ([features]) and real numbers f32; integer ids stay as they are.
InputScaling default_scaling(const Type& example);

class Model {
 public:
  Model() = default;
  /// Records the evaluation graph of `function` for inputs of a signature, whose symbols stand for
  /// any size. Inputs that `scalings` does not name reach the function as they are. Tensors that
  /// the function uses besides its arguments, such as a table made before, become part of the
  /// model.
  Model(const nn::ModelFunction& function, nn::Variables variables, nn::Signature inputs,
        const InputScalings& scalings, std::vector<std::string> classes,
        std::map<std::string, std::string> about = {});
  /// For one input like `example`, without its batch dimension, which becomes the symbol `batch`.
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

  /// The outputs for inputs of the model's signature, both by name. Errors not_found and
  /// shape_mismatch name the input.
  Tree predict(const Tree& inputs) const;
  /// Of a model of one input and one output: inputs [batch, …] of the example's dtype to its
  /// results [batch, …].
  Tensor predict(const Tensor& inputs) const;

  const nn::Variables& variables() const& { return variables_; }
  nn::Variables variables() && { return std::move(variables_); }
  const std::vector<std::string>& classes() const& { return classes_; }
  std::vector<std::string> classes() && { return std::move(classes_); }
  /// One without a name for a model of one tensor.
  const nn::Signature& inputs() const& { return inputs_; }
  nn::Signature inputs() && { return std::move(inputs_); }
  nn::Signature outputs() const;
  /// Of the one input, without the batch; error unsupported for a model of several.
  Type example() const;
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
  std::vector<Buffer> input_buffers(const Tree& inputs) const;
  void require_graph(const char* what) const;
  /// All that the graph takes besides its inputs, in order, under unique names.
  std::vector<std::pair<std::string, Tensor>> operands() const;

  nn::Variables variables_;
  std::vector<Tensor> captured_;
  std::vector<std::string> classes_;
  nn::Signature inputs_;
  std::vector<std::string> output_names_{""};  // paths; of one tensor ""
  std::shared_ptr<const Graph> graph_;         // of the inputs, then the operands
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
