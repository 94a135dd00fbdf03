// Programs that differ in sizes only, and the plans with symbols that serve many of them. Private
// to tensor/.
#pragma once

#include <mutex>

#include "tenon/tensor/plans.h"
#include "tenon/tensor/symbolic_form.h"

namespace tenon::detail {

/// A section, taken apart into what it has in common with its like and its numbers.
struct FamilyMember {
  /// Equal for sections of the same ops, wiring, dtypes and ranks, where sizes of 0 and 1, which
  /// broadcast, squeeze or leave nothing, are in the same places.
  Hash128 key;
  /// All sizes: of leaves, then of each call the attributes' and the result's.
  Sizes sizes;
  /// False inside of traces with symbols of their own.
  bool has_numbers_only = true;
};
FamilyMember describe_member(const Section& section, std::span<const uint32_t> outputs);

struct KeptPlan;

/// The members of one key. The first gets a plan for its numbers. With the second, what differs
/// becomes symbols; a later one that does not fit tells more about which sizes belong together.
class PlanFamily {
 public:
  /// A plan with symbols that, for the sizes of this member, is the very program that was recorded;
  /// null where there is none. `compilations` is raised by what was compiled.
  PlanRef symbolic_plan(const Section& section, std::span<const uint32_t> outputs,
                        const FamilyMember& member, uint64_t& compilations);

  std::mutex mutex;  // for all of it; held while a plan is compiled
  std::vector<std::weak_ptr<KeptPlan>> kept;
  std::atomic<uint64_t> last_used = 0;

 private:
  struct Version {
    SymbolicForm form;
    std::shared_ptr<const Executable> program;
  };
  PlanRef find_version(const Section& section, const FamilyMember& member);
  bool add_version(const Section& section, std::span<const uint32_t> outputs,
                   const FamilyMember& member, uint64_t& compilations);

  std::vector<Version> versions_;  // the newest first
  std::vector<Sizes> samples_;     // of members that no version served
  int attempts_ = 0;
};

}  // namespace tenon::detail
