// Which columns of a batch a model takes, and which its loss is given.
//
//   given: data::Batch batch;
//   train::Columns one = "image";                       // the tensor itself
//   train::Columns two = {"source", "target"};          // a tree of two, by their names
//   Tree inputs = two.of(batch);
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "tenon/data/dataset.h"
#include "tenon/data/loader.h"
#include "tenon/nn/model_function.h"

namespace tenon::train {

class Columns {
 public:
  Columns() = default;  // none
  Columns(const char* name) : Columns(std::string(name)) {}
  /// One column, whose tensor is used as it is; none where the name is empty.
  Columns(std::string name) {
    if (!name.empty()) names_.push_back(std::move(name));
  }
  /// A tree of columns by name, also where it is one.
  Columns(std::initializer_list<std::string> names) : Columns(std::vector<std::string>(names)) {}
  explicit Columns(std::vector<std::string> names) : names_(std::move(names)), is_tree_(true) {}

  const std::vector<std::string>& names() const& { return names_; }
  std::vector<std::string> names() && { return std::move(names_); }
  bool empty() const { return names_.empty(); }
  /// Whether it is one tensor rather than a tree.
  bool is_one() const { return !is_tree_ && names_.size() == 1; }
  /// "image", or "source, target"
  std::string to_string() const;

  /// Error not_found for a column that the batch lacks.
  Tree of(const data::Batch& batch) const;
  /// What a model of these columns takes: their types with the first dimension `batch`.
  nn::Signature signature(const data::Dataset& dataset) const;
  friend bool operator==(const Columns&, const Columns&) = default;

 private:
  std::vector<std::string> names_;
  bool is_tree_ = false;
};

}  // namespace tenon::train
