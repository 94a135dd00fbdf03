// A library that extends tenon: the activation max(x, 0)^2 (So et al., Primer, 2021), as an op, a
// kernel that computes it in one go, and a pass that finds it where it is written out.
#pragma once

#include <tenon/core.h>

#include <atomic>

namespace squared {

/// To be called before anything is computed.
void load();

tenon::Tensor squared_relu(const tenon::Tensor& x);
/// An op whose statement contradicts itself: evaluating it is an error.
tenon::Tensor wrongly_stated(const tenon::Tensor& x);

/// How often the kernel ran.
extern std::atomic<int> kernel_runs;

}  // namespace squared
