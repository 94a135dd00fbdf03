// The kind of labels: classes, or numbers (regression).
//
//   given: train::Loss loss; Type outputs; data::Dataset dataset;
//   train::check_labels(loss, outputs, dataset, "label", "the training data");
#pragma once

#include <string>
#include <string_view>

#include "tenon/train/evaluate.h"

namespace tenon::train {

/// The loss "cross_entropy" or "mean_squared_error", as named in models and configurations; empty
/// for other names.
Loss loss_named(std::string_view name);

/// The name of the loss for loss_named; empty for a user-defined loss.
std::string name_of(const Loss& loss);

/// Whether a loss is one of `nn`, whose labels can be checked, rather than user-defined.
bool is_built_in(const Loss& loss);

/// Integers [rows, …] for outputs [rows, …, classes] with more than one class.
bool are_classes(const Type& outputs, const Type& labels);

/// The weight of a batch's mean: if labels are classes, the number of labels that are not negative;
/// otherwise the number of rows. A mean over batches with these weights does not depend on the
/// batch size.
int64_t weight_of(const Literal& labels, bool classes);

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
