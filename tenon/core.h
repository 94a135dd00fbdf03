#pragma once

// Tensors, their functions, and functions of functions: what most programs need, in half of the
// time that all of tenon.h takes to compile.
//
//   auto f = [](Tensor x) { return sum(sin(x) * exp(-x * x)); };
//   auto df = jit(grad(f));                    // a function again, compiled
//   print("{}\n", df(Tensor{1.0, 2.0, 3.0}));  // evaluated when it is looked at

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
