// An elementwise call by everything that computes: the reference, folding of constants, compiled
// plans, bytecode and machine code for each instruction set that this machine has.
//
//   for (const auto& [path, result] : on_all_paths("cast", {x}, {{"dtype", DType::u8}}))
//     EXPECT_EQ(result, wanted) << path;
#pragma once

#include <string>
#include <vector>

#include "tenon/graph/attributes.h"
#include "tenon/graph/literal.h"

namespace tenon {

struct PathResult {
  std::string path;
  Literal result;
};

/// Inputs are vectors of one length.
std::vector<PathResult> on_all_paths(const std::string& op, const std::vector<Literal>& inputs,
                                     const Attributes& attributes = {});

/// The first place where the bits differ, or an empty string; all NaN are one.
std::string different_bits(const Literal& got, const Literal& wanted);

}  // namespace tenon
