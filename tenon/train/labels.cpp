#include "tenon/train/labels.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/nn/losses.h"

namespace tenon::train {

namespace {

/// The type of a batch of labels as an error shows it.
Type for_any_batch(Type type) {
  type.shape[0] = Dim::symbol("batch");
  return type;
}

/// One output cannot tell classes apart. Labels of its shape are classes all the same, where they
/// are whole numbers.
void check_more_than_one(const std::string& loss, const Type& outputs, const Literal& labels,
                         const std::string& what) {
  Shape rows = outputs.shape;
  if (rows.rank() == 0 || rows[rows.rank() - 1] != Dim(1) || !is_integer(labels.dtype())) return;
  rows.erase(rows.rank() - 1);
  if (rows != for_any_batch(labels.type()).shape) return;
  int64_t largest = 0;
  for (int64_t i = 0; i < labels.size(); ++i) largest = std::max(largest, labels.to_int(i));
  if (largest == 0) {
    throw make_error(ErrorCode::invalid_argument, "{}: {} have only one class: every label is 0",
                     loss, what)
        .note("outputs  {}", outputs.to_string())
        .note("hint: at least two classes are needed; data.classes may name more");
  }
  throw make_error(ErrorCode::shape_mismatch,
                   "{}: the model has one output, but {} have {} classes", loss, what, largest + 1)
      .note("outputs  {}", outputs.to_string())
      .note("hint: one output a class, two where the answer is yes or no");
}

void check_classes(const std::string& loss, const Type& outputs, const data::Dataset& dataset,
                   const std::string& label, const std::string& what) {
  const Literal& labels = dataset[label];
  check_more_than_one(loss, outputs, labels, what);
  if (!are_classes(outputs, labels.type())) {
    throw make_error(ErrorCode::shape_mismatch,
                     "{}: {} do not have one class for each row of outputs", loss, what)
        .note("outputs  {}", outputs.to_string())
        .note("{:<7}  {}", label, for_any_batch(labels.type()).to_string())
        .note(
            "hint: whole numbers, with the dimensions of the outputs but the last; for real "
            "numbers take loss = \"mean_squared_error\"");
  }
  if (count_labels(labels, true) == 0) {
    throw make_error(ErrorCode::invalid_argument,
                     "{}: every label of {} is negative, which leaves it out", loss, what)
        .note("hint: classes are counted from 0");
  }
  const Dim& last = outputs.shape[outputs.rank() - 1];
  if (!last.is_constant()) return;
  int64_t classes = last.constant();
  for (int64_t i = 0; i < labels.size(); ++i) {
    int64_t value = labels.to_int(i);
    if (value < classes) continue;  // negative ones are left out
    throw make_error(ErrorCode::out_of_range,
                     "{}: label {} in row {} of {} is not one of {} classes", loss, value,
                     i / (labels.size() / dataset.size()), what, classes)
        .note("outputs  {}", outputs.to_string())
        .note(
            "hint: classes are counted from 0, and the model needs an output for each: by default "
            "as many as the training data have; data.classes names them all, model.classes or the "
            "last layer says how many");
  }
  if (auto named = static_cast<int64_t>(dataset.classes().size()); named > 0 && named != classes) {
    throw make_error(ErrorCode::shape_mismatch,
                     "{}: names for {} classes, but the model has {} outputs", what, named, classes)
        .note("outputs  {}", outputs.to_string());
  }
}

/// [rows, 1] comes close to [rows], too.
bool same_numbers(const Type& outputs, const Type& labels) {
  Shape shape = outputs.shape;
  if (shape.rank() == labels.rank() + 1 && shape[shape.rank() - 1] == Dim(1))
    shape.erase(shape.rank() - 1);
  return shape == for_any_batch(labels).shape;
}

}  // namespace

LabelKind labels_of(std::string_view loss) {
  auto is_one_of = [&](std::initializer_list<std::string_view> names) {
    return std::ranges::find(names, loss) != names.end();
  };
  if (is_one_of({"cross_entropy", "multi_margin"})) return LabelKind::classes;
  if (is_one_of({"mean_squared_error", "mean_absolute_error", "huber", "smooth_l1", "poisson_nll",
                 "binary_cross_entropy", "focal", "kl_divergence"}))
    return LabelKind::numbers;
  return LabelKind::other;
}

bool are_classes(const Type& outputs, const Type& labels) {
  if (!is_integer(labels.dtype) || outputs.rank() != labels.rank() + 1) return false;
  if (outputs.shape[outputs.rank() - 1] == Dim(1)) return false;
  for (size_t i = 1; i < labels.rank(); ++i) {
    if (outputs.shape[i] != labels.shape[i]) return false;
  }
  return true;
}

int64_t count_labels(const Literal& labels, bool classes) {
  if (!classes) return labels.shape().empty() ? 1 : labels.shape()[0];
  int64_t counted = 0;
  for (int64_t i = 0; i < labels.size(); ++i) counted += labels.to_int(i) >= 0 ? 1 : 0;
  return counted;
}

void check_labels(const Loss& loss, const Type& outputs, const data::Dataset& dataset,
                  const std::string& label, const std::string& what) {
  const Type labels = dataset[label].type();
  const LabelKind kind = labels_of(loss.name());
  if (kind == LabelKind::classes) {
    // Probabilities of classes are the loss's own affair.
    if (is_floating(labels.dtype) && !loss.is_plain() && same_numbers(outputs, labels)) return;
    return check_classes(loss.name(), outputs, dataset, label, what);
  }
  if (kind != LabelKind::numbers || same_numbers(outputs, labels)) return;
  throw make_error(ErrorCode::shape_mismatch,
                   "{}: {}: labels of other shapes than the model's outputs", loss.name(), what)
      .note("outputs  {}", outputs.to_string())
      .note("{:<7}  {}", label, for_any_batch(labels).to_string())
      .note("hint: one output for each number of a row; models by name take classes = 1");
}

void check_rows(const data::Dataset& training, const data::Dataset& other, const std::string& input,
                std::string_view kind) {
  if (other.empty()) return;
  auto row_of = [&](const data::Dataset& dataset) {
    Type type = dataset[input].type();
    type.shape.erase(0);
    return type;
  };
  if (row_of(training) == row_of(other)) return;
  throw make_error(ErrorCode::shape_mismatch,
                   "the rows of the {} data are not like those of the training data", kind)
      .note("{:<10}  {}  {}", "training", input, row_of(training).to_string())
      .note("{:<10}  {}  {}", kind, input, row_of(other).to_string());
}

}  // namespace tenon::train
