// What another library adds to Tenon: ops, kernels for them or for others, and passes.
//
//   #include <tenon/extension.h>
//   load({.name = "shrink",
//         .ops = [](OpFamily& ops) {
//           ops.add(composite("soft_shrink")
//                       .doc("x moved toward 0 by 0.5, and 0 where it is nearer.")
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

/// A pass, and the one of standard_passes() that it follows.
struct PlacedPass {
  Pass pass;
  std::string after;
};

/// What it adds is there for all that the process computes: jit, transforms, model files.
struct Extension {
  /// For errors; also the family of its ops.
  std::string name;
  /// States the ops, as the files of tenon/ops do. Kept, and called more than once: what it refers
  /// to has to live as long as the process.
  std::function<void(OpFamily& ops)> ops = {};
  /// Asked before Tenon's own and after those of extensions that were loaded before, for ops of any
  /// kind. Where all decline, a call is computed as its op's statement says.
  std::vector<KernelEntry> kernels = {};
  std::vector<PlacedPass> passes = {};
};

/// To be called before the first call of an op: at the start of main. All of the extension is taken
/// or, where something is wrong with it, nothing. Errors name the extension: invalid_argument where
/// ops were used before, a statement is incomplete or a kernel lacks a function; already_exists for
/// a name of an extension, op or pass that is taken; not_found for a kernel of an op or a pass
/// behind one that there is not.
void load(Extension extension);

/// The names of those that were loaded, in order.
std::vector<std::string> loaded_extensions();

}  // namespace tenon
