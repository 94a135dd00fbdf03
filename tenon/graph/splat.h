// Values of which every element is the same number.
//
//   given: const Graph& graph; ValueId x;
//   std::optional<double> number = splat_number(graph, x);   // of full({2, 3}, 5): 5
#pragma once

#include <optional>

#include "tenon/graph/graph.h"

namespace tenon {

/// The scalar that fills a whole value (a constant, or a broadcast one), if there is one: equal in
/// all bits, so that 0 and -0 are two.
std::optional<Literal> splat(const Graph& graph, ValueId value);
/// The same as a double, where one holds it exactly.
std::optional<double> splat_number(const Graph& graph, ValueId value);

}  // namespace tenon
