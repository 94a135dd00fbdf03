// Checks that token ids are within the embedding tables of a model.
//
//   given: Graph model; data::Dataset test;
//   train::check_token_ids(model, test["text"], "column 'text' of the test data");
#pragma once

#include <optional>
#include <string>

#include "tenon/graph/graph.h"
#include "tenon/graph/literal.h"

namespace tenon::train {

/// The number of rows of the smallest table in which the graph's first input is looked up, by
/// `embedding` or another op whose statement says that it reads by index; none for a model of other
/// inputs.
std::optional<int64_t> token_count(const Graph& model);

/// Error out_of_range, with the row, for an id below 0 or beyond the table: an embedding would read
/// zeros.
void check_token_ids(const Graph& model, const Literal& inputs, const std::string& what);

}  // namespace tenon::train
