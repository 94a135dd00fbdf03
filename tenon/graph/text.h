// The text form of a graph: printed by passes and `tenon inspect`, parsed back, compared in golden
// tests.
//
//   graph square(%x: f32[4]) -> (f32[4]) {
//     %0: f32[4] = multiply(%x, %x)
//     return %0
//   }
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tenon/graph/graph.h"
#include "tenon/graph/op.h"

namespace tenon {

struct PrintOptions {
  bool labels = true;
  int64_t max_literal_elements = -1;  // longer literals print as "…" and do not parse back; -1: all
};

/// Characters of the names of values, graphs and labels. Others are written in quotes.
constexpr bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '/' || c == '\'' || c == '-';
}

std::string to_text(const Graph& graph, const PrintOptions& options = {});

/// Throws Error(parse) that names line and column and what was expected; every call is
/// type-checked.
std::unique_ptr<Graph> parse_graph(std::string_view text, const OpRegistry& ops);

}  // namespace tenon
