// A library that extends tenon: the activation max(x, 0)^2 (So et al., Primer, 2021), as an op, a
// kernel that computes it in one go, and a pass that finds it where it is written out.
#pragma once

#include <tenon/core.h>

#include <atomic>

namespace squared {

/// To be called before anything is computed.
void load();

tenon::Tensor squared_relu(const tenon::Tensor& x);
/// All elements in one axis: a view, for which nothing runs.
tenon::Tensor joined(const tenon::Tensor& x);
/// a + factor * b: cheap, so that it is computed where it is read.
tenon::Tensor plus_times(const tenon::Tensor& a, const tenon::Tensor& b, double factor);
/// Rows of a matrix by their numbers: reads by index.
tenon::Tensor rows_at(const tenon::Tensor& x, const tenon::Tensor& numbers);
/// An op whose statement contradicts itself: evaluating it is an error.
tenon::Tensor wrongly_stated(const tenon::Tensor& x);

/// How often the kernel ran.
extern std::atomic<int> kernel_runs;
/// Calls and fused groups of the program that was compiled last.
extern std::atomic<size_t> steps_of_last_program;

}  // namespace squared
