// The kind of labels: classes, or numbers (regression).
//
//   given: train::Loss loss; Type outputs; data::Dataset dataset;
//   train::check_labels(loss, outputs, dataset, "label", "the training data");
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tenon/train/evaluate.h"

namespace tenon::train {

/// A loss as models and configurations call it, with the options that a model file keeps; empty for
/// a name that none has.
Loss loss_named(std::string_view name, std::string_view options = "");

/// What a loss of this name takes for labels.
enum class LabelKind : uint8_t {
  classes,  // whole numbers, one for each row of outputs
  numbers,  // real ones, of the shape of the outputs
  other,    // what the loss itself says, as one of the user's own does
};
LabelKind labels_of(std::string_view loss);

/// Whole numbers [rows, …] for outputs [rows, …, classes] of more than one class.
bool are_classes(const Type& outputs, const Type& labels);

/// As `weight_of` of a loss, of values: the labels that are not negative where they are classes,
/// otherwise the rows.
int64_t count_labels(const Literal& labels, bool classes);

/// Checks that the loss can take these labels for these outputs: a class beyond the outputs, or
/// shapes that do not fit, are errors that name the row and both sides. Labels of a user-defined
/// loss are not checked.
void check_labels(const Loss& loss, const Type& outputs, const data::Dataset& dataset,
                  const std::string& label, const std::string& what);

/// Checks that rows of validation or test data (`kind`) are like those of the training data; the
/// error shows both. No error without data.
void check_rows(const data::Dataset& training, const data::Dataset& other, const std::string& input,
                std::string_view kind);

}  // namespace tenon::train
