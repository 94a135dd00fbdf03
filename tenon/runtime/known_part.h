// What a program computes from known inputs alone, as a program of its own that runs once.
//
//   KnownPart part = known_part(program, known);
//   KnownValues all = with_known_part(program, known, {});     // and what follows from it
#pragma once

#include <vector>

#include "tenon/runtime/instance.h"

namespace tenon {

struct KnownPart {
  Program program;
  std::vector<ValueId> inputs, outputs;  // of the whole program: what it reads, and what it makes
};

/// Nodes that read nothing but constants, known inputs and one another, and whose results are no
/// larger than what they read; custom calls too, which are functions of what they read. Those with
/// regions, collectives, and those with sizes that are not numbers stay where they are.
KnownPart known_part(const Program& program, const KnownValues& known);

/// `known`, with the results of its part that the rest of the program reads.
KnownValues with_known_part(const Program& program, KnownValues known,
                            const InstanceOptions& options);

}  // namespace tenon
