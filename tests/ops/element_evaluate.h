// Evaluates an op's element or expand definition on actual inputs, one output element at a time:
// with constants for indices and loads, every expression folds to a constant as it is made.
#pragma once

#include <optional>
#include <vector>

#include "tenon/graph/literal.h"
#include "tenon/graph/op.h"

namespace tenon {

/// The only output of a call, or nothing where the op has neither definition. `attributes` have
/// concrete shapes.
std::optional<Literal> evaluate_element(const OpDef& op, const Attributes& attributes,
                                        const std::vector<Literal>& inputs, const Type& output);

}  // namespace tenon
