// Additions to Tenon from another library: ops, kernels for any ops, and passes.
//
//   #include <tenon/extension.h>
//   load({.name = "shrink",
//         .ops = [](OpFamily& ops) {
//           ops.add(composite("soft_shrink")
//                       .doc("x moved toward 0 by 0.5; 0 if |x| <= 0.5.")
//                       .input("x", kFloating)
//                       .infer([](InferContext& c) { return std::vector<Type>{c.input(0)}; })
//                       .decompose([](RuleContext& c) {
//                         Value x = c.inputs[0];
//                         return std::vector<Value>{x - maximum(minimum(x, 0.5), -0.5)};
//                       })
//                       .samples({"f32[3,5]", "f32[n]"}));
//         }});
//   Tensor y = apply("soft_shrink", {Tensor{-1.0, 0.2, 3.0}});
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tenon/compile/pass.h"
#include "tenon/ops/statement.h"
#include "tenon/runtime/kernel.h"

namespace tenon {

/// A pass, and the pass of standard_passes() that it follows.
struct PlacedPass {
  Pass pass;
  std::string after;
};

/// Its additions apply to everything that the process computes: jit, transforms, model files.
struct Extension {
  /// For errors; also the family of its ops.
  std::string name;
  /// Defines the ops, like the files of tenon/ops. Kept, and called more than once: everything it
  /// refers to must live as long as the process.
  std::function<void(OpFamily& ops)> ops = {};
  /// For ops of any kind. Tried after the kernels of extensions loaded earlier, and before Tenon's
  /// own. If all decline, the call is computed according to its op's statement.
  std::vector<KernelEntry> kernels = {};
  std::vector<PlacedPass> passes = {};
};

/// Call it before the first call of an op: at the start of main. If anything is wrong with the
/// extension, nothing of it is loaded. Errors name the extension: invalid_argument if ops were
/// already used, a statement is incomplete or a kernel lacks a function; already_exists if the name
/// of the extension, an op or a pass is taken; not_found for a kernel of an unknown op, or a pass
/// that follows an unknown pass.
void load(Extension extension);

/// The names of the loaded extensions, in order.
std::vector<std::string> loaded_extensions();

}  // namespace tenon
