// The text form of a graph: printed by passes and `tenon inspect`, parsed back, compared in golden
// tests.
//
//   graph square(%x: f32[4]) -> (f32[4]) {
//     %0: f32[4] = multiply(%x, %x)
//     return %0
//   }
#pragma once

#include <map>
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

/// Characters allowed in names of values, graphs and labels. Other names are quoted.
constexpr bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '/' || c == '\'' || c == '-';
}

/// Long literals, of more than 65,536 elements, are printed as their names.
std::string to_text(const Graph& graph, const PrintOptions& options = {});

bool is_long(const Literal& literal);
/// The name of a long literal in text: a hash of its type and bytes.
std::string name_of(const Literal& literal);
/// The long literals of a graph and its regions, by name: the part that its text lacks.
std::map<std::string, Literal> long_literals(const Graph& graph);

/// `literals` are the long literals that the text names. Throws Error(parse) with line, column and
/// what was expected; every call is type-checked.
std::unique_ptr<Graph> parse_graph(std::string_view text, const OpRegistry& ops,
                                   const std::map<std::string, Literal>& literals = {});

}  // namespace tenon
