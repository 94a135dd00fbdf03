// Whether ids are within the tables that a model looks them up in.
//
//   given: Graph model; data::Dataset test;
//   train::check_token_ids(model, test["text"], "column 'text' of the test data");
#pragma once

#include <optional>
#include <string>

#include "tenon/graph/graph.h"
#include "tenon/graph/literal.h"

namespace tenon::train {

/// How many rows the smallest table has that the graph's first input is looked up in, by
/// `embedding` or another op that states that it reads by index; nothing for a model of other
/// inputs.
std::optional<int64_t> token_count(const Graph& model);

/// Error out_of_range for an id below 0 or beyond the table, with its row: an embedding would read
/// zeros.
void check_token_ids(const Graph& model, const Literal& inputs, const std::string& what);

}  // namespace tenon::train
