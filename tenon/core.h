#pragma once

// Tensors, their functions and transforms. Enough for most programs, and compiles in half the
// time of tenon.h.
//
//   auto f = [](Tensor x) { return sum(sin(x) * exp(-x * x)); };
//   auto df = jit(grad(f));                    // a function again, compiled
//   print("{}\n", df(Tensor{1.0, 2.0, 3.0}));  // evaluated when it is printed

#include <fmt/core.h>

#include "tenon/base/error.h"
#include "tenon/tensor/functions.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/named_tree.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/print.h"
#include "tenon/tensor/random.h"
#include "tenon/tensor/tensor.h"
#include "tenon/tensor/transforms.h"
#include "tenon/tensor/tree.h"

namespace tenon {
using fmt::print;
}
