#pragma once

// For libraries that add ops, kernels or passes to Tenon: the argument of load(), and everything
// needed to write it.
//
//   load({.name = "mine"});                    // nothing yet, before the first op is called
//   loaded_extensions();                       // {"mine"}

#include "tenon/compile/pass.h"
#include "tenon/compile/rewriter.h"
#include "tenon/graph/build.h"
#include "tenon/ops/element.h"
#include "tenon/ops/expr.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"
#include "tenon/runtime/extension.h"
#include "tenon/runtime/kernel.h"
#include "tenon/tensor/apply.h"
