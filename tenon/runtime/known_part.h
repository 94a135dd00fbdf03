// The part of a program that depends only on known inputs, as a separate program that runs once.
//
//   KnownPart part = known_part(program, known);
//   KnownValues all = with_known_part(program, known, {});     // and the results of that part
#pragma once

#include <vector>

#include "tenon/runtime/instance.h"

namespace tenon {

struct KnownPart {
  Program program;
  std::vector<ValueId> inputs, outputs;  // of the whole program: what it reads, and what it makes
};

/// Nodes that read only constants, known inputs and one another, and whose results are not larger
/// than their inputs. Includes custom calls, which are pure; excludes nodes with regions,
/// collectives, and nodes with symbolic sizes.
KnownPart known_part(const Program& program, const KnownValues& known);

/// `known`, plus the results of the known part that the rest of the program reads.
KnownValues with_known_part(const Program& program, KnownValues known,
                            const InstanceOptions& options);

}  // namespace tenon
