// Programs that differ only in sizes, and the symbolic plans that serve many of them. Private to
// tensor/.
#pragma once

#include <mutex>

#include "tenon/tensor/plans.h"
#include "tenon/tensor/symbolic_form.h"

namespace tenon::detail {

/// A section, split into the part that its family shares and its sizes.
struct FamilyMember {
  /// Equal for sections with the same ops, wiring, dtypes and ranks, and with sizes of 0 and 1
  /// (which broadcast, squeeze or are empty) in the same places.
  Hash128 key;
  /// All sizes: of leaves, then of each call the attributes' and the result's.
  Sizes sizes;
  /// False inside traces that have symbols.
  bool has_numbers_only = true;
};
FamilyMember describe_member(const Section& section, std::span<const uint32_t> outputs);

struct KeptPlan;

/// The members of one key. The first gets a plan for its sizes. With the second, sizes that differ
/// become symbols. A later one that does not fit shows better which sizes are related.
class PlanFamily {
 public:
  /// A symbolic plan that, for the sizes of this member, is exactly the recorded program; null if
  /// there is none. Adds the number of compilations to `compilations`.
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
  std::vector<Sizes> samples_;     // of members that no version could serve
  int attempts_ = 0;
};

}  // namespace tenon::detail
