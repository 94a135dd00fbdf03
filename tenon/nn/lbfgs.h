// L-BFGS: minimises a loss of a tree of tensors, all data at once.
//
//   given: Tensor x, y;                                  // f32[rows, 3], f32[rows]
//   struct Line { Tensor slope, offset; };
//   auto loss = [&](const Line& line) { return nn::mean_squared_error(matmul(x, line.slope) + line.offset, y); };
//   auto [line, report] = nn::lbfgs(loss, Line{zeros({3}), zeros({})}, {.iterations = 50});
//   print("{} after {} iterations: {}\n", report.loss, report.iterations, report.reason);
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tenon/tensor/jit.h"
#include "tenon/tensor/transforms.h"
#include "tenon/tensor/tree.h"

namespace tenon::nn {

struct LbfgsOptions {
  int64_t iterations = 100;
  /// Of the loss and its gradient; 0: a quarter more than iterations.
  int64_t evaluations = 0;
  int64_t history = 10;  // pairs of differences that stand for the curvature
  double learning_rate = 1;
  double gradient_tolerance = 1e-7;  // of the largest number of the gradient
  double change_tolerance = 1e-9;    // of loss and parameters in an iteration
};

struct LbfgsReport {
  double loss = 0;
  int64_t iterations = 0;
  int64_t evaluations = 0;
  bool converged = false;  // by either tolerance
  /// "the gradient is at most 1e-07", "100 iterations" …
  std::string reason;
};

namespace detail {

/// Value and gradient at a point, all numbers in one row.
using Objective = std::function<std::pair<double, std::vector<double>>(const std::vector<double>&)>;

LbfgsReport minimise(const Objective& objective, std::vector<double>& point,
                     const LbfgsOptions& options);

std::vector<double> numbers_of(const std::vector<Tensor>& leaves);
/// Tensors like those of `like` from one row of numbers.
std::vector<Tensor> tensors_of(const std::vector<double>& numbers, const std::vector<Tensor>& like);

}  // namespace detail

/// Liu and Nocedal 1989 with a line search for the strong Wolfe conditions (Nocedal and Wright
/// 2006, algorithms 7.4, 7.5, 3.5 and 3.6), step by step as torch.optim.LBFGS with "strong_wolfe"
/// takes them. The loss, a function of the tree to a scalar, is compiled once; directions and the
/// search are on the host, in f64. Error not_finite where the loss of the start is; a step to where
/// it is not is made shorter.
template <class Loss, class T>
std::pair<T, LbfgsReport> lbfgs(const Loss& loss, const T& start,
                                const LbfgsOptions& options = {}) {
  auto both = jit([&loss](const T& at) { return value_and_grad(loss)(at); });
  const std::vector<Tensor> leaves = leaves_of(start);
  auto at = [&](const std::vector<double>& point) {
    return with_leaves(start, std::span<const Tensor>(detail::tensors_of(point, leaves)));
  };
  auto objective = [&](const std::vector<double>& point) {
    auto [value, gradient] = both(at(point));
    return std::pair{value.item(),
                     detail::numbers_of(leaves_as(start, gradient, "lbfgs: the gradient"))};
  };
  std::vector<double> point = detail::numbers_of(leaves);
  LbfgsReport report = detail::minimise(objective, point, options);
  return {at(point), report};
}

}  // namespace tenon::nn
