#pragma once

// Index arithmetic: i64 sums of products in one normal form, so that equal offsets share a node.
//
//   index_sum(ExprOp::add, i * 8, j);                        // i*8 + j
//   index_divide(ExprOp::floor_div, i * 8 + j, eight);       // i, when j runs below 8
//   index_divide(ExprOp::floor_mod, i * 8 + j, eight);       // j
//   certainly_in_range(j, eight);                            // true

#include <optional>

#include "tenon/ops/expr.h"

namespace tenon::detail {

/// add, sub, mul and neg on i64.
Expr index_sum(ExprOp op, Expr a, Expr b);
/// floor_div and floor_mod on i64; none when nothing can be simplified.
std::optional<Expr> index_divide(ExprOp op, Expr a, Expr b);
/// less, less_equal, min, max on i64 where the ranges of loop variables decide; else none.
std::optional<Expr> index_compare(ExprOp op, Expr a, Expr b);

}  // namespace tenon::detail
